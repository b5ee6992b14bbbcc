package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxLine bounds one line of input, so that a file that is no text file cannot
// take all memory.
const maxLine = 64 << 20

type input struct {
	io.Reader
	file *os.File
}

func (in *input) Close() error { return in.file.Close() }

// Open opens a file for reading and decompresses it if it is gzip. The content
// decides, not the name. The error is an *[InputError].
func Open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, inputError(name, 0, err)
	}
	if st, err := f.Stat(); err == nil && st.IsDir() {
		f.Close()
		return nil, Inputf(name, 0, "is a folder, want a file")
	}
	br := bufio.NewReaderSize(f, 1<<16)
	if magic, _ := br.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &input{br, f}, nil
	}
	zr, err := gzip.NewReader(br)
	if err != nil {
		f.Close()
		return nil, inputError(name, 0, err)
	}
	return &input{zr, f}, nil
}

// Lines calls do for each line of r, numbered from 1, without its end ("\n" or
// "\r\n") and, on the first, without a byte order mark. text is valid during
// the call only. An error of do, of r, or a line longer than 64 MiB ends the
// reading and comes back as an *[InputError] with name and line; an error that
// wraps one already, or a context's, comes back as it is.
func Lines(name string, r io.Reader, do func(line int, text []byte) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<16), maxLine)
	line := 0
	for sc.Scan() {
		line++
		text := sc.Bytes()
		if line == 1 {
			text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
		}
		if err := do(line, text); err != nil {
			return inputError(name, line, err)
		}
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return Inputf(name, line+1, "longer than %d bytes", maxLine)
		}
		return inputError(name, line+1, err)
	}
	return nil
}

// ReadLines is [Open], [Lines] and Close.
func ReadLines(name string, do func(line int, text []byte) error) error {
	in, err := Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	return Lines(name, in, do)
}

// Fields appends to dst the fields of text, which are separated by spaces,
// tabs and other ASCII white space, and returns it. They share memory with
// text. Other bytes, those of a non-ASCII space too, belong to a field.
func Fields(dst [][]byte, text []byte) [][]byte {
	for i := 0; i < len(text); {
		for i < len(text) && isSpace(text[i]) {
			i++
		}
		start := i
		for i < len(text) && !isSpace(text[i]) {
			i++
		}
		if i > start {
			dst = append(dst, text[start:i:i])
		}
	}
	return dst
}

func isSpace(b byte) bool {
	return b == ' ' || '\t' <= b && b <= '\r'
}

func inputError(name string, line int, err error) error {
	if _, ok := errors.AsType[*InputError](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err // the name stands in the InputError
	}
	return &InputError{File: name, Line: line, Err: err}
}
