// Package retrieval holds the first stage of the funnel: candidate generators,
// which turn a request into some hundreds of items out of all, and the data that
// they learn from. [Interactions] is that data: who took what, how much, when, as
// a sparse matrix by user and by item and as histories in time order, built from
// [Records] or read from a file by [ReadInteractions], [ReadLists] or
// [ReadSessions]. Rows and columns are dense numbers in the order of the ids, so
// that everything learned from the same data is laid out the same way.
//
// A generator is a [Retriever]; one that can also score given items is an
// [ItemScorer]. Simple ones stand here, those with a model have a folder each:
//
//	generator             type            a request takes                source
//	most popular          Popular         candidates + exclusions        –
//	newest                Newest          candidates + exclusions        –
//	item-based neighbours itemknn.Model   neighbours of the history      Deshpande and Karypis 2004
//
// Retrievers that describe a user by what the request's history holds, and so
// serve users whom they have not met, weigh its events by a [History]. None drops
// what the user has seen: that is for Request.Exclude, which every source obeys.
// Package retrievaltest checks retrievers, a service's own too.
package retrieval
