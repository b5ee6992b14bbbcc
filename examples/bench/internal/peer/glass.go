//go:build glass

package peer

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"unsafe"

	"github.com/recsyskit/recsys/retrieval/vector"
)

func glassKinds() []Kind {
	kind := func(name, codes, refine string) Kind {
		return Kind{Name: name, Efforts: Pools, Build: func(base vector.Matrix, c Config) (Index, error) {
			return build(base, c, func(in *C.peer_input, message *C.char, size C.size_t) *C.peer {
				cc, cr := C.CString(codes), C.CString(refine)
				defer C.free(unsafe.Pointer(cc))
				defer C.free(unsafe.Pointer(cr))
				return C.glass_build(in, cc, cr, message, size)
			})
		}}
	}
	return []Kind{kind("glass SQ8", "SQ8U", ""), kind("glass SQ8+FP32", "SQ8U", "FP32")}
}
