// Package auto picks a vector index for a set of vectors by trying: it builds the
// candidates, finds for each the least effort that reaches the recall asked for,
// times them on the same queries, also under filters, and keeps the fastest.
//
//	choice, err := auto.Build(ctx, auto.Config{
//		Metric:  retrieval.InnerProduct,
//		K:       100,
//		Recall:  0.99,
//		Queries: users, // vectors of real users
//	}, items, vectors)
//	fmt.Println(choice.Why())
//	index := choice.Index
//
// Recall is measured against exact search. An index has the recall asked for if its mean over
// the queries is that, and two standard errors below the mean is not more than 0.005 below
// what was asked for. The effort is the least that shows this, to within a thirty-second.
//
// It is worth giving real queries, a thousand or so: user vectors lie elsewhere than item
// vectors. A graph that finds 0.99 of what is near items can find 0.9 of what is near users.
// Without any, Build makes up three kinds of queries, items, items with noise and points
// between items, and an index must have the recall for each kind. That is careful: it takes
// about twice the effort that real queries would, and often leaves exact search the fastest.
// Nothing is promised for queries that lie farther out than those.
//
// The indexes and their efforts follow from the input and the seed. Which of them is taken
// depends on CPU times as well, of this machine and this moment, and so may differ from run to
// run when two are close; one that is within a tenth of a simpler one is not taken. A
// single name in [Config.Candidates] fixes the choice.
//
// What was chosen is an ordinary index with its default effort set: saved, it is opened by
// its own package, or by [Open], and serves the same answers ever after.
package auto
