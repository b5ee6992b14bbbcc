package flat_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// benchSets are what is searched. The first is real: factors of an implicit matrix
// factorisation. In the second all norms are equal, so that nothing but the codes helps.
var benchSets = []struct {
	name string
	load func(b *testing.B) (base, queries vector.Matrix)
}{
	{"gowalla", func(b *testing.B) (base, queries vector.Matrix) {
		return readFvecs(b, "base.fvecs"), readFvecs(b, "query.fvecs")
	}},
	{"sphere", func(*testing.B) (base, queries vector.Matrix) {
		rng := rand.New(rand.NewPCG(1, 1))
		base, queries = vector.NewMatrix(100_000, 64), vector.NewMatrix(500, 64)
		for _, m := range []vector.Matrix{base, queries} {
			each(m, func(int, int) float64 { return rng.NormFloat64() })
			for i := range m.Rows {
				vector.Normalize(m.Row(i))
			}
		}
		return base, queries
	}},
}

func readFvecs(tb testing.TB, name string) vector.Matrix {
	tb.Helper()
	src := bufio.NewReader(reference.Open(tb, "data", "ann-gowalla", name))
	var m vector.Matrix
	for {
		var dim uint32
		if err := binary.Read(src, binary.LittleEndian, &dim); errors.Is(err, io.EOF) {
			return m
		} else if err != nil {
			tb.Fatal(err)
		}
		row := make([]byte, 4*dim)
		if _, err := io.ReadFull(src, row); err != nil {
			tb.Fatal(err)
		}
		for ; len(row) > 0; row = row[4:] {
			m.Data = append(m.Data, math.Float32frombits(binary.LittleEndian.Uint32(row)))
		}
		m.Rows, m.Dim, m.Stride = m.Rows+1, int(dim), int(dim)
	}
}

// forBench runs a benchmark for each set and quantisation.
func forBench(b *testing.B, run func(b *testing.B, x *flat.Index, queries vector.Matrix)) {
	for _, set := range benchSets {
		b.Run("set="+set.name, func(b *testing.B) {
			base, queries := set.load(b)
			items := make([]recsys.ItemID, base.Rows)
			for i := range items {
				items[i] = recsys.ItemID(i)
			}
			for _, quantize := range quantizes {
				x, err := flat.New(flat.Config{Quantize: quantize}, items, base)
				if err != nil {
					b.Fatal(err)
				}
				b.Run("quantize="+quantize.String(), func(b *testing.B) { run(b, x, queries) })
			}
		})
	}
}

func benchSearch(b *testing.B, x *flat.Index, queries vector.Matrix, opt retrieval.SearchOptions) {
	var dst []retrieval.Neighbor
	var stats retrieval.SearchStats
	scored, i := 0, 0
	opt.Stats = &stats
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = x.Search(dst[:0], queries.Row(i%queries.Rows), 10, opt); err != nil {
			b.Fatal(err)
		}
		scored += stats.Scored
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "qps")
	b.ReportMetric(float64(scored)/float64(i), "rows/op")
}

func BenchmarkSearch(b *testing.B) {
	forBench(b, func(b *testing.B, x *flat.Index, queries vector.Matrix) {
		benchSearch(b, x, queries, retrieval.SearchOptions{})
	})
}

func BenchmarkSearchFiltered(b *testing.B) {
	forBench(b, func(b *testing.B, x *flat.Index, queries vector.Matrix) {
		for _, percent := range []float64{50, 35, 10, 1, 0.1} {
			filter := retrieval.Where(func(item recsys.ItemID) bool {
				return float64(uint64(item)*0x9e3779b97f4a7c15>>11) < percent/100*(1<<53)
			})
			b.Run(fmt.Sprintf("percent=%v", percent), func(b *testing.B) {
				benchSearch(b, x, queries, retrieval.SearchOptions{Filter: filter})
			})
		}
	})
}

func BenchmarkSearchBatch(b *testing.B) {
	forBench(b, func(b *testing.B, x *flat.Index, queries vector.Matrix) {
		queries = queries.Slice(0, 64)
		var dst [][]retrieval.Neighbor
		n := 0
		for b.Loop() {
			var err error
			if dst, err = x.SearchBatch(dst, queries, 10, retrieval.SearchOptions{}); err != nil {
				b.Fatal(err)
			}
			n += queries.Rows
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "qps")
	})
}

func BenchmarkOpen(b *testing.B) {
	base, _ := benchSets[0].load(b)
	items := make([]recsys.ItemID, base.Rows)
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	x, err := flat.New(flat.Config{}, items, base)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "x.flat")
	if err := x.Save(path); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		x, err := flat.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		x.Close()
	}
}
