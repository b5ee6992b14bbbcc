// Package skew compares features as they were logged at serving with the same rows joined again
// offline, column by column: what training sees against what the model saw.
//
// [Compare] reads both tables side by side, row by row, in memory that does not grow with
// them, and returns a [Report], which prints as text and as one HTML file. Rows must
// correspond: the re-join keeps the order of the log, and Config.Keys checks it.
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
// It does not look at pairs of columns, and it does not say which side is right.
//
// Source: PSI: Siddiqi, Credit Risk Scorecards, 2006; KS: Smirnov 1948; reservoir: Vitter 1985,
// algorithm R.
package skew
