// Package ranking scores candidates: models of the ranking stage, and the
// training data that they and others learn from.
//
// A ranker implements [recsys.Ranker]. The main type here is [Linear], a
// logistic regression with a head for each thing to predict:
//
//	data, err := ranking.ReadCSV(file, ranking.CSVConfig{Labels: []string{"click", "buy"}})
//	train, held, err := data.Split(0.1, seed)
//	model, err := ranking.TrainLinear(ctx, ranking.LinearConfig{L2: 1e-4, Validation: held}, train)
//	p, err := recsys.NewPipeline(…, recsys.Features(store), recsys.Rank(model), …).Build()
//
// Package fm beside it has models of what columns do in pairs, and linear models whose IDs are hashed and that
// learn while they serve.
//
// # Data
//
// A [Dataset] is a table: float and ID columns by the names of the pipeline's
// features, labels by head, weights, groups, times, and the positions and
// propensities that debiased learning needs. It is made of served slates
// ([Collector]), of events with sampled negatives ([FromEvents]), or of text
// ([ReadCSV], [ReadLibSVM]). Labels come from the caller as plain slices; package
// objective computes them from feedback.
//
// # Conventions
//
//   - Matrices are row-major []float32.
//   - NaN is a missing feature or an unknown label. It is never an error and never a score.
//   - A model keeps means, scales and vocabularies of its training rows and sees
//     raw features, so that training and serving cannot drift apart.
//   - Models find their columns by name ([recsys.Binder]), at Build, wherever they stand.
//   - Scores are probabilities: they compare across requests, and an objective can combine them.
//   - A trained model is immutable, safe for concurrent use, and allocates nothing to rank.
//   - Training gives the same bits for a seed on any machine, with any number of workers.
//
// # What it does not do
//
// Vectors are no input of a linear model; a feature source turns them into
// similarities. Crosses of features are columns that a source writes.
//
// Package calibrate makes probabilities of scores and judges them; package debias weighs rows by what
// users were shown.
//
// # Algorithms
//
//	algorithm            | type              | cost of a row    | source
//	logistic regression  | Linear            | O(H (d+c))       | –
//	AdaGrad              | Optimizer AdaGrad | O(d+c) a step    | Duchi, Hazan, Singer, JMLR 2011, figure 1
//	FTRL-Proximal        | Optimizer FTRL    | O(d+c) a step    | McMahan et al., KDD 2013, algorithm 1
//	proximal SGD         | Optimizer SGD     | O(d+c) a step    | Duchi, Singer, JMLR 2009 (forward-backward splitting)
//	lazy regularisation  | all but FTRL      | O(c) a row       | the same; closed form at descent.refresh
//	pairs of columns     | fm.Model         | O(k (d+c))       | Rendle, ICDM 2010; Juan et al., RecSys 2016
//	hashed, online       | fm.Model, Linear | O(d+c)           | McMahan et al., KDD 2013
//
// with H heads, d float columns and c ID columns.
package ranking
