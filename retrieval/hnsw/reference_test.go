package hnsw_test

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// matrix reads rows of float32 from a reference file, each behind head bytes.
func matrix(t *testing.T, dim, head int, elem ...string) vector.Matrix {
	t.Helper()
	raw, err := os.ReadFile(reference.Dir(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	size := head + 4*dim
	if len(raw) == 0 || len(raw)%size != 0 {
		t.Fatalf("%v: %d bytes are not rows of %d", elem, len(raw), size)
	}
	m := vector.NewMatrix(len(raw)/size, dim)
	for i := range m.Rows {
		for j := range dim {
			m.Row(i)[j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[i*size+head+4*j:]))
		}
	}
	return m
}

// numbered gives the vectors the items 0, 1, ….
func numbered(vectors, queries vector.Matrix) *catalogue {
	c := &catalogue{vectors: vectors, queries: queries}
	for i := range vectors.Rows {
		c.items = append(c.items, recsys.ItemID(i))
	}
	return c
}

// Item factors of implicit ALS on the Gowalla check-ins, users as queries. The bounds are a
// point, at most, below what was measured.
func TestRecallOnGowalla(t *testing.T) {
	race.SkipSequential(t)
	if testing.Short() {
		t.Skip("short: builds 41,000 items")
	}
	base := matrix(t, 64, 4, "data", "ann-gowalla", "base.fvecs")
	queries := matrix(t, 64, 4, "data", "ann-gowalla", "query.fvecs")
	c := numbered(base, queries.Slice(0, 200))
	x := c.build(t, hnsw.Config{})
	for effort, want := range map[int]float64{10: 0.96, 16: 0.98, 64: 0.998} {
		got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Effort: effort}, all)
		t.Logf("effort %d: recall %.4f", effort, got)
		if plan != "walk" || got < want {
			t.Errorf("effort %d: recall is %.4f (%s); want >= %v", effort, got, plan, want)
		}
	}
	if n := x.Unreachable(); n > 0 {
		t.Errorf("%d of %d items cannot be reached", n, x.Len())
	}
}

// Item embeddings of a sequence model on the Beauty reviews.
func TestRecallOnBeauty(t *testing.T) {
	race.SkipSequential(t)
	base := matrix(t, 64, 0, "data", "ann-beauty", "items_12103x64.f32")
	queries := matrix(t, 64, 0, "data", "ann-beauty", "queries_2000x64.f32")
	c := numbered(base.Slice(1, 12102), queries.Slice(0, 200))
	x := c.build(t, hnsw.Config{})
	for effort, want := range map[int]float64{16: 0.80, 64: 0.97} {
		got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Effort: effort}, all)
		t.Logf("effort %d: recall %.4f", effort, got)
		if plan != "walk" || got < want {
			t.Errorf("effort %d: recall is %.4f (%s); want >= %v", effort, got, plan, want)
		}
	}
	if n := x.Unreachable(); n > 0 {
		t.Errorf("%d of %d items cannot be reached", n, x.Len())
	}
}
