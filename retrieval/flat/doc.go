// Package flat finds the items nearest to a query exactly: an [Index] has the answer, items,
// order and bits, that comparing the query with every vector would give, without comparing
// it with every vector.
//
//	x, err := flat.New(flat.Config{}, items, vector.From(factors, 64))
//	if err != nil {
//		return err
//	}
//	found, err := x.Search(nil, user, 10, retrieval.SearchOptions{Exclude: seen})
//
// For up to a few hundred thousand items it is often the fastest index as well, under
// filters almost always, and there is nothing to tune. Items are inserted, updated and
// deleted while others search.
//
// # How
//
// Rows are ordered by norm. Under the inner product a search reads them from the largest
// norm down, and stops where |q||x| is below the k-th best score: on the factors of a
// matrix factorisation, whose norms follow popularity, that is after a few percent. Under
// L2 it starts where norms are like the query's, and skips norms that are too far off.
//
// From 32 dimensions up rows are first compared by codes of one byte per component. A
// bound on the error, proven for each block of rows (see package code8), says which rows
// could be among the best; only those are compared in float32. How tight the bound is
// decides about the speed, never about the answer.
//
// A filter that few rows pass, up to a third or two thirds by their length, is turned into a
// list of rows, kept in the order of norms; the search reads those alone and stops as early.
// Other filters, and items that are excluded by name, are looked at only for rows that are
// good enough.
//
// Rows that were added make runs of their own, in order and coded like the others, which are
// merged as they grow; dead rows are left out when they are a 32nd. So a search stays about
// as fast through any changes as in a new index: on 20,000 × 64 that were replaced three
// times over 0.93 to 0.97 times mostly, 0.9 times before rows are put in order again
// (BenchmarkChurn).
//
// # Numbers
//
// Scores have the bits of vector.Dot, or of -vector.L2Sq; under the cosine, of vector.Dot
// of vectors normalised by vector.Normalize. Equal scores are ordered by item. Where the
// norm of a query or a row reaches 2^61, scores could overflow and bounds prove nothing:
// then every vector is compared, by the same kernels, and a score may be infinite or NaN,
// which comes last.
//
// # Memory
//
// An index takes 4 bytes per component, 1 more with codes, and 12 per item; the map from
// items to rows, which is made when first needed, some 30 more. A mapped index (see [Open])
// keeps in memory what searches touch: mostly the codes. Until an index is compacted, what
// was added or deleted takes more: the codes of all rows again at most, and up to as many
// dead rows as there are items.
//
//	type   search                     insert, update              delete           source
//	Index  O(n·d), bounds permitting  O(d log n) amortised; once  O(d) amortised;  LEMP; FEXIPRO;
//	       less: Σ of rows read       in n/32 calls O(n·d)        once in n/32     Cauchy-Schwarz
//	                                                              calls O(n·d)
//
// Sources: C. Teflioudi, R. Gemulla, O. Mykytiuk, LEMP: fast retrieval of large entries in a
// matrix product, SIGMOD 2015, §3 (rows by length, and the stop); H. Li, T. N. Chan,
// M. L. Yiu, N. Mamoulis, FEXIPRO: fast and exact inner product retrieval in recommender
// systems, SIGMOD 2017, §4 (integer bounds before exact products). Both bound integer parts
// of scaled vectors; here the bound comes from the norms of what the codes leave.
package flat
