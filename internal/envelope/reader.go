package envelope

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Reader reads one envelope, section by section in the order in which they were
// written. It is not safe for concurrent use.
//
// The first error stays: later calls return zero values, and Close returns it.
// Until Close has returned nil, what was read may be anything; a ReadFrom keeps
// it aside and assigns it last.
//
// Memory grows with the bytes that arrive. If the underlying reader has a method
// Len() int that returns how many bytes it still holds, as [bytes.Reader] has and
// the reader that [Load] passes, arrays are allocated once and in full. The reader
// that [Map] passes does not copy arrays at all.
type Reader struct {
	r        io.Reader
	n        int64
	kind     string
	head     header
	in       section // the one that is being read
	left     uint64  // payload bytes of it that have not been read
	sum      uint32  // of its payload so far
	digest   uint32  // of all check fields so far
	sections uint32
	chunk    []byte
	mapped   *stored // what r is when it is a file in memory
	viewed   bool    // the section's payload was not looked at, so sum says nothing
	spans    []span  // of mapped, the sections so far
	err      error
}

// NewReader reads the header. The envelope must be of the kind, its version at
// most maxVersion.
func NewReader(r io.Reader, kind string, maxVersion uint32) *Reader {
	e := &Reader{r: r, kind: kind}
	var b block
	n, err := io.ReadFull(r, b[:])
	e.n = int64(n)
	if got := string(b[:min(n, len(magic))]); !strings.HasPrefix(magic, got) {
		e.fail(ErrKind, "starts with %q", got)
		return e
	}
	if err != nil {
		e.failRead(err, uint64(blockSize-n))
		return e
	}
	e.head = b.header()
	e.digest = check(0, b[checkAt:])
	switch h := e.head; {
	case !b.intact():
		e.fail(ErrCorrupt, "the header's check does not hold")
	case h.layout > layoutVersion:
		e.fail(ErrNewer, "layout %d; this program reads up to %d", h.layout, layoutVersion)
	case h.kind != kind:
		e.fail(ErrKind, "holds %q", h.kind)
	case h.version > maxVersion:
		e.fail(ErrNewer, "version %d; this program reads up to %d", h.version, maxVersion)
	case h.layout == 0 || h.version == 0 || b != h.block():
		e.fail(ErrCorrupt, "the header is malformed")
	}
	return e
}

// Version returns the version of the kind's format, 0 after an error.
func (r *Reader) Version() uint32 {
	if r.err != nil {
		return 0
	}
	return r.head.version
}

// Schema returns the hash that the writer gave.
func (r *Reader) Schema() uint64 { return r.head.schema }

// CheckSchema fails with [ErrSchema] unless the envelope was written for the
// schema.
func (r *Reader) CheckSchema(schema uint64) {
	if r.head.schema != schema {
		r.fail(ErrSchema, "it was written for schema %016x, not %016x", r.head.schema, schema)
	}
}

// Fail reports that the contents contradict each other: an [ErrCorrupt] with the
// reason.
func (r *Reader) Fail(reason string) { r.fail(ErrCorrupt, "%s", reason) }

// Err returns the first error so far.
func (r *Reader) Err() error { return r.err }

// Read returns the values of the section name, never nil unless there was an
// error. The slice is the caller's, without room to append; under [Map] it lies in
// the mapping.
func Read[T Element](r *Reader, name string) []T {
	typ := typeOf[T]()
	if !r.begin(name, typ) {
		return nil
	}
	if r.in.size/uint64(typ&15) != r.in.count || r.in.size%uint64(typ&15) != 0 {
		r.fail(ErrCorrupt, "%d elements in %d bytes", r.in.count, r.in.size)
		return nil
	}
	var values []T
	if r.mapped != nil {
		values = viewElements[T](r)
	} else {
		values = readElements[T](r, r.in.count)
	}
	if !r.end() {
		return nil
	}
	return values
}

// ReadN returns the values of the section name and fails with [ErrCorrupt] unless
// there are n of them.
func ReadN[T Element](r *Reader, name string, n int) []T {
	values := Read[T](r, name)
	if r.err == nil && len(values) != n {
		r.in.name = name
		r.fail(ErrCorrupt, "it has %d values; want %d", len(values), n)
	}
	if r.err != nil {
		return nil
	}
	return values
}

// ReadValue returns the one value of the section name.
func ReadValue[T Element](r *Reader, name string) T {
	if values := ReadN[T](r, name, 1); r.err == nil {
		return values[0]
	}
	return 0
}

// ReadStrings returns the strings of the section name, never nil unless there
// was an error. They share one block of memory.
func (r *Reader) ReadStrings(name string) []string {
	if !r.begin(name, typeStrings) {
		return nil
	}
	if r.in.count > r.in.size/4 {
		r.fail(ErrCorrupt, "%d strings in %d bytes", r.in.count, r.in.size)
		return nil
	}
	lengths := readElements[uint32](r, r.in.count)
	total := uint64(0)
	for _, n := range lengths {
		total += uint64(n)
	}
	if r.err == nil && total != r.left {
		r.fail(ErrCorrupt, "strings of %d bytes in %d", total, r.left)
	}
	text := r.readText()
	if !r.end() {
		return nil
	}
	values := make([]string, len(lengths))
	for i, n := range lengths {
		values[i], text = text[:n], text[n:]
	}
	return values
}

// ReadJSON decodes the section name into v, which must be a pointer. A field that
// v does not have is [ErrCorrupt]: new fields need a new version.
func (r *Reader) ReadJSON(name string, v any) {
	if !r.begin(name, typeJSON) {
		return
	}
	if r.in.count != r.in.size {
		r.fail(ErrCorrupt, "%d bytes in %d", r.in.count, r.in.size)
		return
	}
	text := r.readText()
	if !r.end() {
		return
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.InputOffset() != int64(len(text)) {
		err = errors.New("text after the value")
	}
	if err != nil {
		r.in.name = name
		r.fail(ErrCorrupt, "%v", err)
	}
}

// Close checks that the envelope ends here and is the one that was written. It
// returns how many bytes were read, and the first error: an [*Error].
func (r *Reader) Close() (int64, error) {
	if b, ok := r.block(); ok {
		r.finish(b)
	}
	err := r.err
	if err == nil {
		r.err = errors.New("envelope: reader is closed")
	}
	return r.n, err
}

// finish checks the end block.
func (r *Reader) finish(b block) {
	switch end, digest := b.section(), binary.LittleEndian.Uint32(b[digestAt:]); {
	case end.typ != typeEnd:
		r.fail(ErrCorrupt, "section %q where the end should be", end.name)
	case digest != r.digest || end.number != r.sections || end.size != uint64(r.n):
		r.fail(ErrCorrupt, "the blocks are not those of one envelope")
	case b != endBlock(r.sections, uint64(r.n), digest):
		r.fail(ErrCorrupt, "the end is malformed")
	}
}

// verify reads all that is left and checks every byte of it.
func (r *Reader) verify() error {
	for r.err == nil {
		b, ok := r.block()
		if !ok {
			break
		}
		if b[0] == typeEnd {
			r.finish(b)
			break
		}
		r.enter(b)
		for r.err == nil && r.left > 0 {
			r.fill(r.chunk[:min(r.left, chunkSize)])
		}
		if r.err == nil {
			r.end()
		}
	}
	return r.err
}

func (r *Reader) fail(sentinel error, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Kind: r.kind, Section: r.in.name, Offset: r.n, Reason: fmt.Sprintf(format, args...), Err: sentinel}
	}
}

// failRead reports that the underlying reader returned err when more bytes were
// wanted.
func (r *Reader) failRead(err error, missing uint64) {
	switch {
	case r.n == 0 && err == io.EOF:
		r.err = &Error{Kind: r.kind, Reason: "there is nothing", Err: ErrTruncated, Cause: io.EOF}
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		r.fail(ErrTruncated, "%d more bytes expected here", missing)
	default:
		r.fail(err, "")
	}
}

// block reads the next 64 bytes and reports whether their check holds.
func (r *Reader) block() (b block, ok bool) {
	if !r.read(b[:]) {
		return b, false
	}
	if !b.intact() {
		r.fail(ErrCorrupt, "the check of a block does not hold")
		return b, false
	}
	return b, true
}

// begin reads the header of the section name and reports whether its payload may
// be read.
func (r *Reader) begin(name string, typ byte) bool {
	if r.err == nil {
		r.in.name = name
	}
	b, ok := r.block()
	if !ok {
		return false
	}
	got := b.section()
	switch {
	case got.typ == typeEnd:
		r.fail(ErrCorrupt, "the envelope ends where the section should be")
	case got.name != name || got.number != r.sections:
		r.fail(ErrCorrupt, "section %d %q where section %d should be", got.number, got.name, r.sections)
	case got.typ != typ:
		r.fail(ErrCorrupt, "it holds %s; want %s", typeName(got.typ), typeName(typ))
	}
	return r.enter(b)
}

// enter makes the section with the header b the one that is read, and reports whether
// its payload may be.
func (r *Reader) enter(b block) bool {
	got := b.section()
	if r.err == nil {
		r.in.name = got.name
	}
	switch {
	case got.number != r.sections:
		r.fail(ErrCorrupt, "section %d where section %d should be", got.number, r.sections)
	case got.size > math.MaxInt64-1<<20 || got.count > math.MaxInt:
		r.fail(ErrCorrupt, "%d bytes", got.size)
	case b != got.block():
		r.fail(ErrCorrupt, "the section's header is malformed")
	}
	r.in, r.left, r.sum, r.viewed = got, got.size, 0, false
	r.sections++
	r.digest = check(r.digest, b[checkAt:])
	if r.chunk == nil {
		r.chunk = make([]byte, chunkSize)
	}
	return r.err == nil
}

// end reads the zeros and the check after a payload and reports whether the
// section is whole.
func (r *Reader) end() bool {
	tail := r.chunk[:padding(r.in.size)+checkSize]
	zeros, field := tail[:len(tail)-checkSize], tail[len(tail)-checkSize:]
	if !r.read(tail) {
		return false
	}
	switch {
	case !r.viewed && binary.LittleEndian.Uint32(field) != check(r.sum, zeros):
		r.fail(ErrCorrupt, "the check of the payload does not hold")
	case len(bytes.Trim(zeros, "\x00")) > 0:
		r.fail(ErrCorrupt, "the padding is not zero")
	}
	r.digest = check(r.digest, field)
	r.in.name = ""
	return r.err == nil
}

// fill reads len(b) bytes of the payload.
func (r *Reader) fill(b []byte) bool {
	if !r.read(b) {
		return false
	}
	r.left -= uint64(len(b))
	r.sum = check(r.sum, b)
	return true
}

// read reads len(b) bytes, of whatever comes next.
func (r *Reader) read(b []byte) bool {
	if r.err != nil {
		return false
	}
	n, err := io.ReadFull(r.r, b)
	r.n += int64(n)
	if err != nil {
		r.failRead(err, uint64(len(b)-n))
	}
	return err == nil
}

// promise returns how many of count elements to allocate at once when have of
// them have arrived: all if the underlying reader says that it holds them, else
// as many again.
func (r *Reader) promise(count uint64, have int, size uint64) int {
	if known, ok := r.r.(interface{ Len() int }); ok && uint64(max(known.Len(), 0)) >= (count-uint64(have))*size {
		return int(count)
	}
	return int(min(count, uint64(max(2*have, chunkSize/int(size)))))
}

func readElements[T Element](r *Reader, count uint64) []T {
	size := int(typeOf[T]() & 15)
	values := []T{}
	for uint64(len(values)) < count {
		if len(values) == cap(values) {
			values = append(make([]T, 0, r.promise(count, len(values), uint64(size))), values...)
		}
		n := min(cap(values)-len(values), chunkSize/size)
		n = int(min(uint64(n), count-uint64(len(values))))
		if !r.fill(r.chunk[:n*size]) {
			return nil
		}
		decode(values[len(values):len(values)+n], r.chunk)
		values = values[:len(values)+n]
	}
	return values
}

// readText returns what is left of the payload.
func (r *Reader) readText() string {
	var text strings.Builder
	for r.err == nil && r.left > 0 {
		if text.Len() == text.Cap() {
			total := uint64(text.Len()) + r.left
			text.Grow(r.promise(total, text.Len(), 1) - text.Len())
		}
		n := int(min(r.left, chunkSize))
		if r.fill(r.chunk[:n]) {
			text.Write(r.chunk[:n])
		}
	}
	return text.String()
}
