package envelope

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
)

// chunkSize is how many payload bytes are encoded, checked or read at a time.
const chunkSize = 32 << 10

// Writer writes one envelope. It is not safe for concurrent use.
//
// The first error stays: later calls do nothing, and Close returns it.
type Writer struct {
	out      counter
	buf      *bufio.Writer
	chunk    []byte
	sum      uint32 // of the payload so far
	digest   uint32 // of all check fields so far
	size     uint64 // bytes of the envelope so far, buffered ones included
	sections uint32
	err      error
}

// counter counts the bytes that its writer took.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// NewWriter starts an envelope of the kind (printable ASCII, at most 36 bytes),
// whose contents have the given format version, at least 1. The schema is a hash
// of whatever the contents depend on, 0 if nothing.
func NewWriter(w io.Writer, kind string, version uint32, schema uint64) *Writer {
	e := &Writer{out: counter{w: w}, chunk: make([]byte, chunkSize)}
	e.buf = bufio.NewWriterSize(&e.out, 2*chunkSize)
	e.err = checkName("kind", kind)
	if e.err == nil && version == 0 {
		e.err = fmt.Errorf("envelope: version of %s is 0; want >= 1", kind)
	}
	e.block(header{layout: layoutVersion, version: version, schema: schema, kind: kind}.block())
	return e
}

// Write adds the section name with the values; nil and empty are the same. The
// name is printable ASCII of at most 36 bytes.
func Write[T Element](w *Writer, name string, values []T) {
	typ := typeOf[T]()
	size := int(typ & 15)
	if !w.begin(typ, name, len(values), uint64(len(values))*uint64(size)) {
		return
	}
	writeElements(w, values)
	w.end()
}

// WriteSeq adds the section name with n values that come in pieces, which it does not
// keep: an array that is stored in parts need not be put together first. It fails when
// the pieces do not have n values in all.
func WriteSeq[T Element](w *Writer, name string, n int, pieces iter.Seq[[]T]) {
	typ := typeOf[T]()
	if n < 0 {
		w.fail(fmt.Errorf("envelope: section %s: %d values; want >= 0", name, n))
	}
	if !w.begin(typ, name, n, uint64(n)*uint64(typ&15)) {
		return
	}
	left := n
	for piece := range pieces {
		if left -= len(piece); left < 0 || w.err != nil {
			break
		}
		writeElements(w, piece)
	}
	if left != 0 {
		w.fail(fmt.Errorf("envelope: section %s: the pieces do not have %d values in all", name, n))
	}
	w.end()
}

// WriteValue adds the section name with one value. A section costs 128 bytes at
// least; what is read by people or rarely goes into one WriteJSON.
func WriteValue[T Element](w *Writer, name string, value T) {
	Write(w, name, []T{value})
}

// WriteStrings adds the section name with the strings, each shorter than 4 GiB.
func (w *Writer) WriteStrings(name string, values []string) {
	size := 4 * uint64(len(values))
	lengths := make([]uint32, len(values))
	for i, s := range values {
		if uint64(len(s)) > math.MaxUint32 {
			w.fail(fmt.Errorf("envelope: section %s: string %d has %d bytes; want < 4 GiB", name, i, len(s)))
			return
		}
		lengths[i] = uint32(len(s))
		size += uint64(len(s))
	}
	if !w.begin(typeStrings, name, len(values), size) {
		return
	}
	writeElements(w, lengths)
	for _, s := range values {
		for len(s) > 0 {
			n := copy(w.chunk, s)
			w.payload(w.chunk[:n])
			s = s[n:]
		}
	}
	w.end()
}

// WriteJSON adds the section name with the JSON form of v.
func (w *Writer) WriteJSON(name string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		w.fail(fmt.Errorf("envelope: section %s: %w", name, err))
		return
	}
	if w.begin(typeJSON, name, len(text), uint64(len(text))) {
		w.payload(text)
		w.end()
	}
}

// Close ends the envelope and returns how many bytes the underlying writer took,
// and the first error. It does not close the underlying writer.
func (w *Writer) Close() (int64, error) {
	w.block(endBlock(w.sections, w.size+blockSize, w.digest))
	if w.err == nil {
		w.err = w.buf.Flush()
	}
	n, err := w.out.n, w.err
	w.fail(fmt.Errorf("envelope: writer is closed"))
	return n, err
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// begin writes a section's header and reports whether its payload may follow.
func (w *Writer) begin(typ byte, name string, count int, size uint64) bool {
	if w.err == nil {
		w.err = checkName("section", name)
	}
	w.block(section{typ: typ, number: w.sections, count: uint64(count), size: size, name: name}.block())
	w.sections++
	w.sum = 0
	return w.err == nil
}

// end writes the zeros and the check that follow a payload.
func (w *Writer) end() {
	var zeros [blockSize]byte
	w.payload(zeros[:padding(w.size)]) // headers and sections are whole blocks
	field := binary.LittleEndian.AppendUint32(nil, w.sum)
	w.digest = check(w.digest, field)
	w.emit(field)
}

func (w *Writer) block(b block) {
	w.digest = check(w.digest, b[checkAt:])
	w.emit(b[:])
}

func (w *Writer) payload(b []byte) {
	w.sum = check(w.sum, b)
	w.emit(b)
}

func (w *Writer) emit(b []byte) {
	if w.err == nil {
		_, w.err = w.buf.Write(b)
		w.size += uint64(len(b))
	}
}

func writeElements[T Element](w *Writer, values []T) {
	size := int(typeOf[T]() & 15)
	for len(values) > 0 && w.err == nil {
		n := min(len(values), chunkSize/size)
		encode(w.chunk, values[:n])
		w.payload(w.chunk[:n*size])
		values = values[n:]
	}
}
