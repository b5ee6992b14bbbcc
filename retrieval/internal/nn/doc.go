// Package nn holds the layers that the neural retrievers are made of: a forward and a
// backward function each, on row-major slices of float32, written by hand. There is no
// graph and no tape; a model calls the layers in order, and backwards in reverse.
//
// # Parameters and gradients
//
// The weights of a model's layers lie in one slice, of which a [Slab] hands out the parts.
// A gradient has the form of the weights: the function that builds the layers of a model on
// a slab of weights builds those of a gradient on another slab, and a layer's backward
// function takes its double as the place to add to.
//
//	build := func(s *nn.Slab) []*nn.Dense { return []*nn.Dense{nn.NewDense(s, 64, 128), nn.NewDense(s, 128, 64)} }
//	weights := make([]float32, nn.Size(build))
//	layers := build(nn.NewSlab(weights))
//
// An embedding [Table] is apart: a step touches few of its rows. Its gradient is a list of
// [Touch], each a row of the table and a scaled row of some matrix of gradients, so that what
// many rows share, as under a mean, is stored once. [Updater] adds up and applies it.
//
// # The same bits for any number of workers
//
// Work is cut into shards whose number depends on the size of the work alone; [Each] runs
// them on as many goroutines as there are workers. Rows of activations belong to one shard
// each. Sums over shards, the gradients of weights, are kept by shard and added up in their
// order by [Reduce]. Dropout draws from a hash of a key and the position.
//
// Which bits they are depends on the tier of package simd, as its matrix product does.
package nn
