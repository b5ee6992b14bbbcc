package document

import (
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// kind is the type of a value.
type kind uint8

const (
	null kind = iota
	number
	text
	array   // of anything
	numbers // an array that holds numbers only, and at least one
	object
)

var kindNames = [...]string{null: "null", number: "a number", text: "a string", array: "an array", numbers: "an array of numbers", object: "an object"}

// maxDepth bounds how deep values may nest: a tree written as nested objects is as deep as
// the tree is.
const maxDepth = 5000

// value is small, since a hostile file may hold one for every two bytes.
type value struct {
	kind   kind
	number float64
	text   string
	*container
}

// container is what arrays and objects have.
type container struct {
	numbers []float64
	items   []value
	keys    []string
}

// Node is a value with the path to it.
type Node struct {
	v    *value
	path *step // nil at the root
}

// step is a field or, without a name, an element. The path is written out for an error only: trees are as deep as
// values nest, and a text for each node would take time by the square of it.
type step struct {
	up    *step
	name  string
	index int
}

// longestPath is how many bytes of a path an error prints, the last ones.
const longestPath = 200

func (p *step) String() string {
	text := ""
	for ; p != nil; p = p.up {
		if len(text) > longestPath {
			return "…" + text
		}
		switch {
		case p.name == "":
			text = "[" + strconv.Itoa(p.index) + "]" + text
		case p.up == nil:
			text = p.name + text
		default:
			text = "." + p.name + text
		}
	}
	return text
}

// Error says where a document is not what was wanted.
type Error struct {
	Where  string // a path, or "byte 17"
	Reason string
}

func (e *Error) Error() string { return e.Where + ": " + e.Reason }

// Fail returns an error about n.
func (n Node) Fail(reason string, args ...any) error {
	path := n.path.String()
	if path == "" {
		path = "the document"
	}
	return &Error{Where: path, Reason: fmt.Sprintf(reason, args...)}
}

func (n Node) join(name string) *step { return &step{up: n.path, name: name} }

// Find returns the field called name of an object, and whether there is one that is not null.
func (n Node) Find(name string) (Node, bool) {
	if n.v != nil && n.v.kind == object {
		for i, key := range n.v.keys {
			if key == name {
				return Node{&n.v.items[i], n.join(name)}, n.v.items[i].kind != null
			}
		}
	}
	return Node{nil, n.join(name)}, false
}

// Field follows a path of names; an absent one is an error.
func (n Node) Field(names ...string) (Node, error) {
	for _, name := range names {
		field, ok := n.Find(name)
		if !ok {
			return field, field.Fail("is missing")
		}
		n = field
	}
	return n, nil
}

// IsObject tells whether n is an object.
func (n Node) IsObject() bool { return n.v != nil && n.v.kind == object }

// Keys returns the names of an object's fields.
func (n Node) Keys() []string {
	if !n.IsObject() {
		return nil
	}
	return n.v.keys
}

// Fields returns the fields of an object, in their order, and nothing of another value.
func (n Node) Fields() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		for i, name := range n.Keys() {
			if !yield(name, Node{&n.v.items[i], n.join(name)}) {
				return
			}
		}
	}
}

// Items returns the elements of an array that are no numbers.
func (n Node) Items() ([]Node, error) {
	if n.v.kind != array {
		return nil, n.Fail("is %s; want an array", kindNames[n.v.kind])
	}
	items := make([]Node, len(n.v.items))
	for i := range items {
		items[i] = Node{&n.v.items[i], &step{up: n.path, index: i}}
	}
	return items, nil
}

// Text returns a string.
func (n Node) Text() (string, error) {
	if n.v.kind != text {
		return "", n.Fail("is %s; want a string", kindNames[n.v.kind])
	}
	return n.v.text, nil
}

// Texts returns an array of strings.
func (n Node) Texts() ([]string, error) {
	items, err := n.Items()
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i, item := range items {
		if out[i], err = item.Text(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Number returns a number, also one that is written as a string.
func (n Node) Number() (float64, error) {
	switch n.v.kind {
	case number:
		return n.v.number, nil
	case text:
		if x, err := strconv.ParseFloat(strings.TrimSpace(n.v.text), 64); err == nil {
			return x, nil
		}
		return 0, n.Fail("is %q; want a number", Clip(n.v.text))
	}
	return 0, n.Fail("is %s; want a number", kindNames[n.v.kind])
}

// Int returns a whole number between low and high, also one that is written as a string.
func (n Node) Int(low, high int) (int, error) {
	x, err := n.Number()
	if err != nil {
		return 0, err
	}
	if !(x >= float64(low) && x <= float64(high)) || x != math.Trunc(x) {
		return 0, n.Fail("is %v; want a whole number from %d to %d", x, low, high)
	}
	return int(x), nil
}

// Numbers returns an array of numbers, the document's own; false and true count as 0 and 1.
func (n Node) Numbers() ([]float64, error) {
	switch {
	case n.v.kind == numbers:
		return n.v.numbers, nil
	case n.v.kind == array && len(n.v.items) == 0:
		return nil, nil
	}
	return nil, n.Fail("is %s; want an array of numbers", kindNames[n.v.kind])
}

// Ints returns an array of whole numbers from low to high.
func (n Node) Ints(low, high int) ([]int32, error) {
	values, err := n.Numbers()
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(values))
	for i, x := range values {
		if !(x >= float64(low) && x <= float64(high)) || x != math.Trunc(x) {
			return nil, n.Fail("element %d is %v; want a whole number from %d to %d", i, x, low, high)
		}
		out[i] = int32(x)
	}
	return out, nil
}

// Clip shortens what a message quotes.
func Clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
