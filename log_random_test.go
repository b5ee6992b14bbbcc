package recsys_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// logGen makes random records that hold what is hard to write down: NaNs with payloads,
// subnormals, infinities, text that is no UTF-8, extreme integers, empty lists.
type logGen struct{ *rand.Rand }

func newLogGen(seed uint64) logGen { return logGen{rand.New(rand.NewPCG(seed, 99))} }

func (g logGen) chance(p float64) bool { return g.Float64() < p }

func (g logGen) float32() float32 {
	switch g.IntN(8) {
	case 0:
		return math.Float32frombits(0x7f800001 | g.Uint32()) // NaN, signalling or not, either sign
	case 1:
		return float32(math.NaN())
	case 2:
		return float32(math.Inf(1 - 2*g.IntN(2)))
	case 3:
		return math.Float32frombits(g.Uint32N(1<<23) | g.Uint32()&(1<<31)) // subnormal or zero
	case 4:
		return 0
	}
	return math.Float32frombits(g.Uint32())
}

func (g logGen) float64() float64 {
	switch g.IntN(6) {
	case 0:
		return math.Float64frombits(0x7ff0000000000001 | g.Uint64())
	case 1:
		return math.NaN()
	case 2:
		return math.Inf(1 - 2*g.IntN(2))
	case 3:
		return float64(g.IntN(3))
	}
	return math.Float64frombits(g.Uint64())
}

func (g logGen) uint64() uint64 {
	switch g.IntN(4) {
	case 0:
		return math.MaxUint64 - g.Uint64N(3)
	case 1:
		return g.Uint64N(3)
	}
	return g.Uint64()
}

func (g logGen) text() string {
	parts := []string{"", "home", `a"b\c`, "\n\r\t\x00\x1f\x7f", "<>&\u2028", "日本語", "\U0001f600", "\xff", "\xed\xa0\x80", "\xc3", "\ufffd", `\udc80`, "\xf0\x9f\x98"}
	s := ""
	for range g.IntN(4) {
		s += parts[g.IntN(len(parts))]
	}
	return s
}

func (g logGen) time() time.Time {
	switch g.IntN(6) {
	case 0:
		return time.Time{}
	case 1:
		return time.Unix(0, 0).UTC()
	case 2:
		return time.Unix(0, math.MinInt64+int64(g.IntN(5))).UTC()
	}
	return time.Unix(0, g.Int64()).UTC()
}

func (g logGen) floats(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = g.float32()
	}
	return v
}

func (g logGen) uints(n int) []uint64 {
	v := make([]uint64, n)
	for i := range v {
		v[i] = g.uint64()
	}
	return v
}

func (g logGen) items() []recsys.ItemID {
	v := make([]recsys.ItemID, g.IntN(4))
	for i := range v {
		v[i] = recsys.ItemID(g.uint64())
	}
	return v
}

// schema returns the schema of a random pipeline: several groups, sources and heads.
func (g logGen) schema(t testing.TB) *recsys.Schema {
	columns := func(prefix string) (out []recsys.Column) {
		for i := range 1 + g.IntN(6) {
			c := recsys.Column{
				Name: fmt.Sprintf("%s%d%s", prefix, i, g.text()), Kind: recsys.Kind(g.IntN(3)), Scope: recsys.Scope(g.IntN(2)),
				MaxAge: time.Duration(g.IntN(2)) * time.Duration(g.Int64()),
			}
			if c.Kind == recsys.Vector {
				c.Dim = 1 + g.IntN(5)
			}
			if c.Kind == recsys.Float && g.chance(0.5) {
				c.Default = new(g.float32())
			}
			out = append(out, c)
		}
		return out
	}
	opts := []recsys.Option{recsys.Context(columns("c")...)}
	for i := range 1 + g.IntN(4) {
		opts = append(opts, recsys.Retrieve(fmt.Sprint("r", i, g.text()), &staticSource{}))
	}
	for i := range g.IntN(4) {
		opts = append(opts, recsys.Features(recsys.FeatureFunc{Cols: columns(fmt.Sprint("f", i, "_")), Func: noFeatures}))
	}
	for i := range g.IntN(3) {
		opts = append(opts, recsys.Rank(logRanker{fmt.Sprint("h", i, g.text())}))
	}
	p, err := recsys.NewPipeline(opts...).Build()
	if err != nil {
		t.Fatal(err)
	}
	return p.Schema()
}

type logRanker struct{ head string }

func (h logRanker) Heads() []string { return []string{h.head} }

func (h logRanker) Rank(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error {
	return nil
}

// layout is what a schema says about the widths of a record.
type logLayout struct{ reqIDs, ids, groups, sources, heads int }

func layoutOf(s *recsys.Schema) (l logLayout, reqDims, dims []int) {
	for _, f := range s.Fields() {
		l.groups = max(l.groups, f.Group+1)
		switch {
		case f.Kind == recsys.ID:
			l.ids++
			if f.Scope == recsys.PerRequest {
				l.reqIDs++
			}
		case f.Kind == recsys.Vector && f.Scope == recsys.PerRequest:
			reqDims = append(reqDims, f.Dim)
		case f.Kind == recsys.Vector:
			dims = append(dims, f.Dim)
		}
	}
	l.sources, l.heads = len(s.Sources()), len(s.Heads())
	return l, reqDims, dims
}

func (g logGen) vectors(dims []int) (out [][]float32) {
	for _, d := range dims {
		out = append(out, g.floats(d))
	}
	return out
}

// exposure returns a random record that fits s; a nil s fits all.
func (g logGen) exposure(s *recsys.Schema) *recsys.Exposure {
	x := &recsys.Exposure{
		ID: g.text(), User: recsys.UserID(g.uint64()), Surface: g.text(), K: g.IntN(100) - 1, Now: g.time(), Seed: g.uint64(),
		Items: g.items(), Exclude: g.items(), Allow: g.items(), Pipeline: g.text(), Level: recsys.LogLevel(g.IntN(2)),
		Schema: s, Explorer: g.text(), Candidates: g.IntN(2000),
	}
	for range g.IntN(3) {
		x.Arms = append(x.Arms, g.text())
		x.Versions = append(x.Versions, recsys.StageVersion{Stage: g.text(), Version: g.text()})
		x.History = append(x.History, recsys.Event{
			Item: recsys.ItemID(g.uint64()), Kind: recsys.EventKind(g.IntN(256)), Value: g.float32(), Time: g.time(),
		})
		d := recsys.Degradation{Stage: g.text(), Reason: recsys.Reason(g.text()), Count: g.IntN(3)}
		if g.chance(0.6) {
			d.Err = errors.New(g.text())
		}
		x.Degraded = append(x.Degraded, d)
	}
	var l logLayout
	var reqDims, dims []int
	width, reqWidth := 3, 1
	if s != nil {
		l, reqDims, dims = layoutOf(s)
		width, reqWidth = s.Width(), s.RequestWidth()
	}
	x.Floats, x.IDs, x.Vectors = g.floats(reqWidth), g.uints(l.reqIDs), g.vectors(reqDims)
	if l.groups > 0 {
		x.Missing, x.Stale = g.uints(1), g.uints(1)
	}
	rows := g.IntN(5)
	x.Shown = g.IntN(rows + 1)
	for i := range rows {
		x.Rows = append(x.Rows, g.row(x, i, l, width, dims))
	}
	return x
}

// explored sets what records of the first files of version 1 do not have.
func (g logGen) explored(x *recsys.Exposure) *recsys.Exposure {
	x.Exploration = recsys.Exploration(g.IntN(3))
	for i := range x.Rows {
		x.Rows[i].PropensityError = g.float64()
	}
	for range g.IntN(3) {
		x.Views = append(x.Views, recsys.StageView{Stage: g.text(), FeatureView: recsys.FeatureView{Name: g.text(), Hash: g.uint64(), Encoders: g.uint64()}})
	}
	if x.Schema == nil {
		return x
	}
	l, _, _ := layoutOf(x.Schema)
	x.Ages = g.floats(l.groups)
	for i := range x.Rows {
		x.Rows[i].Ages = g.floats(l.groups)
	}
	return x
}

func (g logGen) row(x *recsys.Exposure, i int, l logLayout, width int, dims []int) recsys.ExposureRow {
	r := recsys.ExposureRow{
		Item: recsys.ItemID(g.uint64()), Row: g.IntN(1000), Position: i,
		Propensity: g.float64(), Inclusion: g.float64(), Score: g.float32(), Utility: g.float32(),
		Heads: g.floats(l.heads), Sources: g.uint64(),
		Floats: append(append([]float32{}, x.Floats...), g.floats(width-len(x.Floats))...),
		IDs:    append(append([]uint64{}, x.IDs...), g.uints(l.ids-l.reqIDs)...),
	}
	if i >= x.Shown {
		r.Position = -1
	}
	if g.chance(0.2) { // what no pipeline does: other request columns than the record's
		r.Floats, r.IDs = g.floats(width), g.uints(l.ids)
	}
	if g.chance(0.1) {
		r.Floats, r.IDs, r.Heads = nil, nil, nil
	}
	if x.Level == recsys.LogFull {
		r.Vectors, r.Merged, r.Recall = g.vectors(dims), g.float32(), g.floats(l.sources)
		for range l.sources {
			r.Ranks = append(r.Ranks, int32(g.Uint32()))
		}
		r.Missing, r.Stale = g.uint64(), g.uint64()
	}
	return r
}

func (g logGen) feedback() *recsys.Feedback {
	return &recsys.Feedback{
		ID: g.text(), Request: g.text(), User: recsys.UserID(g.uint64()), Item: recsys.ItemID(g.uint64()),
		Kind: recsys.EventKind(g.IntN(256)), Value: g.float32(), Time: g.time(),
	}
}

// firstDifference compares two records to the bit: it returns the path of the first
// difference. Nil and empty slices are equal, errors are their text, schemas what they declare.
func firstDifference(a, b any) string {
	return difference("", reflect.ValueOf(a), reflect.ValueOf(b))
}

func difference(path string, a, b reflect.Value) string {
	unequal := func(same bool) string {
		if same {
			return ""
		}
		return fmt.Sprintf("%s: %v and %v", path, a, b)
	}
	switch x := a.Interface().(type) {
	case time.Time:
		return unequal(x.Equal(b.Interface().(time.Time)))
	case *recsys.Schema:
		y := b.Interface().(*recsys.Schema)
		if x == nil || y == nil {
			return unequal(x == y)
		}
		return unequal(x.Hash() == y.Hash()) + difference(path+".fields", reflect.ValueOf(x.Fields()), reflect.ValueOf(y.Fields())) +
			difference(path+".heads", reflect.ValueOf(x.Heads()), reflect.ValueOf(y.Heads())) +
			difference(path+".sources", reflect.ValueOf(x.Sources()), reflect.ValueOf(y.Sources()))
	case float32:
		return unequal(math.Float32bits(x) == math.Float32bits(b.Interface().(float32)))
	case float64:
		return unequal(math.Float64bits(x) == math.Float64bits(b.Interface().(float64)))
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return unequal(a.IsNil() == b.IsNil())
		}
		return difference(path, a.Elem(), b.Elem())
	case reflect.Interface: // the error of a degradation
		if a.IsNil() || b.IsNil() {
			return unequal(a.IsNil() == b.IsNil())
		}
		return unequal(a.Interface().(error).Error() == b.Interface().(error).Error())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: lengths %d and %d", path, a.Len(), b.Len())
		}
		for i := range a.Len() {
			if d := difference(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Struct:
		for i := range a.NumField() {
			if d := difference(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i)); d != "" {
				return d
			}
		}
		return ""
	}
	return unequal(a.Interface() == b.Interface())
}

func unixSec(s int64) time.Time { return time.Unix(s, 0).UTC() }

func noFeatures(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error { return nil }
