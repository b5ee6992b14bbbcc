//go:build lightgbm

package lightgbm

/*
#cgo CXXFLAGS: -std=c++17 -w
#cgo LDFLAGS: -l_lightgbm
#include <stdlib.h>
#include "api.h"

// each scores every row by a call of its own.
static int each(void *fast, const float *rows, int n, int columns, double *dst, int outputs) {
	for (int i = 0; i < n; i++) {
		int64_t length;
		int failed = LGBM_BoosterPredictForMatSingleRowFast(fast, rows + (size_t)i * columns, &length, dst + (size_t)i * outputs);
		if (failed) {
			return failed;
		}
	}
	return 0;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Linked says whether the library is built in.
const Linked = true

const (
	typeFloat32 = 0
	typeInt32   = 2
	rowMajor    = 1
)

// call makes a call and returns its error, which the library keeps by thread.
func call(what string, do func() C.int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if do() == 0 {
		return nil
	}
	return fmt.Errorf("lightgbm: %s: %s", what, C.GoString(C.LGBM_GetLastError()))
}

// text returns a C string and what frees it.
func text(s string) (*C.char, func()) {
	p := C.CString(s)
	return p, func() { C.free(unsafe.Pointer(p)) }
}

// Dataset is a table in the bins of LightGBM.
type Dataset struct {
	p    unsafe.Pointer
	rows int
}

// NewDataset bins d, in the bins of like unless that is nil.
func NewDataset(d Data, params string, like *Dataset) (*Dataset, error) {
	if d.Columns < 1 || len(d.Labels) == 0 || len(d.Rows) != len(d.Labels)*d.Columns {
		return nil, fmt.Errorf("lightgbm: %d values and %d labels of %d columns do not fit", len(d.Rows), len(d.Labels), d.Columns)
	}
	s := &Dataset{rows: len(d.Labels)}
	var reference unsafe.Pointer
	if like != nil {
		reference = like.p
	}
	settings, free := text(params)
	defer free()
	err := call("dataset", func() C.int {
		return C.LGBM_DatasetCreateFromMat(unsafe.Pointer(&d.Rows[0]), typeFloat32, C.int32_t(s.rows), C.int32_t(d.Columns), rowMajor, settings, reference, &s.p)
	})
	if err != nil {
		return nil, err
	}
	err = s.field("label", unsafe.Pointer(&d.Labels[0]), len(d.Labels), typeFloat32)
	if err == nil && len(d.Weights) > 0 {
		err = s.field("weight", unsafe.Pointer(&d.Weights[0]), len(d.Weights), typeFloat32)
	}
	if err == nil && len(d.Groups) > 0 {
		err = s.field("group", unsafe.Pointer(&d.Groups[0]), len(d.Groups), typeInt32)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Dataset) field(name string, values unsafe.Pointer, n, kind int) error {
	field, free := text(name)
	defer free()
	return call(name, func() C.int { return C.LGBM_DatasetSetField(s.p, field, values, C.int(n), C.int(kind)) })
}

// Close frees the table; boosters that train on it must have been closed.
func (s *Dataset) Close() { C.LGBM_DatasetFree(s.p) }

// Booster is a model.
type Booster struct{ p unsafe.Pointer }

// NewBooster returns a model without trees that is to be trained on s.
func NewBooster(s *Dataset, params string) (*Booster, error) {
	b := &Booster{}
	settings, free := text(params)
	defer free()
	err := call("booster", func() C.int { return C.LGBM_BoosterCreate(s.p, settings, &b.p) })
	return b, err
}

// Parse reads a model in LightGBM's text format.
func Parse(model string) (*Booster, error) {
	b := &Booster{}
	source, free := text(model)
	defer free()
	var rounds C.int
	err := call("model", func() C.int { return C.LGBM_BoosterLoadModelFromString(source, &rounds, &b.p) })
	return b, err
}

// Update trains a round. done says that there was no split left to make.
func (b *Booster) Update() (done bool, err error) {
	var finished C.int
	err = call("update", func() C.int { return C.LGBM_BoosterUpdateOneIter(b.p, &finished) })
	return finished != 0, err
}

// Text returns the model in LightGBM's text format.
func (b *Booster) Text() (string, error) {
	for size := 1 << 20; ; {
		buffer := make([]byte, size)
		var length C.int64_t
		err := call("save", func() C.int {
			return C.LGBM_BoosterSaveModelToString(b.p, 0, -1, 0, C.int64_t(size), &length, (*C.char)(unsafe.Pointer(&buffer[0])))
		})
		if err != nil {
			return "", err
		}
		if int(length) <= size {
			return string(buffer[:max(0, int(length)-1)]), nil // it ends with a zero
		}
		size = int(length)
	}
}

// Width returns the number of values that a row is given.
func (b *Booster) Width(out Output) (int, error) {
	var n C.int64_t
	err := call("width", func() C.int { return C.LGBM_BoosterCalcNumPredict(b.p, 1, C.int(out), 0, -1, &n) })
	return int(n), err
}

// Predict scores all rows in one call and fills dst, which has [Booster.Width] values per row.
func (b *Booster) Predict(dst []float64, rows []float32, columns int, params string, out Output) error {
	n := len(rows) / max(columns, 1)
	width, err := b.Width(out)
	if err != nil {
		return err
	}
	if n == 0 || len(rows) != n*columns || len(dst) != n*width {
		return errors.New("lightgbm: rows and results do not fit")
	}
	settings, free := text(params)
	defer free()
	var length C.int64_t
	return call("predict", func() C.int {
		return C.LGBM_BoosterPredictForMat(b.p, unsafe.Pointer(&rows[0]), typeFloat32, C.int32_t(n), C.int32_t(columns), rowMajor,
			C.int(out), 0, -1, settings, &length, (*C.double)(&dst[0]))
	})
}

// Fast scores rows one by one, with what can be made beforehand made beforehand.
type Fast struct {
	p              unsafe.Pointer
	columns, width int
}

// NewFast returns what scores single rows of b, which must outlive it.
func (b *Booster) NewFast(columns int, params string, out Output) (*Fast, error) {
	width, err := b.Width(out)
	if err != nil {
		return nil, err
	}
	f := &Fast{columns: columns, width: width}
	settings, free := text(params)
	defer free()
	err = call("single row", func() C.int {
		return C.LGBM_BoosterPredictForMatSingleRowFastInit(b.p, C.int(out), 0, -1, typeFloat32, C.int32_t(columns), settings, &f.p)
	})
	return f, err
}

// Predict scores each row by a call of its own, from a loop in C: the way of Go into C is gone once,
// in favour of LightGBM.
func (f *Fast) Predict(dst []float64, rows []float32) error {
	n := len(rows) / f.columns
	if n == 0 || len(rows) != n*f.columns || len(dst) != n*f.width {
		return errors.New("lightgbm: rows and results do not fit")
	}
	return call("single row", func() C.int {
		return C.each(f.p, (*C.float)(&rows[0]), C.int(n), C.int(f.columns), (*C.double)(&dst[0]), C.int(f.width))
	})
}

// Close frees what NewFast made.
func (f *Fast) Close() { C.LGBM_FastConfigFree(f.p) }

// Close frees the model.
func (b *Booster) Close() { C.LGBM_BoosterFree(b.p) }
