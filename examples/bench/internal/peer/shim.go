//go:build hnswlib || glass || faiss || openblas

package peer

/*
#cgo CXXFLAGS: -std=c++20 -O3 -march=native -DNDEBUG -fopenmp -w
#cgo LDFLAGS: -fopenmp
#include "shim.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// shim is an index on the other side of cgo.
type shim struct{ p *C.peer }

// build calls a builder of shim.h. The rows may be Go's: builders copy them.
func build(base vector.Matrix, c Config, builder func(in *C.peer_input, message *C.char, size C.size_t) *C.peer) (Index, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&base.Data[0])
	in := C.peer_input{
		rows: (*C.float)(&base.Data[0]), n: C.size_t(base.Rows), dim: C.int(base.Dim),
		metric: C.PEER_IP, m: C.int(c.M), pool: C.int(c.Pool),
	}
	if c.Metric == retrieval.L2 {
		in.metric = C.PEER_L2
	}
	message := make([]byte, 256)
	p := builder(&in, (*C.char)(unsafe.Pointer(&message[0])), C.size_t(len(message)))
	if p == nil {
		return nil, errors.New(C.GoString((*C.char)(unsafe.Pointer(&message[0]))))
	}
	return &shim{p}, nil
}

func (s *shim) Search(ids []int32, queries vector.Matrix, k, effort int) {
	C.peer_search(s.p, (*C.float)(&queries.Data[0]), C.size_t(queries.Rows), C.int(k), C.int(effort), (*C.int32_t)(&ids[0]))
}

func (s *shim) Close() { C.peer_free(s.p) }
