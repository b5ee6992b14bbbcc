//go:build eigen

package main

/*
#cgo CXXFLAGS: -std=c++17 -O3 -march=native -DNDEBUG -I/usr/include/eigen3 -w
#include "eigen.h"
*/
import "C"

import (
	"math"
	"math/rand/v2"
)

// withEigen says whether the peer on Eigen is built in.
const withEigen = true

// eigen trains with Eigen, on one thread, from vectors like ours, and returns the loss.
func (o *options) eigen(m *matrix) float64 {
	rng := rand.New(rand.NewPCG(o.seed, 0))
	x, y := make([]float32, m.users*o.factors), make([]float32, m.items*o.factors)
	width := float32(0.2 * math.Sqrt(3/float64(o.factors)))
	for i := range x {
		x[i] = width * (rng.Float32() - 0.5)
	}
	return float64(C.eigen_als(C.int(m.users), C.int(m.items), (*C.int)(&m.start[0]), (*C.int)(&m.index[0]),
		C.int(o.factors), C.int(o.epochs), C.float(1+o.alpha), C.float(o.lambda), (*C.float)(&x[0]), (*C.float)(&y[0])))
}
