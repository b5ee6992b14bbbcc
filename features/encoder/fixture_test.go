package encoder_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/encoder"
)

func isNoData(err error) bool { return errors.Is(err, encoder.ErrNoData) }

// inputs are columns of all kinds in both scopes.
var inputs = slices.Concat([]recsys.Column{
	{Name: "price"},
	{Name: "clicks"},
	{Name: "shown"},
	{Name: "unread", Kind: recsys.Vector, Dim: 5},
	{Name: "creator", Kind: recsys.ID},
	{Name: "published", Kind: recsys.ID},
	{Name: "vector", Kind: recsys.Vector, Dim: 3},
	{Name: "words", Kind: recsys.Vector, Dim: 4},
	{Name: "word.weights", Kind: recsys.Vector, Dim: 4},
	{Name: "age", Scope: recsys.PerRequest},
	{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest},
	{Name: "taste", Kind: recsys.Vector, Dim: 2, Scope: recsys.PerRequest},
}, encoder.List("tags", 3))

func table(t testing.TB, ids []uint64, rows, dim int) *encoder.Table {
	rng := rand.New(rand.NewPCG(uint64(rows), 3))
	data := make([]float32, rows*dim)
	for i := range data {
		data[i] = float32(rng.IntN(1<<20)-1<<19) / (1 << 18)
	}
	table, err := encoder.NewTable(ids, data, dim)
	require.NoError(t, err)
	return table
}

// steps uses every encoder, in both scopes, shown and hidden.
func steps(t testing.TB) []encoder.Step {
	words, tags := table(t, nil, 30, 4), table(t, []uint64{1, 2, 3, 5, 8, 13, 1 << 60}, 7, 2)
	tagNames := encoder.Names(encoder.List("tags", 3))
	return []encoder.Step{
		{Name: "price.log", From: []string{"price"}, Encoder: encoder.Log1p{Max: 1e6}},
		{Name: "vector.log", From: []string{"vector"}, Encoder: encoder.Log1p{}},
		{Name: "price.standard", From: []string{"price"}, Encoder: encoder.Standard{Clip: 3}},
		{Name: "price.log.standard", From: []string{"price.log"}, Encoder: encoder.Standard{}},
		{Name: "vector.minmax", From: []string{"vector"}, Encoder: encoder.MinMax{}},
		{Name: "vector.robust", From: []string{"vector"}, Encoder: encoder.Robust{Clip: 10}},
		{Name: "taste.standard", From: []string{"taste"}, Encoder: encoder.Standard{Mean: []float64{0, 1}, Deviation: []float64{1, 3}}},
		{Name: "price.level", From: []string{"price"}, Encoder: encoder.Buckets{Count: 8}},
		{Name: "age.level", From: []string{"age"}, Encoder: encoder.Buckets{Boundaries: []float32{18, 30, 50}}, Hidden: true},
		{Name: "creator.hash", From: []string{"creator"}, Encoder: encoder.Hash{Buckets: 100, Seed: 7}},
		{Name: "country×age", From: []string{"country", "age.level"}, Encoder: encoder.Cross{Buckets: 50}, Hidden: true},
		{Name: "country×age×level", From: []string{"country×age", "price.level"}, Encoder: encoder.Cross{Buckets: 30, Seed: 1}, Hidden: true},
		{Name: "crossed", From: []string{"country×age×level"}, Encoder: encoder.Embedding{Table: words}},
		{Name: "creator.one", From: []string{"creator"}, Encoder: encoder.OneHot{Max: 4, Other: true}},
		{Name: "tags.many", From: tagNames, Encoder: encoder.MultiHot{Max: 6}},
		{Name: "words.many", From: []string{"words"}, Encoder: encoder.MultiHot{Buckets: 7, Seed: 2}},
		{Name: "hour", Encoder: encoder.Cyclic{Offset: time.Hour}},
		{Name: "weekday", Encoder: encoder.Cyclic{Period: encoder.Week, Offset: time.Hour}},
		{Name: "season", From: []string{"published"}, Encoder: encoder.Cyclic{Period: encoder.Year}},
		{Name: "ctr", From: []string{"clicks", "shown"}, Encoder: encoder.Rate{}},
		{Name: "creator.vector", From: []string{"creator"}, Encoder: encoder.Embedding{Table: tags, Unknown: encoder.UnknownMean}},
		{Name: "tags.mean", From: tagNames, Encoder: encoder.Pooling{Table: tags}},
		{Name: "tags.max", From: tagNames, Encoder: encoder.Pooling{Table: tags, Pool: encoder.PoolMax, Unknown: encoder.UnknownRow, UnknownID: 13}},
		{Name: "words.sum", From: []string{"words"}, Encoder: encoder.Pooling{Table: words, Pool: encoder.PoolSum}},
		{Name: "words.weighted", From: []string{"words", "word.weights"}, Encoder: encoder.Pooling{Table: words, Weighted: true}},
	}
}

// odd returns a number, one time in four one of those that go wrong.
func odd(rng *rand.Rand) float32 {
	if rng.IntN(4) == 0 {
		return []float32{
			float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1)),
			math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -1, 1e9,
		}[rng.IntN(10)]
	}
	return float32(rng.IntN(1<<20)-1<<19) / (1 << 14)
}

// random returns rows of the inputs with all that can be met: NaN, ±Inf, unknown and missing IDs.
// Request columns and the time have one value for all rows.
func random(n int, seed uint64) *encoder.Rows {
	rng := rand.New(rand.NewPCG(seed, 5))
	r := encoder.NewRows(inputs, n)
	now := int64(rng.Uint64N(3e18)) - 1e18
	for i, c := range inputs {
		v, same := &r.Values[i], c.Scope == recsys.PerRequest
		for at := range v.Floats {
			switch {
			case same && at >= max(c.Dim, 1):
				v.Floats[at] = v.Floats[at%max(c.Dim, 1)]
			case c.Name == "words":
				v.Floats[at] = []float32{0, 0, 1, 2, 7, 30, 31, 32, 2.5, -1, 1e9, float32(math.NaN())}[rng.IntN(12)]
			case c.Name == "shown":
				v.Floats[at] = float32(rng.IntN(100))
			case c.Name == "clicks":
				v.Floats[at] = float32(rng.IntN(20))
			default:
				v.Floats[at] = odd(rng)
			}
			if (c.Name == "shown" || c.Name == "clicks") && rng.IntN(8) == 0 {
				v.Floats[at] = odd(rng)
			}
		}
		for at := range v.IDs {
			switch {
			case same && at > 0:
				v.IDs[at] = v.IDs[0]
			case c.Name == "published":
				v.IDs[at] = rng.Uint64N(4e9) - 1e9
				if rng.IntN(10) == 0 {
					v.IDs[at] = rng.Uint64()
				}
			case rng.IntN(5) == 0:
				v.IDs[at] = rng.Uint64()
			default:
				v.IDs[at] = rng.Uint64N(15)
			}
		}
	}
	for range n {
		r.Time = append(r.Time, now)
	}
	return r
}

// fitted returns a set of all steps, fitted on random rows.
func fitted(t testing.TB) *encoder.Set {
	t.Helper()
	set, err := encoder.NewSet(encoder.Config{Name: "all", Inputs: inputs, Steps: steps(t)})
	require.NoError(t, err)
	set, err = set.Fit(t.Context(), encoder.One(random(700, 1), random(300, 2)), encoder.FitConfig{})
	require.NoError(t, err)
	return set
}

// apply encodes rows into new ones.
func apply(t testing.TB, set *encoder.Set, rows *encoder.Rows) *encoder.Rows {
	t.Helper()
	out := encoder.NewRows(set.Columns(), rows.Len)
	require.NoError(t, set.Apply(t.Context(), out, rows))
	return out
}

// bitsOf returns the values of column i in row r as bits.
func bitsOf(rows *encoder.Rows, i, r int) []uint64 {
	if rows.Columns[i].Kind == recsys.ID {
		return rows.Values[i].IDs[r : r+1]
	}
	d := max(rows.Columns[i].Dim, 1)
	var all []uint64
	for _, x := range rows.Values[i].Floats[r*d : (r+1)*d] {
		all = append(all, uint64(math.Float32bits(x)))
	}
	return all
}

// single runs one step over rows whose columns are made from the values.
func single(t testing.TB, e encoder.Encoder, columns []recsys.Column, values ...encoder.Values) *encoder.Rows {
	t.Helper()
	set, err := encoder.NewSet(encoder.Config{Inputs: columns, Steps: []encoder.Step{{Name: "out", From: encoder.Names(columns), Encoder: e}}})
	require.NoError(t, err)
	n := max(len(values[0].Floats)/max(columns[0].Dim, 1), len(values[0].IDs))
	rows := &encoder.Rows{Len: n, Columns: columns, Values: values}
	if !set.Fitted() {
		set, err = set.Fit(t.Context(), encoder.One(rows), encoder.FitConfig{})
		require.NoError(t, err)
	}
	return apply(t, set, rows)
}

func floats(x ...float32) encoder.Values { return encoder.Values{Floats: x} }
func ids(x ...uint64) encoder.Values     { return encoder.Values{IDs: x} }
