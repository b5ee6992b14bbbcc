// Package nearest joins a vector index with a vector of the user: a retriever over any
// [retrieval.Index].
//
//	index, err := flat.Open("items.flat")
//	…
//	source, err := nearest.New(index, nearest.Config{Column: "user_vector"})
//	…
//	p, err := recsys.NewPipeline(
//		recsys.Features(users), // writes the column user_vector of the request row
//		recsys.Retrieve("two-tower", source, recsys.Quota(400)),
//		…
//
// The vector comes from a column of the request row, from a function, or from the items of
// the request's history, and there may be several of them for one user: see [Config].
// [Interests] searches with several vectors outside of a pipeline.
//
// An index that can be changed is changed in place while it serves. One that is replaced,
// as by a file of the next training, is replaced with its pipeline by [recsys.Live.Swap]:
// then each request sees one version of the stage from start to end, and the record of
// the request names it.
package nearest
