// Package puresvd learns vectors of items from interactions by a truncated singular value
// decomposition: PureSVD, of Cremonesi, Koren and Turrin (RecSys 2010).
//
//	model, err := puresvd.Train(ctx, interactions, puresvd.Config{Factors: 64})
//	…
//	index, err := flat.New(flat.Config{}, model.Items(), model.Vectors())
//	…
//	source, err := nearest.New(index, nearest.Config{})
//
// The matrix of users and items R, unknown entries 0, is approximated by U Σ Vᵀ of rank
// Factors. A user with the row r of interactions gets the scores r V Vᵀ: the vector of the
// user is the sum of the vectors of the items in the history, each times its weight, so
// that users who were not there in training are served like any other, without any. That
// is what package nearest does by default, for an index by inner product.
//
// V comes from randomised subspace iteration on RᵀR (Halko, Martinsson and Tropp, SIAM
// Review 2011, algorithm 4.4), which takes O(iterations × interactions × Factors) time
// and never forms RᵀR. It is the same to the bit for any number of workers and on any
// machine.
//
// There are no biases and no negative feedback; ratings count as they are, so that data of
// clicks and plays suit it better than ratings that must be predicted.
package puresvd
