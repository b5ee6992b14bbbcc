package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Array is an array in row-major order: the last index changes fastest.
type Array struct {
	Shape []int // empty for a single value
	Data  []float32
}

// Read returns the array of a .npy file, which must end where the array does. Values of
// float64 are rounded. The limit is how many bytes the values may take as float32.
func Read(r io.Reader, limit int64) (Array, error) {
	a, err := read(r, limit)
	if err != nil {
		return Array{}, fmt.Errorf("npy: the array %w", err)
	}
	return a, nil
}

func read(r io.Reader, limit int64) (Array, error) {
	h, err := readHeader(r)
	if err != nil {
		return Array{}, err
	}
	if int64(h.count) > limit/4 {
		return Array{}, fmt.Errorf("has the shape %v: %d values, of which %d bytes are not enough", h.shape, h.count, limit)
	}
	size, decode, err := floats(h.descr)
	if err != nil {
		return Array{}, err
	}
	a := Array{Shape: h.shape}
	chunk := make([]byte, min(h.count*size, 1<<16))
	for left := h.count; left > 0; {
		n := min(left, len(chunk)/size)
		if _, err := io.ReadFull(r, chunk[:n*size]); err != nil {
			return Array{}, short(err, "the values")
		}
		a.Data = slices.Grow(a.Data, n)
		for at := 0; at < n*size; at += size {
			a.Data = append(a.Data, decode(chunk[at:at+size]))
		}
		left -= n
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n > 0 {
		return Array{}, fmt.Errorf("goes on after its %d values", h.count)
	} else if err != io.EOF {
		return Array{}, err // of an archive: the checksum
	}
	if h.fortran {
		a.Data = rowMajor(a.Data, a.Shape)
	}
	return a, nil
}

// rowMajor returns the values of an array whose first index changes fastest.
func rowMajor(data []float32, shape []int) []float32 {
	if len(shape) < 2 || len(data) == 0 {
		return data
	}
	out := make([]float32, len(data))
	index := make([]int, len(shape))
	for i := range out {
		at, stride := 0, 1
		for j, n := range shape {
			at += index[j] * stride
			stride *= n
		}
		out[i] = data[at]
		for j := len(shape) - 1; j >= 0; j-- {
			if index[j]++; index[j] < shape[j] {
				break
			}
			index[j] = 0
		}
	}
	return out
}

// ReadArchive returns the arrays of a .npz archive of size bytes by name, without ".npy".
// The limit is how many bytes all of them may take together.
func ReadArchive(r io.ReaderAt, size, limit int64) (map[string]Array, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	arrays := map[string]Array{}
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if _, ok := arrays[name]; ok {
			return nil, fmt.Errorf("npy: %q is there twice", name)
		}
		a, err := entry(f, limit)
		if err != nil {
			return nil, fmt.Errorf("npy: %q %w", name, err)
		}
		arrays[name] = a
		limit -= 4 * int64(len(a.Data))
	}
	return arrays, nil
}

func entry(f *zip.File, limit int64) (Array, error) {
	r, err := f.Open()
	if err != nil {
		return Array{}, fmt.Errorf("cannot be opened: %w", err)
	}
	defer r.Close()
	return read(r, limit)
}

// Open returns the arrays of the .npz file at path, as [ReadArchive] does. Errors name the
// path.
func Open(path string, limit int64) (map[string]Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	arrays, err := ReadArchive(f, st.Size(), limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return arrays, nil
}
