// Package debias weighs training rows so that a model learns what users want and
// not what they were shown.
//
// There are several biases, with different weights. A dataset takes one set
// of them; a second one is an error that names both ([ranking.WeightsError]).
//
// Clicks: a user clicks what he likes and has looked at, and he looks at the top.
// [ClickWeights] weighs each click by 1/P(examined | position) and leaves rows without a
// click at 1: they may be unexamined or disliked, and no weight of theirs can tell.
//
//	counts, err := debias.CountsOf(data, "click", pair)      // by query, item and position; or Counter, of a log
//	seen, err := debias.AllPairs(counts)                     // or another estimate below, or known beforehand
//	band, err := debias.Bootstrap{}.Interval(ctx, counts, debias.AllPairs)
//	weighted, summary, err := debias.ClickWeights(data, "click", seen, debias.WeightConfig{})
//
// Ratings: a user rates what he chose to consume, which he likes more than the rest. [RatingWeights]
// weighs each rating by 1/P(shown), the probability that this user rates this item, whatever
// the rating is. [NaiveBayes] and [Shown] estimate it.
//
// Logs of an explorer: what was shown was drawn, with a propensity that is known. [LoggedWeights] weighs each row by 1/propensity,
// and clicks by 1/P(examined) on top, so that training sees all candidates alike and not the old ranker's choice.
//
// Or, for clicks, the position is a feature of the model, and is held at one value
// when it serves: [Position] does both sides.
//
// # Estimates of examination
//
//	function       | needs                                            | source
//	Random         | places given by chance                           | Joachims et al., WSDM 2017, section 5.1
//	Pivot          | pairs of query and item at place 0 and others    | Agarwal et al., WSDM 2019 (all against one)
//	AdjacentChain  | pairs at two places side by side                 | the same (adjacent chain)
//	AllPairs       | pairs at any two places                          | the same (all-pairs)
//	EM             | pairs at several places, and the model to hold   | Wang et al., WSDM 2018, section 3
//	RegressionEM   | features that tell relevance, not the place      | the same, algorithm 1
//
// [Bootstrap] gives each of them an interval.
//
// All assume the position-based model, P(click) = P(examined | position) P(liked | pair). Place 0 has
// probability 1: clicks tell ratios only. Pairs that move between places are what all but Random and
// RegressionEM live on; the more a logging policy explores, the better.
//
// # What it does not do
//
// It knows no cascade and no trust bias, and it does not make a click a purchase. Weights make
// the mean loss unbiased at the price of variance: [Summary].Effective says how many rows are left of it.
//
// Source: Joachims, Swaminathan, Schnabel, WSDM 2017 (clicks); Schnabel et al., ICML 2016 (ratings).
package debias
