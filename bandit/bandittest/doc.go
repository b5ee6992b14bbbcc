// Package bandittest checks that an explorer keeps the contract of
// [recsys.Explorer], and of [recsys.Judge] if it is one.
//
//	func TestMyExplorer(t *testing.T) {
//		bandittest.Run(t, func(t *testing.T) recsys.Explorer { return MyExplorer{} })
//	}
//
// Each case is one rule, quoted in what it reports. [Suite] sets how many slates
// are drawn and returns violations without a testing.T.
//
// Tables have the columns "float", "id" and "vector" (of 2) and the head "head". They are
// bound with [recsys.Bind]; an explorer that reads other columns is checked with those
// names in place of its own.
//
// # Statistical cases
//
// They draw slates from small tables, seven rows and four places, and compare the picks
// after each prefix with the propensities that were logged there, by Pearson's chi-square
// test: without constraints, under two caps, and under a rule that re-admits rows (no two
// alike in a row), where an explorer that draws its noise once per slate goes wrong.
// Another case compares whole slates with the product of their propensities. Cells with
// an expectation below 5 are pooled. A test fails at p < 1e-4, shared among the prefixes
// of a table by Bonferroni's rule; there are 18 of them, so that of a thousand correct
// explorers (or seeds) about two fail. The seeds are fixed: a pass stays a pass.
//
// With 1,000,000 draws the cases find a temperature that is wrong by 1 %, which
// changes propensities of 0.05 to 0.35 by about 1 % of themselves.
//
// An explorer whose propensities are estimates ([recsys.Slate.PickEstimated]) is compared with its standard errors instead.
//
// An explorer that learns is handed over when it has learned: newExplorer returns explorers that know the same, of the items 1000 to
// 1006. [Draws] does the counting on a table of the caller's, with other columns, constraints and items.
//
// # Doubles
//
// [StopsEarly], [PicksTwice], [NaNPropensity], [Panicking], [Erroring], [Slow] and
// [Hanging] are faulty explorers for tests of what surrounds an explorer.
package bandittest
