// Package objective says what a list is ranked for: which predictions count, how
// much each, and which acts of a user make the labels that the predictions are
// trained on. Both are data, not code: small JSON files that can be reviewed,
// diffed and named in every exposure record.
//
// An [Objective] turns the heads of a ranker (click, long dwell, purchase, hide)
// into one score per candidate, as a weighted sum or as a product of powers. It
// is what recsys.Score takes:
//
//	goal, err := objective.ReadFile("home.json")
//	…
//	recsys.Rank(model), recsys.Score(goal)
//
// A [Labeler] turns the events of one exposure into one label per head: 1, 0,
// something between, a value, or NaN where the events do not tell.
//
// Everything works on plain slices: heads and labels are row-major []float32 of
// rows x heads. The package imports nothing of the pipeline, so that training
// code and notebooks can use it alone.
//
// NaN means unknown throughout. A NaN head makes the row's score NaN, which
// sorts last and is counted; a NaN label is left out of training.
//
// What it does not do: it calibrates no head, and it does not learn weights. The
// weights assume that heads are on the scales that they were chosen for; a head that has no
// scale, of a ranker that says so, is refused when the pipeline is built ([Term].Kind), and
// package ranking/calibrate makes a probability of it.
//
//	algorithm               type            cost per row            source
//	weighted sum            Objective, Sum      heads               -
//	product of powers       Objective, Product  heads logarithms    Ma et al., SIGIR 2018 (p = pCTR x pCVR)
//	ordered label rules     Labeler             events + rules      -
//	dwell time thresholds   StandardLabels      as above            Fox et al., 2005; Yi et al., RecSys 2014
package objective
