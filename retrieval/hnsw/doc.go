// Package hnsw finds the nearest items through a hierarchical navigable small world
// graph: a search walks from item to linked item, nearer and nearer to the query.
//
//	index, err := hnsw.New(hnsw.Config{}, items, vector.From(data, 64))
//	found, err := index.Search(nil, query, 10, retrieval.SearchOptions{})
//
// [Index] is for catalogues of some ten thousand items and more, where comparing all is too
// slow and an answer that misses one in a hundred will do. SearchOptions.Effort, the paper's
// efSearch, trades time for recall. Walks run on codes of a byte per dimension and scores
// are computed from the float vectors; see [Quant].
//
// Under inner product links are chosen by angle among the candidates with the largest
// products, rows are linked in descending order of norm, and a last pass links to whatever
// cannot be reached: once built, compacted or written, a walk can come to every item. Walks
// begin at the 16 items of the largest norms as well.
//
// Of items with equal vectors, bit by bit after normalising, one is in the graph and the
// others are listed behind it, by ID: however many there are (zero vectors of items without
// events, copies of a text), they cost no recall, and a walk that finds one finds as many as
// it is asked for.
//
// Under a filter, and for small catalogues, a search compares all items that pass when that
// is as fast as a walk, so that no filter costs recall.
//
// Items come and go while searches run. Inserts and updates pay for upkeep: each links two
// other items anew and takes out some of the links to what was deleted. Deletes only mark.
// [Index.Compact] builds anew, for when much was deleted and little came.
//
// The graph of a build does not depend on the number of workers. Vectors are row-major
// float32; a [retrieval.Index] says the rest.
//
// Sources: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search
// using hierarchical navigable small world graphs", TPAMI 2018; Morozov and Babenko,
// "Non-metric similarity graphs for maximum inner product search", NeurIPS 2018; Manohar et
// al., "ParlayANN", PPoPP 2024 (the parallel build); Singh et al., "FreshDiskANN", 2021
// (unlinking).
package hnsw
