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
// A filter that at most two of five rows pass is turned into a list of rows, kept in the
// order of norms; the search reads those alone and stops as early. Other filters, and items
// that are excluded by name, are looked at only for rows that are good enough.
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
// keeps in memory what searches touch: mostly the codes.
//
//	type   search                        insert, update          delete     source
//	Index  O(n·d), bounds permitting     O(64·d) amortised       O(1)       LEMP; FEXIPRO; Cauchy-Schwarz
//	       less: Σ of rows read          or O(n·d) once in n/64  amortised
//
// Sources: C. Teflioudi, R. Gemulla, O. Mykytiuk, LEMP: fast retrieval of large entries in a
// matrix product, SIGMOD 2015, §3 (rows by length, and the stop); H. Li, T. N. Chan,
// M. L. Yiu, N. Mamoulis, FEXIPRO: fast and exact inner product retrieval in recommender
// systems, SIGMOD 2017, §4 (integer bounds before exact products). Both bound integer parts
// of scaled vectors; here the bound comes from the norms of what the codes leave.
package flat
