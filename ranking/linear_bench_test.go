package ranking_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

// benchModel returns a model of d float columns whose data miss a share of values.
func benchModel(b *testing.B, d int, gaps float64) (*ranking.Linear, *ranking.Dataset) {
	b.Helper()
	data := problem(1000, d, gaps, 91)
	data.IDColumns, data.IDs = nil, nil
	y, _ := data.LabelColumn(nil, "click")
	data.Heads, data.Labels = []string{"click"}, y
	return train(b, ranking.LinearConfig{Epochs: 1}, data), data
}

func BenchmarkLinearRank(b *testing.B) {
	for _, c := range []struct {
		name  string
		gaps  float64
		apart bool
	}{{"complete", 0, false}, {"apart", 0, true}, {"gaps", 0.01, false}} {
		b.Run(fmt.Sprintf("n=1000/d=100/%s", c.name), func(b *testing.B) {
			m, data := benchModel(b, 100, c.gaps)
			columns := columnsOf(m)
			if c.apart {
				columns = slices.Insert(columns, 50, recsys.Column{Name: "between"})
			}
			s := schemaOf(b, columns...)
			r, table, out := bind(b, m, s), tableOf(s, data), recsys.NewScores(data.Len(), 1)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Rank(ctx, nil, table, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(data.Len()), "ns/candidate")
		})
	}
}

// hydrator copies rows of a dense table.
type hydrator struct {
	columns []recsys.Column
	rows    []float32
}

func (h *hydrator) Columns() []recsys.Column { return h.columns }
func (h *hydrator) Overwrites() bool         { return true }

func (h *hydrator) Hydrate(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	w := len(h.columns)
	for i, id := range items {
		copy(out.FloatRow(i), h.rows[int(id)*w:])
	}
	return nil
}

// BenchmarkPipelineLinear compares a pipeline that hydrates 1,000 candidates with 100 columns, ranks
// them with a Linear model and takes the best 50, with a loop written by hand that does the same
// with a plain weighted sum and no probabilities. The two are timed in turn; ratio is that of the medians.
func BenchmarkPipelineLinear(b *testing.B) {
	const n, d, k = 1000, 100, 50
	m, data := benchModel(b, d, 0)
	h := &hydrator{columns: columnsOf(m), rows: data.Floats}
	ids := make([]recsys.ItemID, n)
	for i, j := range rand.New(rand.NewPCG(1, 1)).Perm(n) {
		ids[i] = recsys.ItemID(j)
	}
	source := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for _, id := range ids {
			out.Add(id, 0)
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("all", source, recsys.Quota(n)), recsys.Features(h), recsys.Rank(m)).Build()
	if err != nil {
		b.Fatal(err)
	}
	req, res := &recsys.Request{ID: "r", K: k, Now: time.Unix(1, 0)}, new(recsys.Result)
	ours := func() {
		if err := p.RecommendInto(context.Background(), req, res); err != nil || len(res.Items) != k {
			b.Fatal(err, len(res.Items))
		}
	}
	w, bias := rawWeights(m)
	byHand := &hand{w: w, bias: bias, rows: data.Floats, x: make([]float32, n*d), score: make([]float32, n)}
	hand := func() { byHand.top(ids, k) }
	for range 50 {
		ours()
		hand()
	}
	for i, item := range res.Items {
		if item.ID != ids[byHand.heap[i]] {
			b.Fatalf("place %d: pipeline has item %d, the loop %d", i, item.ID, ids[byHand.heap[i]])
		}
	}
	var a, c []float64
	for b.Loop() {
		t0 := time.Now()
		ours()
		t1 := time.Now()
		hand()
		t2 := time.Now()
		a, c = append(a, float64(t1.Sub(t0))), append(c, float64(t2.Sub(t1)))
	}
	slices.Sort(a)
	slices.Sort(c)
	x, y := a[len(a)/2], c[len(c)/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(x/1e3, "µs/ours")
	b.ReportMetric(y/1e3, "µs/hand")
	b.ReportMetric(x/y, "ratio")
	b.ReportMetric(testing.AllocsPerRun(100, ours), "allocs/op")
}

// rawWeights returns the weights of a model without standardisation.
func rawWeights(m *ranking.Linear) (w []float32, bias float32) {
	z, _ := m.Intercept("click")
	coefficients, _ := m.Coefficients("click")
	for _, c := range coefficients {
		w = append(w, float32(c.Weight/c.Scale))
		z -= c.Weight / c.Scale * c.Mean
	}
	return w, float32(z)
}

// hand hydrates, scores and takes the best, as one writes it for one model, with care for memory.
type hand struct {
	w              []float32
	bias           float32
	rows, x, score []float32
	heap           []int32
}

func (h *hand) top(ids []recsys.ItemID, k int) {
	d := len(h.w)
	for i, id := range ids {
		copy(h.x[i*d:(i+1)*d], h.rows[int(id)*d:])
	}
	for i := range ids {
		x := h.x[i*d : (i+1)*d]
		var s0, s1, s2, s3 float32
		j := 0
		for ; j+4 <= d; j += 4 {
			s0 += x[j] * h.w[j]
			s1 += x[j+1] * h.w[j+1]
			s2 += x[j+2] * h.w[j+2]
			s3 += x[j+3] * h.w[j+3]
		}
		h.score[i] = h.bias + s0 + s1 + s2 + s3
	}
	worse := func(a, b int32) bool {
		if h.score[a] != h.score[b] {
			return h.score[a] < h.score[b]
		}
		return ids[a] > ids[b]
	}
	q := h.heap[:0]
	down := func(q []int32) {
		for p := 0; ; {
			c := 2*p + 1
			if c >= len(q) {
				return
			}
			if c+1 < len(q) && worse(q[c+1], q[c]) {
				c++
			}
			if !worse(q[c], q[p]) {
				return
			}
			q[p], q[c] = q[c], q[p]
			p = c
		}
	}
	for i := range ids {
		row := int32(i)
		if len(q) < k {
			q = append(q, row)
			for c := len(q) - 1; c > 0 && worse(q[c], q[(c-1)/2]); c = (c - 1) / 2 {
				q[c], q[(c-1)/2] = q[(c-1)/2], q[c]
			}
		} else if worse(q[0], row) {
			q[0] = row
			down(q)
		}
	}
	for n := len(q) - 1; n > 0; n-- {
		q[0], q[n] = q[n], q[0]
		down(q[:n])
	}
	h.heap = q
}

func BenchmarkTrainLinear(b *testing.B) {
	data := problem(20_000, 100, 0, 92)
	for _, o := range []ranking.Optimizer{ranking.AdaGrad, ranking.FTRL} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=20000/d=100/heads=2/%v/workers=%d", o, workers), func(b *testing.B) {
				cfg := ranking.LinearConfig{Optimizer: o, Epochs: 1, Workers: workers, Tolerance: math.SmallestNonzeroFloat64}
				for b.Loop() {
					train(b, cfg, data)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(data.Len()), "ns/row")
			})
		}
	}
}
