// Package gfcf filters the interactions of users by the graph of items: GF-CF, of Shen et al.
// (CIKM 2021), with nothing to train but singular vectors, and the accuracy of graph
// convolutional networks.
//
//	model, err := gfcf.Train(ctx, interactions, gfcf.Config{Sharpening: 2})
//	…
//	p, err := recsys.NewPipeline(recsys.Retrieve("gfcf", model, recsys.Quota(300))).Build()
//
// With the matrix R of users and items, unknown entries 0, the sums of its rows and columns
// D_U and D_I, R̃ = D_U^-a R D_I^-b divided by its largest singular value, P = R̃ᵀR̃, and V the
// first right singular vectors of R̃, the scores of a history r are r F with
//
//	F = (P f(P) + α D_I^-b V Vᵀ D_I^b) D_I^c
//
// where a and b are Config.UserExponent and ItemExponent, α is Alpha, c is Popularity, and f is 1
// without Sharpening: P is the linear filter, V Vᵀ the ideal low-pass filter. With a = b = 1/2, f
// = 1 and c = 0 that is equation 9 of Shen et al. ("How Powerful is Graph Convolution for
// Recommendation?").
// The model is an [itemsim.Model] that holds all weights, rounded to bfloat16, or the Neighbors
// largest to each item, by magnitude. The weight from an item to itself is left out.
//
// Sharpening is that of Choi, Hong, Park and Cho, "Blurring-Sharpening Process Models for
// Collaborative Filtering" (SIGIR 2023): the scores y change by y' = -yP for the time T, in one
// step of the classical Runge-Kutta method, f(λ) = 1 - Tλ + (Tλ)²/2 - (Tλ)³/6 + (Tλ)⁴/24. Here
// it applies to the linear filter alone, which they call late merge.
//
// The exponents matter more than either filter: on a validation split of Gowalla's check-ins P
// alone, with a = 0.35, b = 0.5 and c = 0.2, is as accurate as both with c = 0. Popularity, Alpha
// and Sharpening are worth a search.
//
// # When to choose it
//
// For sparse data, when the graph speaks for an item beyond the neighbours that its few users
// share. 0.8 million interactions with 41,000 items take a minute and a half of one core, four
// minutes with Sharpening. The number of items bounds it: time grows with items ×
// interactions, memory with the square of the items, 2 bytes for each pair, and what
// [Config].Neighbors leaves out to save it costs accuracy. Package itemknn does for more.
package gfcf
