package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// ReadJSON reads a JSON document. NaN, Infinity and their usual spellings are numbers. Errors are an [*Error].
func ReadJSON(data []byte) (Node, error) {
	p := &jsonParser{data: data}
	v, err := p.value(0)
	if err != nil {
		return Node{}, err
	}
	if p.space(); p.at < len(data) {
		return Node{}, p.fail("%q after the document", data[p.at])
	}
	return Node{v: &v}, nil
}

type jsonParser struct {
	data []byte
	at   int
}

func (p *jsonParser) fail(reason string, args ...any) error {
	return &Error{Where: fmt.Sprintf("byte %d", p.at), Reason: fmt.Sprintf(reason, args...)}
}

func (p *jsonParser) space() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek skips space and returns the next byte, 0 at the end.
func (p *jsonParser) peek() byte {
	if p.space(); p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

func (p *jsonParser) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, p.fail("values nest deeper than %d", maxDepth)
	}
	switch c := p.peek(); c {
	case 0:
		return value{}, p.fail("the document ends where a value should be")
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		s, err := p.text()
		return value{kind: text, text: s}, err
	default:
		return p.word()
	}
}

// words are the values that are no number of JSON.
var words = map[string]value{
	"null": {kind: null}, "true": {kind: number, number: 1}, "false": {kind: number},
	"NaN": {kind: number, number: math.NaN()}, "nan": {kind: number, number: math.NaN()},
	"-NaN": {kind: number, number: math.NaN()}, "-nan": {kind: number, number: math.NaN()},
	"Infinity": {kind: number, number: math.Inf(1)}, "inf": {kind: number, number: math.Inf(1)},
	"-Infinity": {kind: number, number: math.Inf(-1)}, "-inf": {kind: number, number: math.Inf(-1)},
}

// word reads a number or a name.
func (p *jsonParser) word() (value, error) {
	end := p.at
	for end < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,]}:\"[{"), p.data[end]) < 0 {
		end++
	}
	word := p.data[p.at:end]
	if v, ok := words[string(word)]; ok {
		p.at = end
		return v, nil
	}
	if len(word) > 0 && (word[0] == '-' || word[0] >= '0' && word[0] <= '9') {
		if x, err := strconv.ParseFloat(string(word), 64); err == nil {
			p.at = end
			return value{kind: number, number: x}, nil
		}
	}
	return value{}, p.fail("%q is no value", Clip(string(word)))
}

func (p *jsonParser) text() (string, error) {
	start := p.at
	for p.at++; p.at < len(p.data); p.at++ {
		switch p.data[p.at] {
		case '\\':
			p.at++
		case '"':
			p.at++
			var s string
			if err := json.Unmarshal(p.data[start:p.at], &s); err != nil {
				p.at = start
				return "", p.fail("a string is wrong: %v", err)
			}
			return s, nil
		}
	}
	p.at = start
	return "", p.fail("a string does not end")
}

func (p *jsonParser) array(depth int) (value, error) {
	p.at++
	v := value{kind: array, container: &container{}}
	if p.peek() == ']' {
		p.at++
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.add(item)
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return v, nil
		default:
			return v, p.fail("want \",\" or \"]\" in an array")
		}
	}
}

// add appends to an array, which is one of numbers as long as there is nothing else in it.
func (v *value) add(item value) {
	switch {
	case item.kind == number && len(v.items) == 0:
		v.kind = numbers
		v.numbers = append(v.numbers, item.number)
		return
	case v.kind == numbers:
		v.kind = array
		for _, x := range v.numbers {
			v.items = append(v.items, value{kind: number, number: x})
		}
		v.numbers = nil
	}
	v.items = append(v.items, item)
}

func (p *jsonParser) object(depth int) (value, error) {
	p.at++
	v := value{kind: object, container: &container{}}
	if p.peek() == '}' {
		p.at++
		return v, nil
	}
	for {
		if p.peek() != '"' {
			return v, p.fail("want the name of a field")
		}
		key, err := p.text()
		if err != nil {
			return v, err
		}
		if p.peek() != ':' {
			return v, p.fail("want \":\" after %q", Clip(key))
		}
		p.at++
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.keys, v.items = append(v.keys, key), append(v.items, item)
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return v, nil
		default:
			return v, p.fail("want \",\" or \"}\" in an object")
		}
	}
}
