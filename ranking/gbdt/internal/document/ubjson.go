package document

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// ReadUBJSON reads a UBJSON document (draft 12), typed and counted containers included.
// Errors are an [*Error].
func ReadUBJSON(data []byte) (Node, error) {
	p := &ubjParser{data: data}
	mark, err := p.mark()
	if err != nil {
		return Node{}, err
	}
	v, err := p.value(mark, 0)
	if err != nil {
		return Node{}, err
	}
	for p.at < len(data) && data[p.at] == 'N' {
		p.at++
	}
	if p.at < len(data) {
		return Node{}, p.fail("%d bytes after the document", len(data)-p.at)
	}
	return Node{v: &v}, nil
}

type ubjParser struct {
	data []byte
	at   int
}

func (p *ubjParser) fail(reason string, args ...any) error {
	return &Error{Where: fmt.Sprintf("byte %d", p.at), Reason: fmt.Sprintf(reason, args...)}
}

// take returns the next n bytes.
func (p *ubjParser) take(n int) ([]byte, error) {
	if n < 0 || n > len(p.data)-p.at {
		return nil, p.fail("%d bytes are left; want %d", len(p.data)-p.at, n)
	}
	p.at += n
	return p.data[p.at-n : p.at], nil
}

// mark returns the next type marker; no-ops are skipped.
func (p *ubjParser) mark() (byte, error) {
	for {
		b, err := p.take(1)
		if err != nil || b[0] != 'N' {
			if err != nil {
				return 0, err
			}
			return b[0], nil
		}
	}
}

// sizes of the types of fixed length.
var sizes = map[byte]int{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8, 'C': 1}

func decode(mark byte, b []byte) float64 {
	switch mark {
	case 'i':
		return float64(int8(b[0]))
	case 'U', 'C':
		return float64(b[0])
	case 'I':
		return float64(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		return float64(int32(binary.BigEndian.Uint32(b)))
	case 'L':
		return float64(int64(binary.BigEndian.Uint64(b)))
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// length reads a type marker and an integer of that type.
func (p *ubjParser) length() (int, error) {
	mark, err := p.mark()
	if err != nil {
		return 0, err
	}
	size, ok := sizes[mark]
	if !ok || mark == 'd' || mark == 'D' || mark == 'C' {
		return 0, p.fail("a length of type %q", mark)
	}
	b, err := p.take(size)
	if err != nil {
		return 0, err
	}
	n := decode(mark, b)
	if n < 0 || n > float64(len(p.data)) {
		return 0, p.fail("a length of %v in a document of %d bytes", n, len(p.data))
	}
	return int(n), nil
}

func (p *ubjParser) text() (string, error) {
	n, err := p.length()
	if err != nil {
		return "", err
	}
	b, err := p.take(n)
	return string(b), err
}

func (p *ubjParser) value(mark byte, depth int) (value, error) {
	if depth > maxDepth {
		return value{}, p.fail("values nest deeper than %d", maxDepth)
	}
	if size, ok := sizes[mark]; ok {
		b, err := p.take(size)
		if err != nil {
			return value{}, err
		}
		if mark == 'C' {
			return value{kind: text, text: string(b)}, nil
		}
		return value{kind: number, number: decode(mark, b)}, nil
	}
	switch mark {
	case 'Z':
		return value{}, nil
	case 'T', 'F':
		v := value{kind: number}
		if mark == 'T' {
			v.number = 1
		}
		return v, nil
	case 'S':
		s, err := p.text()
		return value{kind: text, text: s}, err
	case 'H':
		s, err := p.text()
		if err != nil {
			return value{}, err
		}
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return value{}, p.fail("%q is no number", Clip(s))
		}
		return value{kind: number, number: x}, nil
	case '[', '{':
		return p.container(mark, depth)
	}
	return value{}, p.fail("unknown type %q", mark)
}

// container reads an array or an object: its elements up to the end mark, or as many as it
// says, all of one type if it says so.
func (p *ubjParser) container(open byte, depth int) (value, error) {
	kind, count, err := p.shape()
	if err != nil {
		return value{}, err
	}
	if size, ok := sizes[kind]; ok && open == '[' && kind != 'C' {
		return p.packed(kind, size, count)
	}
	if kind == 'Z' || kind == 'T' || kind == 'F' || kind == 'N' {
		return value{}, p.fail("a container of type %q, whose elements take no bytes", kind)
	}
	v, end := value{kind: array, container: &container{}}, byte(']')
	if open == '{' {
		v.kind, end = object, '}'
	}
	for i := 0; count < 0 || i < count; i++ {
		if count < 0 && p.at < len(p.data) {
			for p.at < len(p.data) && p.data[p.at] == 'N' {
				p.at++
			}
			if p.at < len(p.data) && p.data[p.at] == end {
				p.at++
				break
			}
		}
		var key string
		if open == '{' {
			if key, err = p.text(); err != nil {
				return v, err
			}
		}
		mark := kind
		if mark == 0 {
			if mark, err = p.mark(); err != nil {
				return v, err
			}
		}
		item, err := p.value(mark, depth+1)
		if err != nil {
			return v, err
		}
		if open == '{' {
			v.keys, v.items = append(v.keys, key), append(v.items, item)
		} else {
			v.add(item)
		}
	}
	return v, nil
}

// shape reads the optional "$type" and "#count" of a container; count is -1 without.
func (p *ubjParser) shape() (kind byte, count int, err error) {
	count = -1
	if p.at < len(p.data) && p.data[p.at] == '$' {
		b, err := p.take(2)
		if err != nil {
			return 0, 0, err
		}
		kind = b[1]
		if p.at >= len(p.data) || p.data[p.at] != '#' {
			return 0, 0, p.fail("a typed container without a count")
		}
	}
	if p.at < len(p.data) && p.data[p.at] == '#' {
		p.at++
		if count, err = p.length(); err != nil {
			return 0, 0, err
		}
	}
	return kind, count, nil
}

// packed reads count numbers of one type.
func (p *ubjParser) packed(mark byte, size, count int) (value, error) {
	b, err := p.take(count * size)
	if err != nil {
		return value{}, err
	}
	if count == 0 {
		return value{kind: array, container: &container{}}, nil
	}
	v := value{kind: numbers, container: &container{numbers: make([]float64, count)}}
	for i := range v.numbers {
		v.numbers[i] = decode(mark, b[i*size:])
	}
	return v, nil
}
