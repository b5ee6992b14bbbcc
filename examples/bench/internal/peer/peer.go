// Package peer runs other libraries' vector indexes beside ours, in one process, so
// that both can be timed in turn.
//
// Go libraries are always there. C and C++ libraries come with build tags, and need
// their headers and libraries where the compiler looks for them (CGO_CXXFLAGS and
// CGO_LDFLAGS say where):
//
//	hnswlib   <hnswlib/hnswlib.h>, as in Debian's libhnswlib-dev
//	openblas  <cblas.h> and libopenblas, as in Debian's libopenblas-dev
//	faiss     <faiss/…> and libfaiss; Debian's is built for SSE and no fair peer
//	glass     <glass/…>, the headers of pyglass and of its third_party/helpa
package peer

import (
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Index is an index of another library. It is for one goroutine.
type Index interface {
	// Search answers all queries: ids has k places per query and is filled with rows,
	// best first, -1 where fewer than k were found.
	Search(ids []int32, queries vector.Matrix, k, effort int)
	// Close frees what the index holds outside of Go.
	Close()
}

// Config is what the indexes are built from.
type Config struct {
	Metric retrieval.Metric // with Cosine, vectors and queries must be normalised
	M      int              // links of a node of a graph
	Pool   int              // efConstruction of a graph
}

// Kind is an index of another library that this program was built with.
type Kind struct {
	Name    string
	Efforts []int // a sweep; {0} for an exact index
	Slow    bool  // left out unless it is asked for by name
	Build   func(base vector.Matrix, c Config) (Index, error)
}

// Pools is a sweep of a graph's candidate pool.
var Pools = []int{10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024}

// Lists is a sweep of the lists that an inverted file reads.
var Lists = []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}

// Kinds lists the peers.
func Kinds() []Kind {
	var all []Kind
	for _, kinds := range [][]Kind{hnswlibKinds(), glassKinds(), faissKinds(), openblasKinds(), goKinds()} {
		all = append(all, kinds...)
	}
	return all
}
