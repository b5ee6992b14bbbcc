// Feedbackloop shows what a recommender does to a catalogue, and to itself, when it is trained on its own log.
//
//	go run ./examples/feedbackloop -report loop.html
//	go run ./examples/feedbackloop -json -seeds 20 -drift 0.15 -arrivals 12
//
// It simulates users whose tastes drift, a catalogue with arrivals, and clicks that depend on the place: a user looks at
// place k with probability k^-bias and clicks what he then likes. Each round serves every user one slate through a pipeline
// of this library: four sources, features from the log, a logistic regression, an explorer, an exposure log that is
// joined with the clicks. Then everything is trained anew on the rounds that are remembered. What has been clicked is not shown to its
// user again. The first rounds, the warm-up, show what chance chooses, and all variants begin with that same log.
//
// The variants differ in nothing but this: "greedy" shows the best of its model; "popularity-damped" takes a penalty for
// popularity off first; "explored" draws by Plackett–Luce; "explored-ips" also corrects its training for what that log is: rows
// weigh 1/propensity, clicks 1/P(examined | place), click rates count what was examined, and the examination is estimated
// from the log itself. "oracle" is no recommender: it ranks by the truth.
//
// # What is measured
//
// By round, from what is true and not from clicks: the Gini index of exposure over the items that were there all through a window of
// rounds; the coverage, the share of them that anybody was shown; the recall of hidden taste, the share of a user's 20
// best items that he was shown in the window or has taken; and the reward, the clicks to be expected of a slate.
//
// The growth of the Gini index is from the warm-up's last window to the last window. The long-term reward is the mean over all
// rounds after the warm-up, what exploration costs included; that of the last quarter stands beside it. Variants live in the
// same worlds, seed by seed, so differences are paired, with Student's 95 % interval over seeds.
//
// # What is assumed
//
// The log odds of liking are -3 + 1.5 t + h + 0.5 q, standard normal each: the user's taste for the item's topic, the fit of hidden
// vectors of four dimensions, of which no feature tells, and the quality of the item. In each round tastes keep √(1-drift²) of what they
// were and get new chance of standard deviation drift. None of it was chosen by the outcome; temperature, depth and floor, which
// are the recommender's, were set on worlds 1000 to 1015. All but the strengths are flags.
//
// It has no trends, no creators who react, no users who leave, and the position-based model holds exactly: real loops
// are harder.
package main
