package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 16 // of a sane header: numpy itself refuses to evaluate more than 10,000 bytes
	maxDims   = 32      // numpy's own bound
)

// header is what stands before the values.
type header struct {
	descr   string // type of a value as numpy writes it: "<f4"
	fortran bool
	shape   []int
	count   int // of values
}

// readHeader reads the header of a .npy file.
func readHeader(r io.Reader) (*header, error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return nil, short(err, "the header")
	}
	if string(start[:6]) != magic {
		return nil, fmt.Errorf("starts with %q; want %q", start[:6], magic)
	}
	var length uint32
	switch major := start[6]; major {
	case 1:
		var b [2]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, short(err, "the header")
		}
		length = uint32(binary.LittleEndian.Uint16(b[:]))
	case 2, 3:
		var b [4]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, short(err, "the header")
		}
		length = binary.LittleEndian.Uint32(b[:])
	default:
		return nil, fmt.Errorf("is of format version %d.%d; want 1.0 to 3.0", major, start[7])
	}
	if length > maxHeader {
		return nil, fmt.Errorf("has a header of %d bytes; want at most %d", length, maxHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, short(err, "the header")
	}
	return parseHeader(string(text))
}

// short says that the data ends within what.
func short(err error, what string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("ends within %s", what)
	}
	return err
}

// parseHeader reads the literal of a Python dictionary that a header is:
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
func parseHeader(text string) (*header, error) {
	p := &parser{rest: text}
	h := &header{}
	seen := map[string]bool{}
	p.expect("{")
	for p.err == nil && !p.take("}") {
		key := p.str()
		p.expect(":")
		if p.err == nil && seen[key] {
			p.fail("names %q twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			h.descr = p.descr()
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.shape()
		default:
			p.fail("has the field %q", key)
		}
		if !p.take(",") {
			p.expect("}")
			break
		}
	}
	p.space()
	if p.err == nil && p.rest != "" {
		p.fail("goes on with %q", clip(p.rest))
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if p.err == nil && !seen[key] {
			p.fail("lacks %q", key)
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	h.count = 1
	for _, n := range h.shape {
		if n == 0 {
			h.count = 0 // whatever the others are
			return h, nil
		}
	}
	for _, n := range h.shape {
		if h.count > math.MaxInt/8/n {
			return nil, fmt.Errorf("has the shape %v, which no memory holds", h.shape)
		}
		h.count *= n
	}
	return h, nil
}

// parser reads the header from left to right and keeps the first error.
type parser struct {
	rest string
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("has a header that "+format, args...)
	}
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take skips token and reports whether it was next.
func (p *parser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *parser) expect(token string) {
	if !p.take(token) {
		p.fail("has %q where %q should be", clip(p.rest), token)
	}
}

// str reads a string in single or double quotes; the keys and types of headers have no
// escapes.
func (p *parser) str() string {
	p.space()
	if p.rest != "" && (p.rest[0] == '\'' || p.rest[0] == '"') {
		if end := strings.IndexByte(p.rest[1:], p.rest[0]); end >= 0 {
			s := p.rest[1 : 1+end]
			p.rest = p.rest[end+2:]
			return s
		}
	}
	p.fail("has %q where a string should be", clip(p.rest))
	return ""
}

func (p *parser) boolean() bool {
	if p.take("True") {
		return true
	}
	p.expect("False")
	return false
}

// shape reads a tuple of sizes: (), (3,), (3, 4).
func (p *parser) shape() []int {
	shape := []int{}
	p.expect("(")
	for p.err == nil && !p.take(")") {
		p.space()
		end := 0
		for end < len(p.rest) && p.rest[end] >= '0' && p.rest[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(p.rest[:end])
		if err != nil {
			p.fail("has %q where a size should be", clip(p.rest))
			break
		}
		p.rest = p.rest[end:]
		if shape = append(shape, n); len(shape) > maxDims {
			p.fail("has more than %d dimensions", maxDims)
		}
		if !p.take(",") {
			p.expect(")")
			break
		}
	}
	return shape
}

// descr reads the type of the values.
func (p *parser) descr() string {
	p.space()
	if strings.HasPrefix(p.rest, "[") {
		p.fail("has records for values; want numbers")
		return ""
	}
	return p.str()
}

// floats returns the size of a value of type descr and how to read one as float32.
func floats(descr string) (size int, decode func([]byte) float32, err error) {
	switch descr {
	case "<f4":
		return 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }, nil
	case ">f4":
		return 4, func(b []byte) float32 { return math.Float32frombits(binary.BigEndian.Uint32(b)) }, nil
	case "<f8":
		return 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }, nil
	case ">f8":
		return 8, func(b []byte) float32 { return float32(math.Float64frombits(binary.BigEndian.Uint64(b))) }, nil
	}
	return 0, nil, fmt.Errorf("has values of type %q; want float32 or float64 (<f4, >f4, <f8, >f8)", clip(descr))
}

// clip shortens what an error quotes.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40]
	}
	return s
}
