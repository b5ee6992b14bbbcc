package itemsim_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// columns returns the weights to the items first to first+count-1, one after the other.
func (d dense) columns(first, count int) (columns []float32) {
	for j := first; j < first+count; j++ {
		for i := range d {
			columns = append(columns, d[i][j])
		}
	}
	return columns
}

// whole returns a model of dense weights.
func (d dense) whole(t testing.TB, spec itemsim.Spec) *itemsim.Model {
	t.Helper()
	w := itemsim.NewDense(len(d))
	for first := 0; first < len(d); first += 700 {
		count := min(700, len(d)-first)
		w.SetColumns(first, count, d.columns(first, count))
	}
	m, err := itemsim.FromDense(d.items(), w, spec)
	require.NoError(t, err)
	return m
}

// either returns a model of dense weights or of sparse ones.
func (d dense) either(t testing.TB, spec itemsim.Spec, whole bool) *itemsim.Model {
	if whole {
		return d.whole(t, spec)
	}
	return d.model(t, spec)
}

// Weights of few bits, which no form rounds: both models are one.
func TestDenseWeightsServeAsSparseOnesDo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{0, 1, 2, 31, 33, 300, 1023, 1025, 2100} {
		d := random(6, n)
		sparse, whole := d.model(t, itemsim.Spec{}), d.whole(t, itemsim.Spec{})
		require.Equal(t, sparse.Weights(), whole.Weights())
		if n == 0 {
			continue
		}
		for range 3 { // and with other items
			for range 5 {
				req := recsys.Request{K: 1}
				for range rnd.IntN(6) {
					req.History = append(req.History, clicks(recsys.ItemID(3*rnd.IntN(n)))...)
				}
				require.Equal(t, scores(t, sparse, req), scores(t, whole, req))
				ids, values := serve(t, sparse, req, 1+rnd.IntN(n))
				gotIDs, gotValues := serve(t, whole, req, max(1, len(ids)))
				require.Equal(t, ids, gotIDs[:len(ids)])
				require.Equal(t, values, gotValues[:len(ids)])
				item := recsys.ItemID(3 * rnd.IntN(n))
				require.Equal(t, explain(t, sparse, req, item), explain(t, whole, req, item))
				require.Equal(t, sparse.Neighbors(nil, item, 9), whole.Neighbors(nil, item, 9))
			}
			u := itemsim.Update{Item: recsys.ItemID(rnd.IntN(3 * n)), Proposes: []itemsim.Neighbor{{Item: 0, Weight: 2}}}
			var err error
			sparse, err = sparse.WithItems(u)
			require.NoError(t, err)
			whole, err = whole.WithItems(u)
			require.NoError(t, err)
		}
	}
}

func TestDenseWeightsAreRoundedToEightBits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	d := make(dense, 50)
	for i := range d {
		for range d {
			d[i] = append(d[i], float32(math.Exp(20*rnd.NormFloat64()))*float32(1-2*rnd.IntN(2)))
		}
	}
	w := itemsim.NewDense(50)
	w.SetColumns(0, 50, d.columns(0, 50))
	for i := range d {
		for j, x := range d[i] {
			require.InDelta(t, x, w.At(i, j), math.Abs(float64(x))/256)
		}
	}
	require.EqualValues(t, 5000, itemsim.DenseBytes(50))
}

func TestDenseWeightsThatAreRefused(t *testing.T) {
	two := []recsys.ItemID{1, 2}
	_, err := itemsim.FromDense(two, nil, itemsim.Spec{})
	require.ErrorContains(t, err, "weights are nil")
	_, err = itemsim.FromDense(two[:1], itemsim.NewDense(2), itemsim.Spec{})
	require.ErrorContains(t, err, "weights of 2 × 2 items; want 1 × 1")
	_, err = itemsim.FromDense(two, itemsim.NewDense(2), itemsim.Spec{Config: func() {}})
	require.ErrorContains(t, err, "Spec.Config")
	for _, x := range []float64{math.NaN(), math.Inf(-1), math.MaxFloat32} { // the last one is rounded up
		w := itemsim.NewDense(2)
		w.SetColumns(1, 1, []float32{float32(x), 0})
		_, err = itemsim.FromDense(two, w, itemsim.Spec{})
		require.ErrorContains(t, err, "the weight from item 1 to item 2 is")
	}
	require.Panics(t, func() { itemsim.NewDense(2).SetColumns(1, 2, make([]float32, 4)) })
}

func TestDenseFileRoundTrip(t *testing.T) {
	d := random(8, 60)
	m := d.whole(t, itemsim.Spec{Trainer: "ease"})
	changed, err := m.WithItems(itemsim.Update{Item: 4, ProposedBy: []itemsim.Neighbor{{Item: 9, Weight: 5}}}, itemsim.Update{Item: 9})
	require.NoError(t, err)
	for _, m := range []*itemsim.Model{m, changed} {
		path := filepath.Join(t.TempDir(), "model")
		require.NoError(t, m.Save(path))
		back, err := itemsim.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.Weights(), back.Weights())
		req := recsys.Request{History: clicks(9, 30, 4)}
		require.Equal(t, scores(t, m, req), scores(t, back, req))
	}
	require.NotEqual(t, m.Version(), changed.Version())
}

// A file of version 2 stays readable. Written with: go test -run Version2 -update
func TestVersion2StaysReadable(t *testing.T) {
	const path = "testdata/v2.itemsim"
	m, err := random(8, 10).whole(t, specs(10)[1]).WithItems(itemsim.Update{Item: 4, Proposes: []itemsim.Neighbor{{Item: 9, Weight: 5}}})
	require.NoError(t, err)
	if *update {
		require.NoError(t, m.Save(path))
	}
	old, err := itemsim.Load(path)
	require.NoError(t, err)
	require.Equal(t, m.Version(), old.Version(), "written again, it has the same bytes")
	require.Equal(t, m.Weights(), old.Weights())
}

// denseFile is a file of dense parts that need not fit together.
func denseFile(n int64, base []int32, codes []uint16, from1 ...int32) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "itemsim", 2, 0)
	w.WriteJSON("model", raw(`{"Trainer":"","Config":null,"History":{},"Damping":"linear"}`))
	envelope.Write(w, "items", []recsys.ItemID{1, 2})
	envelope.Write(w, "saturation", []float32(nil))
	rest := int64(len(from1))
	envelope.Write(w, "start", []int64{0, rest, rest})
	envelope.Write(w, "index", from1)
	envelope.Write(w, "weight", make([]float32, rest))
	envelope.WriteValue(w, "dense-items", n)
	envelope.Write(w, "base", base)
	envelope.Write(w, "dense", codes)
	w.Close()
	return b.Bytes()
}

func TestReadFromRefusesDensePartsThatContradictEachOther(t *testing.T) {
	for want, data := range map[string][]byte{
		"3 dense weights of 2 items":        denseFile(2, nil, make([]uint16, 3)),
		"0 dense weights of -1 items":       denseFile(-1, nil, nil),
		"dense weights of 4294967296":       denseFile(1<<32, nil, nil),
		"weights of 1 × 1 items":            denseFile(1, nil, make([]uint16, 1)),
		"dense rows of 1 items; want 2":     denseFile(1, []int32{0}, make([]uint16, 1)),
		"two weights from item 1 to item 2": denseFile(2, nil, make([]uint16, 4), 1),
		"dense row 0 of item 2 is":          denseFile(2, []int32{0, 0}, make([]uint16, 4)),
		"dense row 2 of item 1 is":          denseFile(2, []int32{2, 0}, make([]uint16, 4)),
		"dense row -2 of item 1 is":         denseFile(2, []int32{-2, 0}, make([]uint16, 4)),
		"from item 1 to item 2 is +Inf":     denseFile(2, nil, []uint16{0, 0x7f80, 0, 0}),
		"from item 2 to item 1 is NaN":      denseFile(2, []int32{1, 0}, []uint16{0, 0xffc0, 0, 0}),
		"from item 0 to item 2 is NaN; wa":  denseFile(2, []int32{-1, 1}, []uint16{0, 0xffc0, 0, 0}),
	} {
		_, err := new(itemsim.Model).ReadFrom(bytes.NewReader(data))
		require.ErrorIs(t, err, envelope.ErrCorrupt, want)
		require.ErrorContains(t, err, want)
	}
}

// The weights of a large model take four times its memory, and nothing must grow towards them.
func TestWeightsOfADenseModelAreCountedFirst(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector takes memory of its own")
	}
	const n = 1100 // beyond a tile
	d, column, items := itemsim.NewDense(n), make([]float32, n), make([]recsys.ItemID, n)
	for j := range n {
		for i := range column {
			column[i] = float32(1 + (i+j)%3)
		}
		d.SetColumns(j, 1, column)
		items[j] = recsys.ItemID(2 * j)
	}
	m, err := itemsim.FromDense(items, d, itemsim.Spec{})
	require.NoError(t, err)
	m, err = m.WithItems(itemsim.Update{Item: 7, ProposedBy: []itemsim.Neighbor{{Item: 2198, Weight: 5}}})
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := m.Weights()
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(5*itemsim.DenseBytes(n)))
	to, weights := w.Row(n) // the last, of item 2198
	require.Len(t, to, n+1)
	require.Equal(t, []float32{2, 3, 1, 2, 5, 3}, weights[:6])
}

func TestDenseConformance(t *testing.T) {
	spec := itemsim.Spec{}
	for name, change := range map[string][]itemsim.Update{"trained": nil, "updated": {{Item: 4}, {Item: 9}}} {
		t.Run(name, func(t *testing.T) {
			retrievaltest.Suite{
				Requests: []recsys.Request{
					{User: 1, History: clicks(0, 9, 21)},
					{User: 2, Items: []recsys.ItemID{12}},
					{User: 99999, History: clicks(15, 30)},
				},
				Empty: func() recsys.Retriever { return dense{}.whole(t, spec) },
			}.Run(t, func(t *testing.T) recsys.Retriever {
				m, err := random(3, 60).whole(t, spec).WithItems(change...)
				require.NoError(t, err)
				return m
			})
		})
	}
}

func TestServingDenseWeightsDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	trained := random(9, 1500).whole(t, itemsim.Spec{})
	updated, err := trained.WithItems(itemsim.Update{Item: 7})
	require.NoError(t, err)
	for _, m := range []*itemsim.Model{trained, updated} {
		p, err := recsys.NewPipeline(recsys.Retrieve("m", m, recsys.Quota(200))).Build()
		require.NoError(t, err)
		req := recsys.Request{ID: "a", K: 20, History: slices.Repeat(clicks(0, 3, 7, 9), 5), Exclude: []recsys.ItemID{3, 6}}
		var res recsys.Result
		run := func() { require.NoError(t, p.RecommendInto(context.Background(), &req, &res)) }
		run()
		require.Zero(t, testing.AllocsPerRun(50, run))
		q := recsys.NewQuery(&req, nil, "x")
		list := m.Neighbors(nil, 3, 10)
		require.Zero(t, testing.AllocsPerRun(50, func() { list = m.Neighbors(list[:0], 3, 10) }))
		why, err := m.Explain(nil, q, 300)
		require.NoError(t, err)
		require.Zero(t, testing.AllocsPerRun(50, func() { why, _ = m.Explain(why[:0], q, 300) }))
	}
}

func FuzzReadDense(f *testing.F) {
	f.Add(int64(2), []byte{0, 0, 0, 0, 1, 0, 0, 0}, []byte{0, 0, 0x80, 0x3f, 0, 0x40, 0, 0})
	f.Add(int64(1<<31), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, n int64, base, codes []byte) {
		var b []int32
		for ; len(base) >= 4; base = base[4:] {
			b = append(b, int32(uint32(base[0])|uint32(base[1])<<8|uint32(base[2])<<16|uint32(base[3])<<24))
		}
		var c []uint16
		for ; len(codes) >= 2; codes = codes[2:] {
			c = append(c, uint16(codes[0])|uint16(codes[1])<<8)
		}
		data := denseFile(n, b, c)
		var m itemsim.Model
		if _, err := m.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		req := recsys.Request{History: clicks(1, 2)}
		require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), recsys.NewSink(5)))
		var again bytes.Buffer
		_, err := m.WriteTo(&again)
		require.NoError(t, err)
		require.Equal(t, data, again.Bytes())
	})
}
