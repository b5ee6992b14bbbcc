package gbdt_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Each request is answered by one model, whatever is swapped meanwhile, by the new one once Swap has returned, and
// nothing of the models that have gone stays in memory.
func TestSwappedModelsMixNoVersionsAndLeakNothing(t *testing.T) {
	const items, versions, swaps = 60, 5, 1000
	s := shape{features: 6, categorical: 2, rounds: 20, leaves: 15, link: tree.Sigmoid}
	models := make([]*gbdt.Model, versions)
	want := map[string][]float32{} // by version: the heads of each item
	rows := s.rows(rand.New(rand.NewPCG(1, 5)), items)
	data := dataset(s.model(t, 1, true), rows)
	for v := range models {
		buy := reread(t, s.model(t, uint64(100+v), true), gbdt.Options{Heads: []string{"buy"}})
		m, err := gbdt.Combine(s.model(t, uint64(v), true), buy)
		require.NoError(t, err)
		models[v] = m
		want[m.Version()], err = m.Predict(nil, data)
		require.NoError(t, err)
	}
	require.Len(t, want, versions)

	build, served := pipelines(t, data.Floats, data.IDs, want)
	total := func() int64 {
		n := int64(0)
		for _, s := range served {
			n += s.Load()
		}
		return n
	}
	live := recsys.NewLive(build(models[0]))
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			var res recsys.Result
			for i := 0; ctx.Err() == nil; i++ {
				req := &recsys.Request{ID: fmt.Sprint(c, "-", i), K: 20}
				if err := live.RecommendInto(context.Background(), req, &res); err != nil {
					t.Error(err)
					return
				}
				if len(res.Degraded) > 0 {
					t.Errorf("degraded: %v", res.Degraded)
				}
				runtime.Gosched() // else the swaps get their turn by preemption alone
			}
		})
	}
	var before, after runtime.MemStats
	n := swaps
	if testing.Short() || race.Enabled {
		n = 100
	}
	for i := range n {
		if i == n/10 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
		file := encode(t, models[i%versions]) // each swap reads a model of its own, as a server does
		require.NoError(t, live.Swap(t.Context(), build(readBytes(t, file))))
		var res recsys.Result
		now := served[models[i%versions].Version()]
		at := now.Load()
		require.NoError(t, live.RecommendInto(t.Context(), &recsys.Request{ID: fmt.Sprint("swap-", i), K: 20}, &res))
		require.Greater(t, now.Load(), at, "a request after Swap is answered by the new model")
		for at := total(); total() < at+2; { // under load
			runtime.Gosched()
		}
	}
	stop()
	clients.Wait()
	for version, s := range served {
		require.GreaterOrEqual(t, s.Load(), int64(n/versions), "version %s", version)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d slates; heap %d to %d bytes, %d to %d objects", total(), before.HeapAlloc, after.HeapAlloc, before.HeapObjects, after.HeapObjects)
	if after.HeapAlloc > before.HeapAlloc+1<<20 {
		t.Errorf("heap of %d bytes after %d swaps, %d after %d", before.HeapAlloc, n/10, after.HeapAlloc, n)
	}
	if after.HeapObjects > before.HeapObjects+3000 {
		t.Errorf("%d objects after %d swaps, %d after %d", before.HeapObjects, n/10, after.HeapObjects, n)
	}
}

func readBytes(tb testing.TB, file []byte) *gbdt.Model {
	tb.Helper()
	m := new(gbdt.Model)
	_, err := m.ReadFrom(&byteReader{file})
	require.NoError(tb, err)
	return m
}

// byteReader holds nothing but the bytes that are left.
type byteReader struct{ rest []byte }

func (r *byteReader) Read(p []byte) (int, error) {
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if n == 0 && len(p) > 0 {
		return 0, fmt.Errorf("read beyond the model")
	}
	return n, nil
}

// pipelines returns a function that builds a pipeline around a model; its log checks each slate against
// what the model of the version in the record predicts. The counters are of slates, by version.
func pipelines(t *testing.T, floats []float32, ids []uint64, want map[string][]float32) (func(*gbdt.Model) *recsys.Pipeline, map[string]*atomic.Int64) {
	served := map[string]*atomic.Int64{}
	for version := range want {
		served[version] = new(atomic.Int64)
	}
	n := len(ids) / 2
	all := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i := 0; i < n && out.Add(recsys.ItemID(i), 0); i++ {
		}
		return nil
	})
	var columns []recsys.Column
	for j := range 6 {
		c := recsys.Column{Name: fmt.Sprintf("f%d", j)}
		if j >= 4 {
			c.Kind = recsys.ID
		}
		columns = append(columns, c)
	}
	store := recsys.FeatureFunc{Cols: columns, Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i, id := range items {
			copy(out.FloatRow(i), floats[int(id)*4:int(id)*4+4])
			out.ID[0][i], out.ID[1][i] = ids[int(id)*2], ids[int(id)*2+1]
		}
		return nil
	}}
	sink := recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
		found := 0
		for _, v := range x.Versions {
			heads, ok := want[v.Version]
			if !ok {
				continue
			}
			found++
			served[v.Version].Add(1)
			if len(x.Rows) != 20 {
				t.Errorf("a slate of %d rows; want 20", len(x.Rows))
			}
			for _, row := range x.Rows {
				if row.Heads[0] != heads[2*row.Item] || row.Heads[1] != heads[2*row.Item+1] {
					t.Errorf("version %s: item %d has heads %v; want %v", v.Version, row.Item, row.Heads, heads[2*row.Item:2*row.Item+2])
				}
			}
		}
		if found != 1 {
			t.Errorf("%d models among the versions %v", found, x.Versions)
		}
		return nil
	})
	return func(m *gbdt.Model) *recsys.Pipeline {
		p, err := recsys.NewPipeline(
			recsys.Retrieve("all", all, recsys.Quota(n)), recsys.Features(store), recsys.Rank(m), recsys.Log(sink, recsys.LogSlate),
		).Build()
		require.NoError(t, err)
		return p
	}, served
}
