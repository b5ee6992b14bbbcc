// Package kmeans partitions vectors into cells around centroids: the coarse quantiser of
// an inverted file and the codebooks of a product quantiser.
//
// The result depends on the points and the seed alone: neither the number of workers nor
// the tier of the kernels changes a bit of it. Every sum has a fixed order, since a
// centroid is summed by one worker over its points in ascending order.
//
// Sources: Lloyd, "Least squares quantization in PCM", IEEE Trans. Information Theory
// 28(2), 1982; spherical k-means is Dhillon and Modha, "Concept decompositions for large
// sparse text data using clustering", Machine Learning 42, 2001. Empty cells are filled
// as faiss does, by splitting a crowded one.
package kmeans
