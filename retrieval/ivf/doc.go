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
// any filter; an Effort overrides it. A search guesses from int8 products with all
// centroids which lists promise most, and looks closely at those. The vectors of a list lie
// next to each other as codes:
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
// # What is certain, and what is measured
//
// Certain: scores have the bits of the float32 kernels; no item comes twice; with Int8 the
// answer is the best of the lists read; an index is the same, byte by byte, for any number
// of workers. Measured on samples, and so only as good as they are: that the recall is at
// least Config.Recall, with PQ also that the candidates suffice. Queries that are like the
// mixtures of vectors that Build makes up fare well; for others, give it some in
// Config.Queries.
//
// # Changes
//
// An insert puts the vector into the list of the nearest centroid; a delete marks a slot. Of
// the lists that have changed by an eighth the dead slots are dropped, and those that grew are
// made anew around the mean of what is in them, so that the lists follow a catalogue that
// turns over. The writer pays for that: an update and an insert take the time to compare the
// vector with all centroids and to copy them once in a while, a delete much less. Searches
// never wait for it. [Index.Compact] makes of it what Build makes of the items that are there,
// byte by byte, in the time of Build: when most items are gone, or many have come.
//
// A half of the Gowalla factors (20,490 × 64, inner product) was replaced by the other half
// and back, three times in all (examples/ann -index ivf -churn 3). Searches then took 1.05,
// 1.08 and 1.20 times as long as in a fresh index, at recall 0.90, 0.95 and 0.99; when half of
// the items were deleted then, 1.14, 1.19 and 1.11 times; after Compact, 1.00 to 1.04 times. A
// delete took 1.0 µs, an insert 11.5, an update 13.9. Searches without an Effort still find
// what they were asked to.
//
// # Memory
//
// Beside the vectors, n of d dimensions, an index keeps for each vector a code, d bytes or
// for PQ d/2/SubDim; 4 bytes each for the row in the list and the list of the row, 8.1 for
// the item; 4 more with L2, and with PQ and inner product. A list costs 5·d bytes and some
// 200. Options that name items, and writers, read a map of the items as well, 12 to 24
// bytes for each in a file, 16 to 32 in an index that was built. So ten million vectors of
// 64 dimensions take 0.51 to 0.56 GB with PQ and 0.81 to 0.85 GB with Int8, and 0.13 GB
// for the map if it is used; their 2.56 GB of float32 stay in the file.
// Two million were measured (TestLarge): 0.105 GB beside 0.512 of vectors.
//
// # What it does not do
//
// The number of lists stays until Compact. Vectors in hundreds of dimensions without any
// clusters need many lists to be read; a graph is faster there. Searches without any codes,
// over float32 alone, it does not offer: candidates of Int8 lose nothing. Answers from a file
// that is damaged are wrong without notice, unless it is read by [Load], or verified.
//
// # Sources
//
//   - Sivic and Zisserman, "Video Google", ICCV 2003: the inverted file.
//   - Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", IEEE
//     TPAMI 33(1), 2011: lists of quantised vectors.
//   - André, Kermarrec and Le Scouarnec, "Cache locality is not enough", VLDB 2015: look-ups
//     within registers.
package ivf
