// Package npy reads the arrays of numpy, .npy files and .npz archives of them, as float32:
// the form in which weights of models trained elsewhere come. A [Stream] gives the values of
// a .npy file of any type as bytes, one after the other; [AppendHeader] begins such a file.
//
// It reads what others wrote, so it trusts nothing: memory grows with the bytes that
// arrive, never with what a header claims, and not beyond the caller's limit, however far
// a compressed archive unfolds.
//
// Source: numpy.lib.format, versions 1.0 to 3.0.
package npy
