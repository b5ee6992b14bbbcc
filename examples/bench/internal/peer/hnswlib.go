//go:build hnswlib

package peer

// #include "shim.h"
import "C"

import "github.com/recsyskit/recsys/retrieval/vector"

func hnswlibKinds() []Kind {
	return []Kind{{Name: "hnswlib", Efforts: Pools, Build: func(base vector.Matrix, c Config) (Index, error) {
		return build(base, c, func(in *C.peer_input, message *C.char, size C.size_t) *C.peer {
			return C.hnswlib_build(in, message, size)
		})
	}}}
}
