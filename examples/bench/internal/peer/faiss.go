//go:build faiss

package peer

/*
#cgo LDFLAGS: -lfaiss -lopenblas
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"unsafe"

	"github.com/recsyskit/recsys/retrieval/vector"
)

func faissKinds() []Kind {
	kind := func(name string, efforts []int) Kind {
		return Kind{Name: "faiss " + name, Efforts: efforts, Build: func(base vector.Matrix, c Config) (Index, error) {
			return build(base, c, func(in *C.peer_input, message *C.char, size C.size_t) *C.peer {
				text := C.CString(name)
				defer C.free(unsafe.Pointer(text))
				return C.faiss_build(in, text, message, size)
			})
		}}
	}
	exact := []int{0}
	return []Kind{kind("flat", exact), kind("flat64", exact), kind("hnsw", Pools), kind("ivf", Lists), kind("ivfsq8", Lists), kind("ivfpqfs", Lists)}
}
