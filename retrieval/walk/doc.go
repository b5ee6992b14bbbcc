// Package walk proposes items that random walks reach: from an item of the history to a user
// who took it, and on to another item of that user. It is P3alpha, and with a Beta that is not
// 0 RP3beta: as quick to train as nearest neighbours, with two numbers to tune, and in the
// comparisons named below as good as models that take far longer.
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
// Popular items collect walks, and Beta says how much of that stays. What is best depends on
// the data: 0.2 on the papers of CiteULike-a, none on the check-ins of Gowalla. α below 1 lets
// users with long histories, and popular items of the history, speak louder than their
// probabilities do.
//
// # Sources
//
// P3alpha: Cooper, Lee, Radinsky and Siegel, WWW 2014 companion. RP3beta: Paudel, Christoffel,
// Newell and Bernstein, ACM TiiS 2017. The form, the cut to neighbours and the normalisation are
// those of Ferrari Dacrema, Boglio, Cremonesi and Jannach, TOIS 2021, whose figures on
// CiteULike-a the golden test of examples/cf reproduces. It differs in one point: where
// interactions have weights, they count in both steps, and not only in that from user to item.
package walk
