// Package fmath holds the elementary functions that decide something: scores,
// draws, propensities. They give the same bits on every GOOS, GOARCH and
// GOAMD64, which the functions of package math do not promise: [math.Exp] and
// [math.Log] are assembly on some targets, and on others (arm64, ppc64,
// riscv64, s390x, amd64 from GOAMD64=v3) the compiler fuses x*y + z into one
// rounding.
//
// The algorithms are those of FDLIBM 5.3 (Sun Microsystems, 1993) in float64.
// Every product that is added to something goes through an explicit conversion,
// float64(x*y) + z, which the language defines as a rounding and the compiler
// therefore cannot fuse; the helper mul does that. Callers must do the same with
// what they get from here if their result is to be portable.
//
// Errors are below one unit in the last place, special cases are those of
// package math. Nothing here allocates, panics, or keeps state; every function
// is safe for concurrent use. For a float32 result convert the float64 one: it is
// the correctly rounded value for all but a few arguments in 10^9.
package fmath
