package frame

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
)

// plain returns the text of r, which it unpacks when it begins as gzip does.
func plain(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	start, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(start) != "\x1f\x8b" {
		return in, nil
	}
	return gzip.NewReader(in)
}

// nameOf returns the name of a file, as it was opened, or the name for what is none.
func nameOf(r any, none string) string {
	if f, ok := r.(interface{ Name() string }); ok {
		return f.Name()
	}
	return none
}
