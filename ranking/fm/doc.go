// Package fm ranks with factorisation machines: models that learn what columns do in
// pairs, this user with that item, that hour with this category, from pairs that were never
// seen together. The main type is [Model]:
//
//	model, err := fm.Train(ctx, fm.Config{Validation: held}, train)
//	p, err := recsys.NewPipeline(…, recsys.Features(store), recsys.Rank(model), …).Build()
//
// # Models
//
// A row is a sparse vector x with a coordinate for each float column and each ID. With a
// weight w and a vector v for each coordinate the score is
//
//	FM      w0 + Σ_i w_i x_i + Σ_{i<j} <v_i, v_j> x_i x_j
//	FFM     w0 + Σ_i w_i x_i + Σ_{i<j} <v_{i,f(j)}, v_{j,f(i)}> x_i x_j
//	Linear  w0 + Σ_i w_i x_i
//
// where f(i) is the column of coordinate i. For logistic loss its sigmoid is a probability.
// Start with FM. FFM has as many parameters as columns for each of FM's, and pays where
// there are many rows. Linear is the sparse, online companion of [ranking.Linear]: its IDs may
// be hashed, it may learn online ([FTRL] is made for that), its parameters are float32.
// Where features are few and dense, [ranking.Linear] converges in float64, tells coefficients
// and importance, and has indicators of missing values.
//
// # IDs
//
// A vocabulary (the default) gives each ID of the training rows parameters of its own, and
// unknown IDs none. [Config].HashBits gives each ID a bucket, shared with others at random, so
// that IDs to come have a place. Take many: with Frappe's 5,382 IDs in 2^16 buckets the log loss was
// 2 % higher than with a vocabulary, in 2^18 as low.
//
// # Learning online
//
// [Online] is the ranker that goes on learning: it takes served slates and feedback, joins
// them, and replaces the model that requests see. See its example.
//
// # Conventions
//
//   - Heads are fitted independently: a table of parameters for each.
//   - What is missing adds nothing. A score is never NaN.
//   - Columns bind by name. Those of the request are scored once, not for each candidate.
//   - Ranking allocates nothing in steady state; a Model is immutable and safe for concurrent use.
//   - Training gives the same bits for a seed on any machine, with any number of workers. One core trains
//     a head, unless Config.BatchSize is 64 or more; heads are trained side by side. Batches cost accuracy.
//     There is no lock-free mode whose result depends on chance.
//
// # Algorithms
//
//	algorithm                        | type              | cost of a row | source
//	factorisation machine            | Kind FM           | O(c k)        | Rendle, ICDM 2010, equation 1, lemma 3.1
//	field-aware                      | Kind FFM          | O(c² k)       | Juan, Zhuang, Chin, Lin, RecSys 2016, equation 4
//	logistic regression              | Kind Linear       | O(c)          | –
//	AdaGrad                          | Optimizer AdaGrad | as the row    | Duchi, Hazan, Singer, JMLR 2011, figure 1
//	Adam, of touched parameters      | Optimizer Adam    | as the row    | Kingma, Ba, ICLR 2015, algorithm 1
//	FTRL-Proximal                    | Optimizer FTRL    | as the row    | McMahan et al., KDD 2013, algorithm 1
//	hashing of features              | Config.HashBits   | O(1) an ID    | Weinberger et al., ICML 2009
//
// with c columns and k factors. FM, and FFM where k is a multiple of 8, are computed
// by kernels in assembly (AVX2), with the same bits as in Go.
package fm
