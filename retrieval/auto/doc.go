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
// Recall is measured against exact search. It is worth giving real queries: user vectors
// lie elsewhere than item vectors, and what is fast for the one need not be for the other.
// Half of the queries set the effort, the other half measure what it gives.
//
// Times are of this machine and this moment, so the choice is not a function of the input
// alone; when two indexes are within a tenth of each other, the simpler one is taken.
// What was chosen is an ordinary index with its default effort set: saved, it is opened by
// its own package, or by [Open], and serves the same answers ever after.
package auto
