//go:build openblas

package peer

// #cgo LDFLAGS: -lopenblas
// #include "shim.h"
import "C"

import (
	"fmt"

	"github.com/recsyskit/recsys/retrieval/vector"
)

func openblasKinds() []Kind {
	var all []Kind
	for _, batch := range []int{1, 64} {
		all = append(all, Kind{Name: fmt.Sprintf("openblas b%d", batch), Efforts: []int{0}, Build: func(base vector.Matrix, c Config) (Index, error) {
			return build(base, c, func(in *C.peer_input, message *C.char, size C.size_t) *C.peer {
				return C.openblas_build(in, C.int(batch), message, size)
			})
		}})
	}
	return all
}
