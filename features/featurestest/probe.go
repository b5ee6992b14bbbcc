package featurestest

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// probe is a bound source with what the cases need to call it.
type probe struct {
	config  Config
	given   recsys.FeatureSource
	source  recsys.FeatureSource
	schema  *recsys.Schema
	columns []recsys.Column
}

// bind makes the source what a pipeline would make of it.
func (p *probe) bind(source recsys.FeatureSource) error {
	return guarded(func() (err error) {
		p.given = source
		p.columns = slices.Clone(source.Columns())
		if v, ok := source.(recsys.Validator); ok {
			if err := v.Validate(); err != nil {
				return fmt.Errorf("validate: %w", err)
			}
		}
		if p.schema, err = recsys.NewSchema(p.config.Upstream); err != nil {
			return fmt.Errorf("upstream of the configuration: %w", err)
		}
		if p.source, err = recsys.Bind(source, p.schema); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		return nil
	})
}

// has reports whether the source has columns of the scope.
func (p *probe) has(scope recsys.Scope) bool {
	return slices.ContainsFunc(p.columns, func(c recsys.Column) bool { return c.Scope == scope })
}

// readsTable reports whether item features come from the candidate table. What such
// a source writes for an item depends on the item's place in it.
func (p *probe) readsTable() bool {
	_, ok := p.source.(recsys.CandidateHydrator)
	return ok
}

// overwrites reports whether the source promises to write every cell.
func (p *probe) overwrites() bool {
	o, ok := p.source.(recsys.Overwriter)
	return ok && o.Overwrites()
}

// items returns known and unknown items, n of them, each several times where n is large.
func (p *probe) items(n int) []recsys.ItemID {
	pool := append(slices.Clone(p.config.Items), p.config.Unknown...)
	if len(p.config.Items) == 0 {
		pool = append(pool, 1, 2, 3, 4, 5)
	}
	if len(pool)%7 == 0 {
		pool = append(pool, pool[0]) // so that steps of 7 reach all
	}
	out := make([]recsys.ItemID, n)
	for i := range out {
		out[i] = pool[i*7%len(pool)]
	}
	return out
}

// users returns known and unknown users.
func (p *probe) users() []recsys.UserID {
	pool := append(slices.Clone(p.config.Users), p.config.UnknownUsers...)
	if len(p.config.Users) == 0 {
		pool = append(pool, 1)
	}
	return pool
}

func (p *probe) query(user recsys.UserID) *recsys.Query {
	req := p.config.Request
	req.User = user
	return recsys.NewQuery(&req, p.schema, "featurestest")
}

// ask is one call: for items, or for the request when items is nil.
type ask struct {
	ctx   context.Context
	q     *recsys.Query
	items []recsys.ItemID
}

func (a ask) scope() recsys.Scope {
	if a.items == nil {
		return recsys.PerRequest
	}
	return recsys.PerItem
}

func (a ask) rows() int {
	if a.items == nil {
		return 1
	}
	return len(a.items)
}

// forItems asks for n items for the first user.
func (p *probe) forItems(n int) ask {
	return ask{context.Background(), p.query(p.users()[0]), p.items(n)}
}

// asks returns a call of each scope that the source has.
func (p *probe) asks(n int) []ask {
	var out []ask
	if p.has(recsys.PerRequest) {
		for _, u := range p.users() {
			out = append(out, ask{context.Background(), p.query(u), nil})
		}
	}
	if p.has(recsys.PerItem) {
		out = append(out, p.forItems(n))
	}
	return out
}

// fill calls the source as a pipeline does.
func (p *probe) fill(a ask, b *recsys.Block) error {
	return guarded(func() error {
		if h, ok := p.source.(recsys.CandidateHydrator); ok && a.items != nil {
			return h.HydrateCandidates(a.ctx, a.q, recsys.NewCandidates(p.schema, a.items), b)
		}
		return p.source.Hydrate(a.ctx, a.q, a.items, b)
	})
}

// block returns a block as a pipeline hands it over: at defaults, unless the source
// overwrites; then full of poison.
func (p *probe) block(a ask) *recsys.Block {
	b := recsys.NewBlock(p.columns, a.scope(), a.rows())
	if p.overwrites() {
		poison(b)
	}
	return b
}

// result calls the source and returns what it wrote.
func (p *probe) result(a ask) (*recsys.Block, error) {
	b := p.block(a)
	if err := p.fill(a, b); err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return b, nil
}

// String names the call in messages.
func (a ask) String() string {
	switch {
	case a.items == nil:
		return fmt.Sprintf("request of user %d", a.q.User)
	case len(a.items) > 8:
		return fmt.Sprintf("%d items", len(a.items))
	}
	return fmt.Sprintf("items %v", a.items)
}

// Poison is what cells hold before a call: values that no source writes.
const (
	poisonFloat = 0x7fc0beef // a NaN
	poisonID    = 0xdeadbeefdeadbeef
)

func poison(b *recsys.Block) {
	for i := range b.Float {
		b.Float[i] = math.Float32frombits(poisonFloat)
	}
	for j := range b.ID {
		for i := range b.ID[j] {
			b.ID[j][i] = poisonID
		}
	}
	for j := range b.Vector {
		for i := range b.Vector[j] {
			b.Vector[j][i] = math.Float32frombits(poisonFloat)
		}
	}
}

// eachCell calls f with the place and the bits of each cell of row i.
func eachCell(b *recsys.Block, i int, f func(kind recsys.Kind, column int, bits uint64)) {
	for j, v := range b.FloatRow(i) {
		f(recsys.Float, j, uint64(math.Float32bits(v)))
	}
	for j := range b.ID {
		f(recsys.ID, j, b.ID[j][i])
	}
	for j := range b.Vector {
		for _, v := range b.VectorAt(j, i) {
			f(recsys.Vector, j, uint64(math.Float32bits(v)))
		}
	}
}

// row is everything that a source wrote for a row, comparable: all NaNs are one.
func row(b *recsys.Block, i int) []uint64 {
	const missing, stale = 1, 2
	bits := uint64(0)
	if b.Missing.Has(i) {
		bits |= missing
	}
	if b.Stale.Has(i) {
		bits |= stale
	}
	out := []uint64{bits}
	eachCell(b, i, func(kind recsys.Kind, _ int, v uint64) {
		if f := math.Float32frombits(uint32(v)); kind != recsys.ID && f != f {
			v = 0x7fc00000
		}
		out = append(out, v)
	})
	return out
}

// show prints a row for a message.
func show(b *recsys.Block, i int) string {
	s := fmt.Sprint("floats ", b.FloatRow(i))
	for j := range b.ID {
		s += fmt.Sprint(", id ", b.ID[j][i])
	}
	for j := range b.Vector {
		s += fmt.Sprint(", vector ", b.VectorAt(j, i))
	}
	if b.Missing.Has(i) {
		s += ", missing"
	}
	if b.Stale.Has(i) {
		s += ", stale"
	}
	return s
}

// name returns the name of column j of a kind and scope.
func (p *probe) name(scope recsys.Scope, kind recsys.Kind, j int) string {
	for _, c := range p.columns {
		if c.Scope == scope && c.Kind == kind {
			if j == 0 {
				return c.Name
			}
			j--
		}
	}
	return "?"
}

// compare returns an error that names the first row in which two blocks of the same call differ.
func compare(what string, a ask, want, got *recsys.Block) error {
	for i := range want.Rows {
		if !slices.Equal(row(want, i), row(got, i)) {
			return fmt.Errorf("%s: row %d of %s is %s; want %s", what, i, a, show(got, i), show(want, i))
		}
	}
	return nil
}
