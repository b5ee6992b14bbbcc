package rankingtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys"
)

// table is a request with n candidates whose values are all known, so that it can be
// laid out again, in another order, or checked for changes.
type table struct {
	schema  *recsys.Schema
	what    string
	n       int
	items   []recsys.ItemID
	floats  [][]float32 // per row, as in Candidates.Row
	ids     [][]uint64
	vectors [][][]float32 // per vector column of items, per row
	missing []bool        // row: all of its item features are missing
	request struct {
		missing bool
		floats  []float32
		ids     []uint64
		vectors [][]float32
	}
}

func (t *table) String() string { return fmt.Sprintf("a table of %d rows %s", t.n, t.what) }

// gaps says where values are missing.
type gaps uint8

const (
	complete  gaps = iota
	scattered      // some values of some rows
	rows           // all item values of every other row
	all            // every value, those of the request too
)

func (g gaps) String() string {
	return [...]string{"with all features", "with some values missing", "with every other row missing", "with all features missing"}[g]
}

// table makes a table of n rows. Equal arguments give equal tables.
func (p *probe) table(n int, g gaps, salt uint64) *table {
	r := rand.New(rand.NewPCG(p.Seed, salt<<8|uint64(g)))
	t := &table{schema: p.schema, what: g.String(), n: n, missing: make([]bool, n)}
	for i := range n {
		// Not sorted, not dense, no doubles.
		t.items = append(t.items, recsys.ItemID(uint64(i)<<8|r.Uint64N(256)))
		t.missing[i] = g == all || g == rows && i%2 == 1
	}
	r.Shuffle(n, func(i, j int) { t.items[i], t.items[j] = t.items[j], t.items[i] })
	t.fillRequest(r, g)
	for i := range n {
		t.fillRow(r, g, t.missing[i])
	}
	return t
}

func (t *table) fillRequest(r *rand.Rand, g gaps) {
	t.request.missing = g == all
	for _, f := range t.schema.Fields() {
		if f.Scope != recsys.PerRequest {
			continue
		}
		switch f.Kind {
		case recsys.Float:
			t.request.floats = append(t.request.floats, value(r, &f, g == all))
		case recsys.ID:
			t.request.ids = append(t.request.ids, id(r, g == all))
		case recsys.Vector:
			t.request.vectors = append(t.request.vectors, vector(r, f.Dim, g == all))
		}
	}
}

// fillRow appends the values of one row.
func (t *table) fillRow(r *rand.Rand, g gaps, missing bool) {
	row, ids, column := append([]float32(nil), t.request.floats...), append([]uint64(nil), t.request.ids...), 0
	for _, f := range t.schema.Fields() {
		if f.Scope != recsys.PerItem {
			continue
		}
		gap := missing || g == scattered && r.IntN(4) == 0
		switch f.Kind {
		case recsys.Float:
			row = append(row, value(r, &f, gap))
		case recsys.ID:
			ids = append(ids, id(r, missing))
		case recsys.Vector:
			if column == len(t.vectors) {
				t.vectors = append(t.vectors, nil)
			}
			t.vectors[column] = append(t.vectors[column], vector(r, f.Dim, missing))
			column++
		}
	}
	t.floats, t.ids = append(t.floats, row), append(t.ids, ids)
}

func value(r *rand.Rand, f *recsys.Field, missing bool) float32 {
	switch {
	case missing && f.Default != nil:
		return *f.Default
	case missing:
		return float32(math.NaN())
	}
	return float32(r.NormFloat64())
}

func id(r *rand.Rand, missing bool) uint64 {
	if missing {
		return 0
	}
	return r.Uint64N(50)
}

func vector(r *rand.Rand, dim int, missing bool) []float32 {
	v := make([]float32, dim)
	for i := range v {
		if !missing {
			v[i] = float32(r.NormFloat64())
		}
	}
	return v
}

// query returns the request as a stage sees it.
func (t *table) query() *recsys.Query {
	req := &recsys.Request{
		ID: "rankingtest", User: 7, Surface: "test", K: 10, Seed: 11, Now: time.Unix(1_700_000_000, 0),
		History: []recsys.Event{{Item: 3, Kind: recsys.Click}, {Item: 300, Kind: recsys.Purchase, Value: 9}},
	}
	q := recsys.NewQuery(req, t.schema, "rank/test")
	copy(q.Floats(), t.request.floats)
	copy(q.IDs(), t.request.ids)
	for j, v := range t.request.vectors {
		copy(q.Vector(j), v)
	}
	return q
}

// candidates lays the table out in its own order.
func (t *table) candidates() *recsys.Candidates {
	c := recsys.NewCandidates(t.schema, t.items)
	t.write(c)
	return c
}

// write writes the values of t over those of c, which has as many rows.
func (t *table) write(c *recsys.Candidates) {
	for i := range t.n {
		copy(c.Row(i), t.floats[i])
		for j, v := range t.ids[i] {
			c.IDColumn(j)[i] = v
		}
		for j := range t.vectors {
			copy(c.Vector(j, i), t.vectors[j][i])
		}
		// What earlier stages wrote: it belongs to the item, not to its place.
		for h := range c.HeadRow(i) {
			c.HeadRow(i)[h] = float32(t.items[i]%97) / 97
		}
		c.MergeScores()[i] = 1 / float32(60+t.items[i]%89)
		c.Scores()[i] = c.MergeScores()[i]
	}
	for _, f := range t.schema.Fields() {
		for i := range t.n {
			if t.missing[i] && f.Scope == recsys.PerItem || t.request.missing && f.Scope == recsys.PerRequest {
				c.Missing(f.Group).Set(i)
			} else {
				c.Missing(f.Group).Clear(i)
			}
		}
	}
}

// pick returns a table of the given rows of t; a row may come more than once.
func (t *table) pick(rows []int) *table {
	p := &table{schema: t.schema, what: "picked of " + t.String(), n: len(rows), request: t.request}
	p.vectors = make([][][]float32, len(t.vectors))
	for _, i := range rows {
		p.items, p.missing = append(p.items, t.items[i]), append(p.missing, t.missing[i])
		p.floats, p.ids = append(p.floats, t.floats[i]), append(p.ids, t.ids[i])
		for j := range t.vectors {
			p.vectors[j] = append(p.vectors[j], t.vectors[j][i])
		}
	}
	return p
}

// mark and otherMark stand in memory that a ranker is to write: values that no ranker gives by chance.
const (
	mark      float32 = -7.0312754e11
	otherMark float32 = 3.3210077e-19
)

// spare is how many heads of others stand before and after a ranker's own.
const spare = 1

// scores is memory for one call, as a pipeline with other heads lays it out.
type scores struct {
	n, heads int
	mark     float32
	score    []float32
	all      []float32 // n x (spare + heads + spare)
}

func newScores(n, heads int, mark float32) *scores {
	s := &scores{n: n, heads: heads, mark: mark}
	s.score, s.all = make([]float32, n), make([]float32, n*(heads+2*spare))
	for i := range s.score {
		s.score[i] = mark
	}
	for i := range s.all {
		s.all[i] = mark
	}
	return s
}

func (s *scores) stride() int { return s.heads + 2*spare }

func (s *scores) out() recsys.Scores {
	out := recsys.Scores{Score: s.score, Stride: s.stride()}
	if s.heads > 0 && s.n > 0 {
		out.Heads = s.all[spare:]
	}
	return out
}

// row returns the score and the heads of row i.
func (s *scores) row(i int) []float32 {
	at := i*s.stride() + spare
	return append([]float32{s.score[i]}, s.all[at:at+s.heads]...)
}

// equalBits reports whether two rows are the same, NaN being itself.
func equalBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
			return false
		}
	}
	return true
}
