// Package nearest joins a vector index with a vector of the user: a retriever over any
// [retrieval.Index].
//
//	index, err := flat.Open("items.flat")
//	…
//	source, err := nearest.New(index, nearest.Config{Column: "user_vector", Version: model.Version()})
//	…
//	p, err := recsys.NewPipeline(
//		recsys.Features(users), // writes the column user_vector of the request row
//		recsys.Retrieve("two-tower", source, recsys.Quota(400)),
//		recsys.Retrieve("popular", popular, recsys.AsFallback()), // for users without a vector
//		…
//
// A features store that writes such a column holds users, not items:
//
//	users, err := features.NewStore(features.StoreConfig{
//		View: features.View{
//			Name: "user", Entity: features.User,
//			Columns: []recsys.Column{{Name: "user_vector", Kind: recsys.Vector, Dim: 64}},
//		},
//		…
//
// The scores of a result are those of the merged sources, which is how they are ordered
// until a ranker comes. The score by which the index chose an item is a feature: the column
// of this source that features.Retrieval writes.
//
// The vector comes from a column of the request row, from a function, or from the items of
// the request's history, and there may be several of them for one user: see [Config].
// [Interests] searches with several vectors outside of a pipeline.
//
// An index that can be changed is changed in place while it serves. One that is replaced,
// as by a file of the next training, is replaced with its pipeline by [recsys.Live.Swap]:
// then each request sees one version of the stage from start to end, and the record of
// the request names it, given [Config.Version].
package nearest
