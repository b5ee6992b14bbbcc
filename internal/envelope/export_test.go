package envelope

import (
	"errors"
	"os"
)

// MapByReading is Map where the system cannot map files.
func MapByReading(path, kind string, maxVersion uint32, read func(*Reader)) (*Mapped, error) {
	return mapBy(func(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }, path, kind, maxVersion, read)
}
