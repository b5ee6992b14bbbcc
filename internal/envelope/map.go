package envelope

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"unsafe"
)

// Mapped is a file in memory, of which [Map] has given out arrays.
type Mapped struct {
	path  string
	kind  string
	file  *os.File
	size  int64
	data  []byte
	spans []span
	paged bool // data is a mapping of the file, not a copy
}

// span is where the payload of a section lies.
type span struct {
	name       string
	start, end int
}

// Map maps the file path into memory and calls read with a reader of it, as a ReadFrom
// would read the sections; it then closes the reader. Arrays that [Read] returns are not
// copied and not looked at: they lie in the mapping, aligned to 64 bytes, until Close,
// and opening takes time in proportion to the number of sections, not to their size.
//
// The mapping is private: what is written to an array stays in this process and never
// reaches the file. A file that is replaced by a rename, as [Save] does, stays as it was
// for those who have mapped it. One that is truncated in place is not: touching what is
// gone kills the process.
//
// Header, section headers and end are checked, and strings and JSON text; other payloads
// are only checked by [Mapped.Verify]. So an index over a file that is not trusted must
// be verified first, or must bear any values in its arrays. Errors are those of Reader,
// and [ErrCorrupt] when bytes follow the end; they name the path. After an error nothing
// is mapped.
//
// Where the system cannot map files, or the machine is big endian, the file is read into
// memory instead.
func Map(path, kind string, maxVersion uint32, read func(*Reader)) (*Mapped, error) {
	return mapBy(mapFile, path, kind, maxVersion, read)
}

// mapBy is Map by a way to map a file, which may fail.
func mapBy(mapFile func(*os.File, int) ([]byte, error), path, kind string, maxVersion uint32, read func(*Reader)) (*Mapped, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	m := &Mapped{path: path, kind: kind, file: f}
	good := false
	defer func() { // also when read panics
		if !good {
			m.Close()
		}
	}()
	if err := m.load(mapFile); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := m.read(maxVersion, read); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	good = true
	return m, nil
}

// load maps the file or reads it into memory.
func (m *Mapped) load(mapFile func(*os.File, int) ([]byte, error)) error {
	info, err := m.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file, so it cannot be mapped")
	}
	m.size = info.Size()
	if m.size > math.MaxInt-2*blockSize {
		return fmt.Errorf("%d bytes do not fit the memory of this machine", m.size)
	}
	if m.size == 0 {
		return nil
	}
	if littleEndian() {
		if m.data, err = mapFile(m.file, int(m.size)); err == nil {
			m.paged = true
			return nil
		}
	}
	m.data = aligned(int(m.size))
	_, err = io.ReadFull(io.NewSectionReader(m.file, 0, m.size), m.data)
	return err
}

func (m *Mapped) read(maxVersion uint32, read func(*Reader)) error {
	src := &stored{left: m.data}
	r := NewReader(src, m.kind, maxVersion)
	r.mapped = src
	read(r)
	_, err := r.Close()
	m.spans = r.spans
	if err == nil && len(src.left) > 0 {
		err = fmt.Errorf("%w: there are bytes after the end", ErrCorrupt)
	}
	return err
}

// Verify reads the whole file as it was when it was mapped and reports the first byte
// that is damaged, with the errors of Reader. What was written to the arrays since does
// not count. It may run beside readers of the arrays.
func (m *Mapped) Verify() error {
	src := &sized{buf: bufio.NewReaderSize(io.NewSectionReader(m.file, 0, m.size), 4*chunkSize), left: m.size}
	if err := NewReader(src, m.kind, math.MaxUint32).verify(); err != nil {
		return fmt.Errorf("%s: %w", m.path, err)
	}
	return nil
}

// Close gives the mapping and the file back. No array that lies in the mapping may be
// touched any more: the process would die. A second call does nothing.
func (m *Mapped) Close() error {
	if m.file == nil {
		return nil
	}
	err := m.file.Close()
	if m.paged {
		err = errors.Join(err, unmapFile(m.data))
	}
	*m = Mapped{path: m.path, kind: m.kind}
	return err
}

// Size returns the length of the file in bytes.
func (m *Mapped) Size() int64 { return m.size }

// Hint says how a section will be read.
type Hint uint8

// The hints.
const (
	// Random: here and there, so that reading ahead is waste.
	Random Hint = iota
	// WillNeed: soon and in full, so the system may start to read it.
	WillNeed
)

// Advise tells the system how a section will be read. It does nothing for a section that
// is not there and where the system takes no advice.
func (m *Mapped) Advise(section string, hint Hint) {
	i := slices.IndexFunc(m.spans, func(s span) bool { return s.name == section })
	if i < 0 || !m.paged {
		return
	}
	page := os.Getpagesize()
	start := m.spans[i].start / page * page
	advise(m.data[start:m.spans[i].end], hint)
}

// stored is a reader of bytes that gives them out without a copy.
type stored struct{ left []byte }

func (s *stored) Read(b []byte) (int, error) {
	if len(s.left) == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

func (s *stored) Len() int { return len(s.left) }

// viewElements returns the payload of the section as it lies in memory; as a copy where
// that is not what the machine reads. The length was checked against the element size.
func viewElements[T Element](r *Reader) []T {
	src, n := r.mapped, r.left
	if uint64(len(src.left)) < n {
		missing := n - uint64(len(src.left))
		r.n += int64(len(src.left))
		src.left = nil
		r.failRead(io.ErrUnexpectedEOF, missing)
		return nil
	}
	b := src.left[:n:n]
	src.left = src.left[n:]
	r.spans = append(r.spans, span{r.in.name, int(r.n), int(r.n) + len(b)})
	r.n += int64(n)
	r.left, r.viewed = 0, true
	p := unsafe.SliceData(b)
	switch {
	case len(b) == 0:
		return []T{}
	case !littleEndian() || uintptr(unsafe.Pointer(p))%uintptr(typeOf[T]()&15) != 0:
		values := make([]T, r.in.count)
		decode(values, b)
		return values
	}
	return unsafe.Slice((*T)(unsafe.Pointer(p)), int(r.in.count))
}

// aligned returns n bytes at a multiple of 64.
func aligned(n int) []byte {
	b := make([]byte, n+blockSize)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (blockSize - 1)
	return b[skip : skip+n : skip+n]
}
