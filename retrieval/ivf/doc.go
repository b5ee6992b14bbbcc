// Package ivf finds the items whose vectors are nearest to a query by an inverted file: the
// vectors are partitioned into lists around centroids, and a search reads only the lists
// that promise most. It is the index for catalogues that are clustered, that change all the
// time, or that do not fit in memory.
//
//	ix, err := ivf.Build(ctx, ivf.Config{Metric: retrieval.Cosine}, items, vectors)
//	found, err := ix.Search(nil, query, 10, retrieval.SearchOptions{})
//
// # How it searches
//
// Lists are made by k-means, by direction for inner product and cosine, by distance for L2.
// Build measures on sample queries in which lists the true neighbours are, and from that how
// many lists a search must read for the recall that [Config] asks for, for any k and under
// any filter; an Effort overrides it. The vectors of a list lie next to each other as codes:
//
//   - [Int8] takes a byte per dimension. Candidates are chosen by a bound of the error that
//     always holds, so that a search returns exactly the best of the lists that it reads; with
//     an Effort of all lists it is exact. For each list and each run of vectors of similar
//     length in it a bound of any score is known, and what cannot reach the k-th is skipped.
//   - [PQ] takes half a byte per dimension, or less, and sums table look-ups within
//     registers. Build measures how many candidates must be compared again.
//
// Candidates are scored from the float32 vectors, so scores are exact. An index that is
// opened maps its file, and of the vectors only the pages that candidates are on come into
// memory.
//
// A filter that few items pass is answered by scoring those; else lists without any are
// passed over, and more lists are read the fewer items pass near the query.
//
// # Memory
//
// Beside the vectors, n of d dimensions, an index keeps for each vector a code, d bytes or
// for PQ d/2/SubDim; 4 bytes each for the row in the list and the list of the row, 8.1 for
// the item; 4 more with L2, and with PQ and inner product. Writers, and options that name
// items, build a map of the items, about 38 bytes each. A list costs 4·d + 250 bytes. So ten
// million vectors of 64 dimensions take 0.56 GB with PQ, 0.94 GB with the map, and their
// 2.56 GB of float32 stay in the file.
//
// # What it does not do
//
// Lists are not moved when items come and go: they are split by [Index.Compact] when they
// have grown, but a catalogue that has become another one should be built anew. Vectors in
// hundreds of dimensions without any clusters need many lists to be read; a graph is faster
// there.
//
// # Sources
//
//   - Sivic and Zisserman, "Video Google", ICCV 2003: the inverted file.
//   - Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", IEEE
//     TPAMI 33(1), 2011: lists of quantised vectors.
//   - André, Kermarrec and Le Scouarnec, "Cache locality is not enough", VLDB 2015: look-ups
//     within registers.
package ivf
