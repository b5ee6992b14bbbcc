// Package retrieval holds the first stage of the funnel: candidate generators,
// which turn a request into some hundreds of items out of all, and the data that
// they learn from. [Interactions] is that data: who took what, how much, when, as
// a sparse matrix by user and by item and as histories in time order, built from
// [Records] or read from a file by [ReadInteractions], [ReadLists] or
// [ReadSessions]. Rows and columns are dense numbers in the order of the ids, so
// that everything learned from the same data is laid out the same way.
package retrieval
