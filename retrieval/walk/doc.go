// Package walk proposes items that random walks reach: from an item of the history to a user
// who took it, and on to another item of that user. It is P3alpha, and with a positive Beta
// RP3beta: as quick to train as nearest neighbours, with two numbers to tune, and on many
// public data sets the best of the models without learned parameters.
//
//	model, err := walk.Train(ctx, interactions, walk.Config{Neighbors: 200, Alpha: 0.7, Beta: 0.25})
//
// The weight from item i to item j is
//
//	W_ij = Σ_u p_iu^α p_uj^α / n_j^β,  p_iu = w_ui / Σ_v w_vi,  p_uj = w_uj / Σ_k w_uk
//
// where w_ui is the weight of the interaction of user u with item i, 0 if there is none, and
// n_j the number of users of item j. Each item keeps the largest weights; the rest of the
// work is that of [itemsim.Model].
//
// # When to choose it
//
// Popular items collect walks, so Beta is what to tune first: 0 follows popularity, 1 turns
// it around. α below 1 lets users with long histories, and popular items of the history,
// speak louder than their probabilities do.
//
// # Sources
//
// P3alpha: Cooper, Lee, Radinsky and Siegel, WWW 2014 companion. RP3beta: Paudel, Christoffel,
// Newell and Bernstein, ACM TiiS 2017, who raise the result of the walk where we, as those
// who measured both, raise each step. The form, the cut to neighbours and the normalisation are
// those of Ferrari Dacrema, Boglio, Cremonesi and Jannach, TOIS 2021, whose figures on
// CiteULike-a the golden test of examples/cf reproduces. It differs in one point: where
// interactions have weights, they count in both steps, and not only in that from user to item.
package walk
