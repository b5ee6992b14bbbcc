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
//	generator             type              a request takes               source
//	most popular          Popular           candidates + exclusions       –
//	rising                NewTrending       candidates + exclusions       Clayton and Kaldor 1987; DuMouchel and Pregibon 2001
//	newest                Newest            candidates + exclusions       –
//	item-to-item weights  itemsim.Model     weights of the history        Deshpande and Karypis 2004
//	implicit ALS          als.Model         a fold-in, a scan of items    Hu et al. 2008; Rendle et al. 2022
//	BPR, WARP, logistic   bpr.Model         a fold-in, a scan of items    Rendle et al. 2009; Weston et al. 2011; Johnson 2014
//	two towers            twotower.Model    a tower, a scan of items      Yi et al. 2019
//	self-attention        sasrec.Model      a network, a scan of items    Kang and McAuley 2018
//	sessions              session.KNN       neighbours of the session     Ludewig and Jannach 2018; Garg et al. 2019
//	nearest vectors       nearest.Retriever a search of an index          –
//
// The weights from item to item come from package itemknn (nearest neighbours), walk (random
// walks: P3alpha, RP3beta), slim (sparse regression), ease (regression in closed form), gfcf
// (filters on the graph of items) or session (Markov chains and rules). Package ensemble blends
// retrievers, and says what each adds to the others.
//
// # Which one
//
// Start with itemknn or walk: they train in seconds, explain themselves and need little data.
// Then, by what you have:
//
//   - up to some ten thousand items: ease, beyond that slim, which do not count twice what two
//     items of a history tell; gfcf, where data is sparse
//   - more items than that, or vectors for an index: als, which trains fast on data of any size; bpr,
//     which compares items in place of fitting all pairs, and takes more passes
//   - features of users or items, items that come and go: twotower; items that nobody has
//     taken yet: content
//   - an order that matters, sessions of unknown visitors: session, and with some hundred
//     thousand events or more sasrec
//   - nothing of the user: Popular, NewTrending, Newest, as fallback of all others
//
// A training that would take more bytes than Config.MaxBytes fails before it allocates, with a
// [MemoryError]. What item-to-item weights and als give a score is a sum over the history, which
// an [Explainer] tells.
//
// All have hyper-parameters that are worth a search: examples/cf and examples/seq tune and compare
// models, and blends of them, on a file of yours.
//
// # Users
//
// Retrievers that describe a user by what the request's history holds, and so
// serve users whom they have not met, weigh its events by a [History]. None drops
// what the user has seen: that is for Request.Exclude, which every source obeys.
// Package retrievaltest checks retrievers, a service's own too.
//
// # Vectors
//
// An [Index] finds the items whose vectors are nearest to a query. A [MutableIndex] takes
// new items while it is searched. Package nearest makes a retriever of one. Packages
// puresvd, als, bpr, twotower and sasrec learn vectors, package content makes them of what
// items are. Scores are exact, whichever items an approximate index finds.
//
//	index  type        answers      a search reads                       source
//	flat   flat.Index  exact        vectors that may be among the best   Cauchy–Schwarz; int8 codes with a proven bound
//	hnsw   hnsw.Index  approximate  a walk of a graph                    Malkov and Yashunin 2018
//	ivf    ivf.Index   approximate  the lists nearest to the query       Jégou, Douze and Schmid 2011
//
// Under the inner product, and up to some hundred thousand items, flat is the first choice:
// nothing to tune, nothing to miss, the fastest under filters. Graphs pay where vectors are many
// and of like norms; lists where vectors form clusters, where a build must be quick, and where memory
// is short. Package auto tries all three on queries and says why it chose.
//
// A [Filter] narrows a search to the items that match: a list, a bitmap, a condition, or a
// value of [Attributes], and what AllOf, AnyOf and Not make of them. It is made once and
// remembers which rows of an index match. Whoever writes an index builds on [Rows], and
// checks it by retrievaltest.IndexSuite.
package retrieval
