// Package als learns vectors of users and items from implicit feedback, clicks, plays and
// purchases, by alternating least squares: the matrix factorisation of Hu, Koren and Volinsky
// (ICDM 2008), with the weights and the regularization with which Rendle, Krichene, Zhang and
// Koren (RecSys 2022) found it as good as newer methods.
//
//	model, err := als.Train(ctx, interactions, als.Config{Factors: 256, Regularization: 0.001})
//	...
//	p, err := recsys.NewPipeline(recsys.Retrieve("als", model, recsys.Quota(300))).Build()
//
// It minimises, over the vectors x of users and y of items,
//
//	Σ_(u,i) c_ui (p_ui - x_u·y_i)² + Σ_u λ_u |x_u|² + Σ_i λ_i |y_i|²
//
// where p is 1 and c the confidence c(r) for a pair with an interaction of weight r, and p is 0
// and c is α0 for all other pairs. The sum over all pairs costs no more than one over the
// interactions, since the other pairs have one Gram matrix in common. Given the items, each
// user is a linear system of its own, and the other way round: an epoch solves for all
// items, then for all users.
//
// Rendle et al. weigh the squared error of an interaction by 1 and add α0 times the square of
// all scores. With c = 1, the default, and one λ for all, the minima of this objective are those
// of theirs for α0/(1-α0) in place of α0, but for a factor of all scores.
//
// # New users, new items
//
// A user whom the model has not met is folded in: the linear system of the user is solved for
// the history of the request, in some ten microseconds at 64 factors. [Model.FoldInUser] and
// [Model.FoldInItem] give the vectors themselves, [Model.Refit] a model with new vectors of
// some users and items, [Config].Start goes on with a whole training.
//
// # When to choose it
//
// It trains fast on data of any size, folds in exactly, explains itself ([Model.Explain]), and
// its vectors serve an index. Item-to-item methods (itemknn, walk, ease) may reach more on small
// and sparse data; examples/cf measures both on yours.
package als
