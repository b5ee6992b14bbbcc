package materialize

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
)

// identityBytes is how many bytes at either end of what was read identify it.
const identityBytes = 4096

// errIdle says that a followed log has nothing more for now.
var errIdle = errors.New("materialize: end of the log for now")

// errTooLong says that a line is longer than Log.MaxLine. The line has been passed over.
var errTooLong = errors.New("line is too long")

// lineReader gives the lines of a log one after the other, over files, and knows where it is.
type lineReader struct {
	log   *Log
	path  string   // of the open file, as in errors
	file  *os.File // nil for a reader, and before the first file
	src   io.Reader
	plain bool // bytes of the file are bytes of the log, and the file may grow

	buf      []byte
	from, to int             // of buf: read and not yet given
	skipping bool            // of a line that is too long
	failed   error           // of src, when it came with bytes
	idle     bool            // the end of a followed file was reached; more of it is to be looked at
	passed   map[string]bool // base names of the files that there were before the open one

	at   Position // of what comes next; Head and Tail are set by position
	head []byte   // the first bytes of the file
	tail []byte   // a ring of the last bytes, at at.Offset
}

// newLineReader returns a reader that starts at a position, the zero one for the beginning. Errors wrap
// ErrLogChanged where the log is not what it was.
func newLineReader(log *Log, at Position) (*lineReader, error) {
	r := &lineReader{log: log, buf: make([]byte, 64<<10)}
	if log.Reader != nil {
		r.path = log.Name
		if at.File != "" && at.File != log.Name {
			return nil, fmt.Errorf("%w: the checkpoint is of %q; this log is %q", ErrLogChanged, at.File, log.Name)
		}
		if err := r.start(log.Reader); err != nil {
			return nil, err
		}
		r.at.File = log.Name
		return r, r.seek(at)
	}
	if at.File == "" {
		return r, nil
	}
	files, err := log.files()
	if err != nil {
		return nil, err
	}
	k := slices.IndexFunc(files, func(path string) bool { return filepath.Base(path) == at.File })
	if k < 0 {
		return nil, fmt.Errorf("%w: there is no file %q any more, in which the checkpoint is", ErrLogChanged, at.File)
	}
	if err := r.open(files[k]); err != nil {
		return nil, err
	}
	if err := r.seek(at); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close closes the file that is open.
func (r *lineReader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

func (r *lineReader) open(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("materialize: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return fmt.Errorf("materialize: %s: is a folder; want a file", path)
	}
	r.Close()
	r.path, r.file = path, f
	r.at = Position{File: filepath.Base(path)}
	if err := r.start(f); err != nil {
		r.Close()
		return err
	}
	return nil
}

// start begins to read src, which is compressed or not.
func (r *lineReader) start(src io.Reader) error {
	r.from, r.to, r.skipping, r.failed, r.idle = 0, 0, false, nil, false
	r.head, r.tail = r.head[:0], r.tail[:0]
	if r.file == nil {
		src = &steady{src: src}
	}
	var magic [2]byte
	n, err := io.ReadFull(src, magic[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("materialize: %s: %w", r.path, err)
	}
	if r.plain = magic != [2]byte{0x1f, 0x8b}; r.plain {
		r.src = src
		r.to = copy(r.buf, magic[:n])
		return nil
	}
	z, err := gzip.NewReader(io.MultiReader(bytes.NewReader(magic[:]), src))
	if err != nil {
		return fmt.Errorf("materialize: %s: %w", r.path, err)
	}
	r.src = z
	return nil
}

// seek passes over what is before a position of the file that was opened, if it is the same.
func (r *lineReader) seek(at Position) error {
	if at.Offset == 0 {
		return nil
	}
	changed := func(what string) error {
		return fmt.Errorf("%w: %s: %s than when %d lines of it had been read", ErrLogChanged, r.path, what, at.Line)
	}
	if at.HeadBytes > identityBytes || at.TailBytes > identityBytes || int64(at.HeadBytes) > at.Offset || int64(at.TailBytes) > at.Offset {
		return fmt.Errorf("%w: %s: the position contradicts itself", ErrLogChanged, r.path)
	}
	if r.plain && r.file != nil {
		r.head, r.tail = make([]byte, at.HeadBytes), make([]byte, at.TailBytes)
		_, err := r.file.ReadAt(r.head, 0)
		if err == nil {
			_, err = r.file.ReadAt(r.tail, at.Offset-int64(at.TailBytes))
		}
		if errors.Is(err, io.EOF) {
			return changed("it is shorter")
		}
		if err == nil {
			_, err = r.file.Seek(at.Offset, io.SeekStart)
		}
		if err != nil {
			return fmt.Errorf("materialize: %w", err)
		}
		r.from, r.to = 0, 0
	} else if err := r.discard(at.Offset); err != nil {
		if err == io.EOF {
			return changed("it is shorter")
		}
		return err
	}
	r.at.Offset, r.at.Line = at.Offset, at.Line
	have := r.position()
	if have.Head != at.Head || have.Tail != at.Tail || have.HeadBytes != at.HeadBytes || have.TailBytes != at.TailBytes {
		return changed("it has other bytes")
	}
	return nil
}

// discard reads n bytes.
func (r *lineReader) discard(n int64) error {
	for r.at.Offset < n {
		if r.from == r.to {
			if err := r.fill(); err != nil {
				return err
			}
			continue
		}
		k := min(int64(r.to-r.from), n-r.at.Offset)
		r.take(r.buf[r.from : r.from+int(k)])
		r.from += int(k)
	}
	return nil
}

// take moves the place behind bytes that were given.
func (r *lineReader) take(b []byte) {
	r.at.Offset += int64(len(b))
	if room := identityBytes - len(r.head); room > 0 {
		r.head = append(r.head, b[:min(room, len(b))]...)
	}
	if len(b) >= identityBytes {
		r.tail = append(r.tail[:0], b[len(b)-identityBytes:]...)
		return
	}
	if len(r.tail)+len(b) > cap(r.tail) && len(r.tail) > identityBytes {
		r.tail = append(r.tail[:0], r.tail[len(r.tail)-identityBytes:]...)
	}
	r.tail = append(r.tail, b...)
}

// position returns where the next line starts, with what identifies the bytes before.
func (r *lineReader) position() Position {
	p := r.at
	tail := r.tail[max(0, len(r.tail)-identityBytes):]
	p.Head, p.HeadBytes = hash.Bytes(0, r.head), len(r.head)
	p.Tail, p.TailBytes = hash.Bytes(0, tail), len(tail)
	return p
}

// fill reads more into buf, which it grows when a line fills it. The error is io.EOF at the end of the file.
func (r *lineReader) fill() error {
	if r.from > 0 {
		copy(r.buf, r.buf[r.from:r.to])
		r.from, r.to = 0, r.to-r.from
	}
	if r.to == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := 0, r.failed
		if err == nil {
			n, err = r.src.Read(r.buf[r.to:])
		}
		r.to += n
		if n > 0 {
			if err != io.EOF {
				r.failed = err // of a file that grows the end is not the last word
			}
			return r.grown(n)
		}
		if err == io.EOF {
			return io.EOF
		}
		if err != nil {
			return fmt.Errorf("materialize: %s: line %d: %w", r.path, r.at.Line+1, err)
		}
	}
	return fmt.Errorf("materialize: %s: %w", r.path, io.ErrNoProgress)
}

// grown returns an error if the n bytes that came after the end of a followed file do not stand behind what was read of it: a file
// that was truncated may have become longer than it was by now.
func (r *lineReader) grown(n int) error {
	if !r.idle {
		return nil
	}
	r.idle = false
	read := append(slices.Clone(r.tail), r.buf[r.from:r.to-n]...)
	end := r.at.Offset + int64(r.to-n-r.from)
	read = read[max(0, len(read)-identityBytes):]
	have := make([]byte, len(read))
	_, err := r.file.ReadAt(have, end-int64(len(read)))
	if err != nil && err != io.EOF {
		return fmt.Errorf("materialize: %w", err)
	}
	if err != nil || !bytes.Equal(have, read) {
		return fmt.Errorf("%w: %s was truncated and written anew while it was followed", ErrLogChanged, r.path)
	}
	return nil
}

// steady is a reader whose error stays: one that came with bytes comes again, alone.
type steady struct {
	src io.Reader
	err error
}

func (s *steady) Read(b []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	n, s.err = s.src.Read(b)
	return n, s.err
}

// next returns the next line without its end, valid until the next call. At the end of the log the error is io.EOF, or
// errIdle when the log is followed. A line that is too long is passed over, with errTooLong. A last line
// that has no end is given as torn: it is not passed over, and comes again unless accept is called.
func (r *lineReader) next() (line []byte, torn bool, err error) {
	scanned, drained := 0, false
	for {
		if i := bytes.IndexByte(r.buf[r.from+scanned:r.to], '\n'); i >= 0 {
			return r.give(scanned + i + 1)
		}
		if scanned = r.to - r.from; scanned > r.log.MaxLine {
			r.skipping = true
			r.take(r.buf[r.from:r.to])
			r.from, scanned = r.to, 0
		}
		if r.src != nil {
			if err = r.fill(); err == nil {
				continue
			}
			if err != io.EOF {
				return nil, false, err
			}
		}
		further, err := r.further()
		if err != nil {
			return nil, false, err
		}
		waits := r.log.Follow && further == ""
		r.idle = waits && r.plain && r.file != nil
		switch partial := scanned > 0 || r.skipping; {
		case partial && waits && r.plain:
			return nil, false, errIdle
		case further != "" && r.log.Follow && r.plain && !drained:
			drained = true // once more: more may have come before the further file did
			continue
		case partial && r.skipping:
			return r.give(scanned)
		case partial:
			return r.buf[r.from:r.to], true, nil
		case waits:
			return nil, false, errIdle
		case further == "":
			return nil, false, io.EOF
		}
		if err := r.open(further); err != nil {
			return nil, false, err
		}
		scanned, drained = 0, false
	}
}

// give passes over n bytes of the buffer, a line or the rest of one, and returns them.
func (r *lineReader) give(n int) (line []byte, torn bool, err error) {
	line = r.buf[r.from : r.from+n]
	first := r.at.Offset == 0
	r.take(line)
	r.from += n
	r.at.Line++
	if line = bytes.TrimSuffix(line, []byte("\n")); r.skipping || len(line) > r.log.MaxLine {
		r.skipping = false
		return nil, false, errTooLong
	}
	if first {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line, false, nil
}

// accept passes over the torn line that next returned.
func (r *lineReader) accept() { r.give(r.to - r.from) }

// between reports whether the place is one between two lines, which position may be asked for.
func (r *lineReader) between() bool { return !r.skipping }

// further returns the path of the file after the open one, "" if there is none. It checks that the open one is still what its name
// says.
func (r *lineReader) further() (string, error) {
	if r.log.Reader != nil {
		return "", nil
	}
	files, err := r.log.files()
	if err != nil {
		return "", err
	}
	k := -1
	if r.file != nil {
		k = slices.IndexFunc(files, func(path string) bool { return filepath.Base(path) == r.at.File })
		if k < 0 {
			return "", fmt.Errorf("%w: %s is gone while it was read", ErrLogChanged, r.path)
		}
		if err := r.unchanged(); err != nil {
			return "", err
		}
		if err := r.inOrder(files[:k]); err != nil {
			return "", err
		}
	}
	if k+1 < len(files) {
		return files[k+1], nil
	}
	return "", nil
}

// inOrder returns an error if among the files before the open one there is one that was not there before: it would never be read.
func (r *lineReader) inOrder(before []string) error {
	first := r.passed == nil
	if first {
		r.passed = map[string]bool{}
	}
	for _, path := range before {
		name := filepath.Base(path)
		if !first && !r.passed[name] {
			return fmt.Errorf("%w: %s came up before %s, which is read already; let new files have names that sort after the old ones", ErrLogChanged, path, r.path)
		}
		r.passed[name] = true
	}
	r.passed[r.at.File] = true
	return nil
}

// unchanged returns an error if the open file was replaced or truncated.
func (r *lineReader) unchanged() error {
	open, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("materialize: %w", err)
	}
	named, err := os.Stat(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(open, named):
		return fmt.Errorf("%w: %s was renamed or replaced while it was read; "+
			"let new files have names that sort after the old ones, and name them all by a pattern", ErrLogChanged, r.path)
	case err != nil:
		return fmt.Errorf("materialize: %w", err)
	case r.plain && open.Size() < r.at.Offset+int64(r.to-r.from):
		return fmt.Errorf("%w: %s was truncated to %d bytes, of which %d had been read", ErrLogChanged, r.path, open.Size(), r.at.Offset)
	}
	return nil
}
