package recsys

import (
	"errors"
	"math"
	"unsafe"
)

// Block is where a [FeatureSource] writes: a view of its columns only, straight
// into the candidate table. Row i belongs to items[i] of the call.
//
// Columns count within their kind and scope, in the order of Columns: the first
// Float column of the source is float column 0, its first ID column is ID column 0.
//
// The block arrives with every cell at its column's default and no bit set, unless
// the source is an [Overwriter]. It is the source's until Hydrate returns.
type Block struct {
	Rows   int
	Stride int       // distance between the rows of Float
	Floats int       // float columns of the source
	Float  []float32 // value of column j in row i: Float[i*Stride+j]

	ID     [][]uint64  // ID[j][i]
	Vector [][]float32 // Vector[j][i*Dim : (i+1)*Dim]
	Dims   []int       // dimension of each vector column

	Missing Bits // rows that the source does not know
	Stale   Bits // rows older than a column's MaxAge

	// Age[i] is how old row i is at the query's Now, in seconds; NaN where that is not known or the row is
	// missing, which is how it arrives, from an Overwriter too. It is negative where the event time lies ahead of Now. In a
	// pipeline it is nil unless the source is an [AgeWriter].
	Age []float32

	defaults []float32 // of the float columns
}

// FloatRow returns the float columns of row i, in the source's order.
func (b *Block) FloatRow(i int) []float32 {
	at := i * b.Stride
	return b.Float[at : at+b.Floats : at+b.Floats]
}

// VectorAt returns column j of row i.
func (b *Block) VectorAt(j, i int) []float32 {
	d := b.Dims[j]
	return b.Vector[j][i*d : (i+1)*d : (i+1)*d]
}

// Miss marks row i as missing and writes every column's default into it; its age is not known.
func (b *Block) Miss(i int) {
	b.Missing.Set(i)
	if b.Age != nil {
		b.Age[i] = unknownAge()
	}
	b.fillRow(i)
}

func (b *Block) fillRow(i int) {
	copy(b.FloatRow(i), b.defaults)
	for j := range b.ID {
		b.ID[j][i] = 0
	}
	for j := range b.Vector {
		clear(b.VectorAt(j, i))
	}
}

// fill writes every column's default into every row.
func (b *Block) fill() {
	for i := range b.Rows {
		copy(b.FloatRow(i), b.defaults)
	}
	for j := range b.ID {
		clear(b.ID[j][:b.Rows])
	}
	for j := range b.Vector {
		clear(b.Vector[j][:b.Rows*b.Dims[j]])
	}
}

// miss marks every row as missing: what stands in the table when a source failed.
func (b *Block) miss() {
	b.fill()
	b.Missing.SetFirst(b.Rows)
	b.Stale.Reset()
	b.forgetAges()
}

// forgetAges makes all ages unknown.
func (b *Block) forgetAges() {
	for i := range b.Age {
		b.Age[i] = unknownAge()
	}
}

// unknownAge is the age of a row that has none.
func unknownAge() float32 { return float32(math.NaN()) }

// copyTo copies b into dst, which has the same columns and rows.
func (b *Block) copyTo(dst *Block) {
	for i := range b.Rows {
		copy(dst.FloatRow(i), b.FloatRow(i))
	}
	for j := range b.ID {
		copy(dst.ID[j], b.ID[j][:b.Rows])
	}
	for j := range b.Vector {
		copy(dst.Vector[j], b.Vector[j][:b.Rows*b.Dims[j]])
	}
	copy(dst.Missing, b.Missing)
	copy(dst.Stale, b.Stale)
	copy(dst.Age, b.Age)
}

// NewBlock returns a block of its own for the columns of the given scope, as a
// pipeline would hand it to a source: every cell at its default, no age known. For tests and
// for sources that read through another source.
func NewBlock(columns []Column, scope Scope, rows int) *Block {
	var l blockLayout
	l.add(columns, scope)
	l.ages = true
	return l.private(new(Block), rows)
}

// blockLayout is the shape of one source's columns in one scope.
type blockLayout struct {
	defaults []float32
	ids      int
	dims     []int

	firstFloat, firstID, firstVector int // place in the candidate table or request row
	group                            int
	ages                             bool // the source writes ages
}

func (l *blockLayout) add(columns []Column, scope Scope) {
	for i := range columns {
		switch c := &columns[i]; {
		case c.Scope != scope:
		case c.Kind == Float:
			l.defaults = append(l.defaults, c.missing())
		case c.Kind == ID:
			l.ids++
		case c.Kind == Vector:
			l.dims = append(l.dims, c.Dim)
		}
	}
}

func (l *blockLayout) empty() bool { return len(l.defaults) == 0 && l.ids == 0 && len(l.dims) == 0 }

// private shapes b as a block with memory of its own, reusing what it has.
func (l *blockLayout) private(b *Block, rows int) *Block {
	b.Rows, b.Stride, b.Floats = rows, len(l.defaults), len(l.defaults)
	b.defaults, b.Dims = l.defaults, l.dims
	b.Float = resize(b.Float, rows*b.Stride)
	b.ID = resize(b.ID, l.ids)
	for j := range b.ID {
		b.ID[j] = resize(b.ID[j], rows)
	}
	b.Vector = resize(b.Vector, len(l.dims))
	for j := range b.Vector {
		b.Vector[j] = resize(b.Vector[j], rows*l.dims[j])
	}
	b.Missing, b.Stale = resizeBits(b.Missing, rows), resizeBits(b.Stale, rows)
	if b.Age = b.Age[:0]; l.ages {
		b.Age = resize(b.Age, rows)
	} else {
		b.Age = nil
	}
	b.forgetAges()
	b.fill()
	return b
}

// resize returns a slice of length n, reusing s's memory where it is large enough.
// The contents are undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		t := make([]T, n, n+n/4)
		copy(t, s[:cap(s)]) // keeps nested memory
		return t
	}
	return s[:n]
}

// headers remembers where the slices of a block point, to find a source that replaced
// one instead of writing into it: what it wrote would be lost, or its memory ours.
type headers struct {
	float   *float32
	outerID *[]uint64
	outerV  *[]float32
	missing *uint64
	stale   *uint64
	age     *float32
	ids     []*uint64
	vectors []*float32
}

var errBlock = errors.New("a slice of the block was replaced; write into the one given")

func (h *headers) note(b *Block) {
	h.float = unsafe.SliceData(b.Float)
	h.outerID, h.outerV = unsafe.SliceData(b.ID), unsafe.SliceData(b.Vector)
	h.missing, h.stale = unsafe.SliceData(b.Missing), unsafe.SliceData(b.Stale)
	h.age = unsafe.SliceData(b.Age)
	h.ids, h.vectors = h.ids[:0], h.vectors[:0]
	for _, s := range b.ID {
		h.ids = append(h.ids, unsafe.SliceData(s))
	}
	for _, s := range b.Vector {
		h.vectors = append(h.vectors, unsafe.SliceData(s))
	}
}

func (h *headers) check(b *Block) error {
	same := h.float == unsafe.SliceData(b.Float) && len(h.ids) == len(b.ID) && len(h.vectors) == len(b.Vector) &&
		h.outerID == unsafe.SliceData(b.ID) && h.outerV == unsafe.SliceData(b.Vector) &&
		h.missing == unsafe.SliceData(b.Missing) && h.stale == unsafe.SliceData(b.Stale) && h.age == unsafe.SliceData(b.Age)
	for j := 0; same && j < len(h.ids); j++ {
		same = h.ids[j] == unsafe.SliceData(b.ID[j])
	}
	for j := 0; same && j < len(h.vectors); j++ {
		same = h.vectors[j] == unsafe.SliceData(b.Vector[j])
	}
	if same {
		return nil
	}
	return errBlock
}
