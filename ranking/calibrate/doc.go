// Package calibrate makes probabilities of scores, and tells whether
// probabilities are true: of all rows with a predicted 0.2, is one in five clicked?
//
// An objective adds and multiplies heads, so they must mean what they say; a model
// that was trained on lists, on sampled negatives or with weights does not predict
// probabilities, whatever the range of its output. [Fit] learns a map from score to
// probability on rows that the model was not trained on, [Wrap] puts it behind the
// head of any ranker:
//
//	train, rest, err := data.Split(0.2, seed)
//	model, err := ranking.TrainLinear(ctx, cfg, train)
//	heads, err := calibrate.FitHeads(calibrate.Config{Method: calibrate.Isotonic}, model, rest)
//	ranker, err := calibrate.Wrap(model, calibrate.WrapConfig{Heads: heads})
//	p, err := recsys.NewPipeline(…, recsys.Rank(ranker), recsys.Score(goal)).Build()
//
// and [Judge] measures, on rows that neither has seen: the reliability curve, the expected
// calibration error, log loss and Brier score with their parts. [CheckSegments]
// finds the groups of rows whose predictions are off by more than chance.
//
// # Which method
//
//	method       | map                            | needs       | ties | source
//	Platt        | sigmoid(a s + b)               | 100s rows   | no   | Platt 1999; Lin, Lin, Weng 2007
//	Temperature  | sigmoid(logit(p)/T)            | 100s rows   | no   | Guo et al., ICML 2017, section 4.2
//	Beta         | sigmoid(a ln p - b ln(1-p) + c) | 100s rows  | no   | Kull, Silva Filho, Flach, AISTATS 2017
//	Isotonic     | any that does not fall         | 1000s rows  | yes  | Zadrozny, Elkan, KDD 2002
//	Histogram    | mean label of each bin         | 1000s rows  | yes  | Zadrozny, Elkan, ICML 2001
//
// Platt is for scores of any scale; with LogOdds, and like Temperature and Beta, for
// probabilities. All but Histogram keep the order of scores; Isotonic and Histogram make some
// of them equal, and ranking breaks ties by item.
//
// # Conventions
//
// Scores, labels and weights are parallel slices. A NaN label is unknown and its row is
// left out, as is a row of weight 0. Weights count a row as so many rows; nil means 1 each.
// Labels are in [0, 1] and need not be 0 or 1. A calibrator is immutable, safe for
// concurrent use, allocates nothing, and gives the same bits on every machine.
//
// # What it does not do
//
// It does not calibrate amounts (seconds, prices) or several classes at once, and it
// does not improve the order of a list: see [Decomposition].Discrimination.
package calibrate
