// Package skew compares features as they were logged at serving with the same rows joined again
// offline, column by column: what training sees against what the model saw.
//
// [Compare] reads both tables side by side, row by row, in memory that does not grow with
// them, and returns a [Report], which prints as text and as one HTML file. Rows must
// correspond: the re-join keeps the order of the log, and Config.Keys checks it. [CompareServed] does it
// in one step for an exposure log: it runs a join of package asof whose labels bring along what was served.
//
// For each column it tells:
//
//	mismatch   share of rows whose values differ by more than the tolerance, or one of which is missing
//	missing    share of rows without a value, on both sides, and the difference
//	PSI        Σ (p-q) ln(p/q) over bins of the values: has the distribution moved
//	KS         the largest distance between the distribution functions; numbers only
//
// A mismatch finds what PSI cannot, values that go to the wrong rows; PSI and KS tell how
// much the differences matter. Numbers have bins at the deciles of a sample of what was logged, one
// below and one above; vectors are judged by their length; strings and uint64, which
// are categories, fall into 64 bins by hash. Shares are (n+1/2)/(N+B/2), so that an empty bin stays
// finite. The sample is a reservoir of rows, the same ones on both sides, drawn under a seed:
// up to Config.Sample rows PSI and KS are exact, beyond it KS errs by about 1/√Sample.
//
// A table without rows, and a column without a value on either side, has the verdict [Empty], which is not OK: a check that
// wants agreement asks for OK.
//
// # Live aggregates
//
// A feature that a stream keeps up to date is served a little behind: between two flushes a row lacks the newest events, and until the next
// refresh it has some that have left a window. So some values differ from a re-join of all events although nothing is
// wrong, and the default Mismatch of 0.001 calls that skew. With a flush every L seconds, of the reads of a key that gets r
// events a second about r·L/2 are behind, and all of them where that is above 1.
//
// To choose Mismatch, compare a stretch of the log that is known to be right, with the lag that is allowed, and take twice the largest
// value found; more than 0.5 says nothing any more, and 1 turns it off: then the distributions are the judge, whose
// default thresholds a lag that is short beside the windows does not reach. examples/features sets Mismatch to 1: with -flush 10s -crash 0 -events 100000
// 1.7 to 38 % of the values of its columns differ, but for the decay, at a PSI of at most 0.04 and a KS of at most 0.07, all below skew; with -flush 0
// it is 5.1 % at most, and 0.1 would do; with -flush 1m a window of 10 minutes is at 57 %, a PSI of 0.86, and skew indeed.
// Decays move with time itself, and always differ: give them a value in Tolerances.
//
// Or compare with what was written in place of what happened: a table of the rows as they were written, which materialize.History keeps, in package asof. Its join
// finds what serving found, and the default holds. [CompareServed] does that in one step.
//
// # Limits
//
// It does not look at pairs of columns, and it does not say which side is right.
//
// Source: PSI: Siddiqi, Credit Risk Scorecards, 2006; KS: Smirnov 1948; reservoir: Vitter 1985,
// algorithm R.
package skew
