// Package lightgbm reaches LightGBM through its C API, so that its training and scoring can be
// timed beside ours in one process, and its reading of our files be tested.
//
// It comes with the build tag lightgbm, and needs <LightGBM/c_api.h> and lib_lightgbm.so where the
// compiler and the loader look for them:
//
//	export CGO_CXXFLAGS=-I$PREFIX/include CGO_LDFLAGS="-L$PREFIX/lib -Wl,-rpath,$PREFIX/lib"
//	go test -tags lightgbm ./internal/lightgbm
//
// Without the tag, all that would return a handle returns [ErrNotLinked] instead, and [Linked] says so
// beforehand.
//
// Rows are float32, row-major, NaN where a value is missing. Parameters are LightGBM's own text,
// "num_leaves=63 learning_rate=.1"; with num_threads=1 all work is done by the calling thread, so that
// its CPU time is that of the work. A handle is for one goroutine, and Close frees what it holds outside of Go.
package lightgbm

import "errors"

// ErrNotLinked says that the program was built without the tag lightgbm.
var ErrNotLinked = errors.New("lightgbm: not linked; build with -tags lightgbm, see examples/bench/README.md")

// Data is a table to train on.
type Data struct {
	Rows    []float32 // n x Columns
	Columns int
	Labels  []float32 // n
	Weights []float32 // n, or empty
	Groups  []int32   // sizes of the queries, in the order of the rows, or empty
}

// Output is what a prediction gives; its numbers are LightGBM's.
type Output int

// The outputs.
const (
	Score         Output = iota // after the link: a probability for a binary model
	Raw                         // the sum of the leaves
	Leaf                        // the index of the leaf in each tree
	Contributions               // the contribution of each feature, and the bias
)
