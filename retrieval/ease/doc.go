// Package ease learns weights from items to items by ridge regression of every item on all
// others: EASE^R, of Steck (WWW 2019). It has one hyper-parameter, a solution in closed form,
// and on data with some interactions per item the accuracy of models that take days to train.
//
//	model, err := ease.Train(ctx, interactions, ease.Config{Regularization: 200})
//	…
//	p, err := recsys.NewPipeline(recsys.Retrieve("ease", model, recsys.Quota(300))).Build()
//
// With the matrix X of users and items, unknown entries 0, it minimises
//
//	|X - X B|² + λ |B|²,  B_jj = 0
//
// whose solution is B_ij = -P_ij / P_jj for i ≠ j, with P = (XᵀX + λI)⁻¹ (equation 8). Weights
// may be negative: an item may speak against another. The score of item j for a history x is
// (xB)_j. The model is an [itemsim.Model] that holds all weights, rounded to bfloat16, or the
// Neighbors largest to each item, by magnitude. On Gowalla's check-ins, with 40,981 items and λ =
// 80, all weights reach recall@20 0.1765 and NDCG@20 0.1467, rounded or not, which is what others
// report; the largest 5,000 to each item 0.1752 and 0.1447, and the largest 1,000 0.1736 and
// 0.1434: what is left out is small, but it is much.
//
// # Cost and memory
//
// The inverse is computed in place, from half of a matrix of float32: 2s² bytes and s³
// multiplications and additions for the smaller number s of items and users. All n² weights
// take another 2n² bytes, and the model those alone. Where users are
// fewer, it is theirs that is inverted: by the identity of Woodbury,
// (XᵀX + λI)⁻¹ = (I - Xᵀ(XXᵀ + λI)⁻¹X) / λ. That is some minutes of two cores for 30,000, and
// 45,000 take 4 GB. Training that needs more than Config.MaxBytes is refused before anything is
// allocated.
//
// For larger catalogues there is Config.Local, which fits each item to the items nearest to it
// alone, by solving one small system each: B_Sj = (X_SᵀX_S + λI)⁻¹ X_Sᵀx_j for the
// neighbourhood S of j. That is the sparse approximation of Steck, "Markov Random Fields for
// Collaborative Filtering" (NeurIPS 2019, section 3.2), with a system for every item (his r =
// 0), and takes O(items × Neighbors³) time and memory for the weights alone. On CiteULike-a 200
// neighbours reach HR@10 0.8738 and NDCG@10 0.7088, where the exact form has 0.8806 and 0.7197.
//
// # When to choose it
//
// For catalogues of up to some ten thousand items, whose training takes minutes; when
// neighbourhood models propose the popular. It does not know time, and a weight of 2 is an
// interaction that counts four times.
package ease
