// Package slim learns sparse item-to-item weights by regression: SLIM, of Ning and Karypis
// (ICDM 2011). Every item is predicted from the other items of its users, so that an item
// whose information others carry already gets no weight, where nearest neighbours count it
// again.
//
//	model, err := slim.Train(ctx, interactions, slim.Config{L1: 1, L2: 100})
//
// With A the matrix of users and items, column w of the weights for item j minimises
//
//	½ |a_j - A w|² + ½ L2 |w|² + L1 Σ_k w_k,  w_k >= 0, w_j = 0
//
// The solver is coordinate descent on the products AᵀA, which all columns share (Friedman,
// Hastie and Tibshirani, Journal of Statistical Software 2010, section 2.2). Only an item k
// with a_k·a_j > L1 can get a weight, whatever the others do, since no weight and no product
// is negative: so the search among the items that share users with j is exact. Where there
// are more than Candidates of them, those with the largest cosine stay (fsSLIM, section IV.C of
// the paper, with the cosine as the method that chooses).
//
// Beyond the paper, Config.Discount lets users with long histories count less. On the check-ins
// of Gowalla (the LightGCN split, full ranking) 0.25 gives recall@20 0.1855 and NDCG@20 0.1534
// where none gives 0.1795 and 0.1478; a published SLIM has 0.1699 and 0.1382.
//
// # When to choose it
//
// Columns are independent, so training uses all cores and its time grows with the items;
// serving costs what the non-zero weights cost, which are few. EASE (package ease) solves the
// same regression without L1 and without w >= 0, in one dense factorisation: it is the better
// choice for catalogues whose square fits in memory, SLIM for those whose products do.
package slim
