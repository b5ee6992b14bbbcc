package encoder

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/recsyskit/recsys/internal/npy"
)

// maxTableBytes is the default of how much memory the values of a .npy file may take.
const maxTableBytes = 4 << 30

// ReadTable returns the table whose vectors a .npy file has, as numpy.save writes it: an array of two dimensions, a row for each
// ID, of any type of real numbers that [the format] tells; float64 is rounded. Row i is the vector of ids[i], or of ID i when ids is nil.
//
// It fails on another shape, on a row that is not finite, and on more than 4 GiB of values. The errors name the place.
//
// [the format]: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
func ReadTable(r io.Reader, ids []uint64) (*Table, error) {
	a, err := npy.Read(r, maxTableBytes)
	if err != nil {
		return nil, fmt.Errorf("encoder: table: %w", err)
	}
	if len(a.Shape) != 2 {
		return nil, fmt.Errorf("encoder: table: the array has shape %v; want rows and columns", a.Shape)
	}
	return NewTable(ids, a.Data, a.Shape[1])
}

// LoadTable is [ReadTable] of the file path, which errors name.
func LoadTable(path string, ids []uint64) (t *Table, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("encoder: table: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if t, err = ReadTable(bufio.NewReader(f), ids); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}
