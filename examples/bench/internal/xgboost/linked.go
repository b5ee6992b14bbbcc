//go:build xgboost

package xgboost

/*
#cgo LDFLAGS: -lxgboost
#include <stdlib.h>
#include <xgboost/c_api.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"unsafe"
)

// Linked says whether the library is built in.
const Linked = true

// Version returns the version of the library.
func Version() string {
	var major, minor, patch C.int
	C.XGBoostVersion(&major, &minor, &patch)
	return fmt.Sprintf("%d.%d.%d", major, minor, patch)
}

// call makes a call and returns its error, which the library keeps by thread.
func call(what string, do func() C.int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if do() == 0 {
		return nil
	}
	return fmt.Errorf("xgboost: %s: %s", what, C.GoString(C.XGBGetLastError()))
}

// text returns a C string and what frees it.
func text(s string) (*C.char, func()) {
	p := C.CString(s)
	return p, func() { C.free(unsafe.Pointer(p)) }
}

// Booster is a model, and the table that it trains on.
type Booster struct {
	p, data unsafe.Pointer
	rounds  int
}

// NewBooster copies rows of so many columns and returns a model without trees that is to be trained on them.
func NewBooster(rows []float32, columns int, labels []float32, params string) (*Booster, error) {
	if columns < 1 || len(labels) == 0 || len(rows) != len(labels)*columns {
		return nil, errors.New("xgboost: rows and labels do not fit")
	}
	b := &Booster{}
	err := call("table", func() C.int {
		return C.XGDMatrixCreateFromMat((*C.float)(&rows[0]), C.bst_ulong(len(labels)), C.bst_ulong(columns), C.float(math.NaN()), (*C.DMatrixHandle)(&b.data))
	})
	if err != nil {
		return nil, err
	}
	label, free := text("label")
	defer free()
	err = call("labels", func() C.int {
		return C.XGDMatrixSetFloatInfo(C.DMatrixHandle(b.data), label, (*C.float)(&labels[0]), C.bst_ulong(len(labels)))
	})
	if err == nil {
		tables := (*C.DMatrixHandle)(C.malloc(C.size_t(unsafe.Sizeof(b.data))))
		defer C.free(unsafe.Pointer(tables))
		*tables = C.DMatrixHandle(b.data)
		err = call("booster", func() C.int { return C.XGBoosterCreate(tables, 1, (*C.BoosterHandle)(&b.p)) })
	}
	for field := range strings.FieldsSeq(params) {
		if err == nil {
			err = b.set(field)
		}
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Booster) set(field string) error {
	name, value, _ := strings.Cut(field, "=")
	n, freeName := text(name)
	defer freeName()
	v, freeValue := text(value)
	defer freeValue()
	return call(name, func() C.int { return C.XGBoosterSetParam(C.BoosterHandle(b.p), n, v) })
}

// Update trains a round.
func (b *Booster) Update() error {
	b.rounds++
	return call("update", func() C.int {
		return C.XGBoosterUpdateOneIter(C.BoosterHandle(b.p), C.int(b.rounds-1), C.DMatrixHandle(b.data))
	})
}

// Predict scores all rows and fills dst, a value per row: after the link, or before it if raw.
func (b *Booster) Predict(dst, rows []float32, columns int, raw bool) error {
	n := len(dst)
	if n == 0 || len(rows) != n*columns {
		return errors.New("xgboost: rows and results do not fit")
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&rows[0])
	kind := 0
	if raw {
		kind = 1
	}
	values, freeValues := text(fmt.Sprintf(`{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}`, uintptr(unsafe.Pointer(&rows[0])), n, columns))
	defer freeValues()
	config, freeConfig := text(fmt.Sprintf(`{"type":%d,"training":false,"iteration_begin":0,"iteration_end":0,"missing":NaN,"cache_id":0,"strict_shape":false}`, kind))
	defer freeConfig()
	var shape *C.bst_ulong
	var dims C.bst_ulong
	var result *C.float
	err := call("predict", func() C.int {
		return C.XGBoosterPredictFromDense(C.BoosterHandle(b.p), values, config, nil, &shape, &dims, &result)
	})
	if err == nil {
		copy(dst, unsafe.Slice((*float32)(unsafe.Pointer(result)), n))
	}
	return err
}

// Close frees the model and its table.
func (b *Booster) Close() {
	if b.p != nil {
		C.XGBoosterFree(C.BoosterHandle(b.p))
	}
	C.XGDMatrixFree(C.DMatrixHandle(b.data))
}
