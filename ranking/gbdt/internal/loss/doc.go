// Package loss holds what boosted trees minimise, and the figures by which training stops.
//
// An [Objective] turns the raw scores of all rows into gradients and hessians of the loss
// with respect to them. Its base scores are the constants that minimise the loss, as far as
// that is cheap; for losses whose hessian says nothing, a [Renewer] computes the value of a leaf
// from the rows in it.
//
// # Layout
//
// Scores, gradients and hessians are output-major: output k of row i is at k*n+i. Rows whose
// label is NaN or whose weight is 0 do not count anywhere: their gradient and hessian are 0.
//
// # Determinism
//
// Rows and queries are divided into chunks of fixed size, each of which writes to its own
// place; nothing depends on the number of workers. What is random derives from the seed, the
// round and the row.
//
//	objective              | loss of a row or pair                           | source
//	L2, L1, Quantile, Huber| regression                                      | Friedman 2001; Koenker and Bassett 1978
//	LogLoss, CrossEntropy  | labels 0 and 1; labels in [0, 1]                |
//	Poisson, Gamma, Tweedie| deviance under a log link                       | Jorgensen 1987
//	Softmax                | log loss over classes                           | Friedman 2001, algorithm 6
//	LambdaMART             | pairs weighted by what a swap changes of NDCG   | Burges 2010
//	Pairwise               | log loss of pairs                               | Burges et al. 2005 (RankNet)
//	XENDCG                 | cross-entropy with a drawn target distribution  | Bruch 2021
package loss
