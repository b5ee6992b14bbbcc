package redis

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/internal/row"
)

// ErrVersion is wrapped by the [ValueError] of a row that was written for another definition of the view.
var ErrVersion = errors.New("redis: row of another version of the view")

// ErrForeign is wrapped by the [ValueError] of bytes that no store of this package has written, or that were damaged since.
var ErrForeign = errors.New("redis: no row of the view")

// statusError returns the error of stored bytes that are no row.
func statusError(s row.Status) error {
	if s == row.OtherVersion {
		return ErrVersion
	}
	return fmt.Errorf("%w: %v", ErrForeign, s)
}

func newCodec(v *features.View, half bool) (*row.Codec, error) {
	if half {
		return row.New(v, row.Float16)
	}
	return row.New(v, row.Float32)
}

// bytesOf views a string as bytes, which nobody writes to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// setAge tells the block the age of row i, if it has ages.
func setAge(b *recsys.Block, i int, seconds float32) {
	if b.Age != nil {
		b.Age[i] = seconds
	}
}
