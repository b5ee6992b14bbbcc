package recsys_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// staticSource proposes a fixed list.
type staticSource struct {
	ids    []recsys.ItemID
	scores []float32
}

func (s *staticSource) Retrieve(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	for i, id := range s.ids {
		if !out.Add(id, s.scores[i]) {
			break
		}
	}
	return nil
}

// tableSource copies rows of a dense table: the fastest source there can be.
type tableSource struct {
	columns []recsys.Column
	rows    []float32
}

func (t *tableSource) Columns() []recsys.Column { return t.columns }
func (t *tableSource) Overwrites() bool         { return true }

func (t *tableSource) Hydrate(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	w := len(t.columns)
	for i, id := range items {
		copy(out.FloatRow(i), t.rows[int(id)*w:])
	}
	return nil
}

// dotRanker is a linear model over all columns.
type dotRanker struct{ w []float32 }

func (d *dotRanker) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = dot(d.w, c.Row(i))
	}
	return nil
}

func dot(w, x []float32) float32 {
	x = x[:len(w)]
	var s0, s1, s2, s3 float32
	j := 0
	for ; j+4 <= len(w); j += 4 {
		s0 += x[j] * w[j]
		s1 += x[j+1] * w[j+1]
		s2 += x[j+2] * w[j+2]
		s3 += x[j+3] * w[j+3]
	}
	for ; j < len(w); j++ {
		s0 += x[j] * w[j]
	}
	return s0 + s1 + s2 + s3
}

const (
	benchItems   = 2000
	benchWidth   = 100
	benchSources = 5
	benchQuota   = 290 // of 2,000 items, five draws of 290 merge to about 1,060 candidates
)

func benchSetup() ([]*staticSource, *tableSource, *dotRanker) {
	r := rand.New(rand.NewPCG(1, 2))
	var sources []*staticSource
	for range benchSources {
		s := &staticSource{}
		for _, id := range r.Perm(benchItems)[:benchQuota] {
			s.ids = append(s.ids, recsys.ItemID(id))
			s.scores = append(s.scores, r.Float32())
		}
		sources = append(sources, s)
	}
	t := &tableSource{rows: make([]float32, benchItems*benchWidth)}
	d := &dotRanker{}
	for i := range t.rows {
		t.rows[i] = r.Float32()
	}
	for j := range benchWidth {
		t.columns = append(t.columns, recsys.Column{Name: fmt.Sprint("f", j)})
		d.w = append(d.w, r.Float32()-0.5)
	}
	return sources, t, d
}

// BenchmarkPipeline compares the pipeline with a loop written by hand that does the
// same: merge by reciprocal rank with ranks and scores per source, top 50, and, for
// model=linear, hydration of 100 columns and a linear model.
func BenchmarkPipeline(b *testing.B) {
	sources, table, ranker := benchSetup()
	for _, model := range []string{"none", "linear"} {
		opts := []recsys.Option{}
		for i, s := range sources {
			opts = append(opts, recsys.Retrieve(fmt.Sprint("s", i), s, recsys.Quota(benchQuota)))
		}
		if model == "linear" {
			opts = append(opts, recsys.Features(table), recsys.Rank(ranker))
		}
		p, err := recsys.NewPipeline(opts...).Build()
		if err != nil {
			b.Fatal(err)
		}
		b.Run("model="+model, func(b *testing.B) {
			req := &recsys.Request{ID: "r", K: 50, Now: time.Unix(1, 0)}
			res := new(recsys.Result)
			h := newHand(sources, table, ranker)
			var out []recsys.ItemID
			ours := func() {
				if err := p.RecommendInto(context.Background(), req, res); err != nil || len(res.Items) != 50 {
					b.Fatal(err, len(res.Items))
				}
			}
			byHand := func() { out = h.recommend(out[:0], 50, model == "linear") }
			sideBySide(b, ours, byHand)
			b.ReportMetric(float64(res.Trace.Merged), "candidates")
			for i, item := range res.Items {
				if item.ID != out[i] {
					b.Fatalf("place %d: pipeline has item %d, the loop %d", i, item.ID, out[i])
				}
			}
			b.ReportMetric(testing.AllocsPerRun(100, ours), "allocs/op")
		})
	}
}

// sideBySide times two functions in turn, so that what disturbs the machine disturbs
// both, and reports the medians and their ratio.
func sideBySide(b *testing.B, ours, theirs func()) {
	for range 100 {
		ours()
		theirs()
	}
	var a, c []float64
	for b.Loop() {
		t0 := time.Now()
		ours()
		t1 := time.Now()
		theirs()
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
}

// hand is what one writes without a library, with care for memory.
type hand struct {
	sources []*staticSource
	table   *tableSource
	ranker  *dotRanker

	slots  []handSlot
	epoch  uint32
	ids    []recsys.ItemID
	masks  []uint64
	ranks  []int32
	recall []float32
	score  []float32
	x      []float32
	heap   []int32
}

type handSlot struct {
	id    recsys.ItemID
	row   int32
	epoch uint32
}

func newHand(s []*staticSource, t *tableSource, d *dotRanker) *hand {
	return &hand{sources: s, table: t, ranker: d, slots: make([]handSlot, 4096)}
}

func (h *hand) recommend(out []recsys.ItemID, k int, model bool) []recsys.ItemID {
	h.epoch++
	h.ids, h.masks, h.ranks, h.recall, h.score = h.ids[:0], h.masks[:0], h.ranks[:0], h.recall[:0], h.score[:0]
	for s, src := range h.sources {
		for rank, id := range src.ids {
			p := uint64(id) * 0x9e3779b97f4a7c15 >> 52
			for h.slots[p].epoch == h.epoch && h.slots[p].id != id {
				p = (p + 1) & 4095
			}
			if h.slots[p].epoch != h.epoch {
				h.slots[p] = handSlot{id, int32(len(h.ids)), h.epoch}
				h.ids, h.masks, h.score = append(h.ids, id), append(h.masks, 0), append(h.score, 0)
				for range h.sources {
					h.ranks, h.recall = append(h.ranks, -1), append(h.recall, 0)
				}
			}
			row := h.slots[p].row
			h.masks[row] |= 1 << s
			h.ranks[int(row)*benchSources+s] = int32(rank)
			h.recall[int(row)*benchSources+s] = src.scores[rank]
			h.score[row] += 1 / float32(61+rank)
		}
	}
	if model {
		if cap(h.x) < len(h.ids)*benchWidth {
			h.x = make([]float32, len(h.ids)*benchWidth)
		}
		for i, id := range h.ids {
			row := h.x[i*benchWidth : (i+1)*benchWidth]
			copy(row, h.table.rows[int(id)*benchWidth:])
		}
		for i := range h.ids {
			h.score[i] = dot(h.ranker.w, h.x[i*benchWidth:(i+1)*benchWidth])
		}
	}
	h.top(k)
	for _, row := range h.heap {
		out = append(out, h.ids[row])
	}
	return out
}

func (h *hand) worse(a, b int32) bool {
	if h.score[a] != h.score[b] {
		return h.score[a] < h.score[b]
	}
	return h.ids[a] > h.ids[b]
}

func (h *hand) top(k int) {
	q := h.heap[:0]
	down := func(q []int32) {
		for p := 0; ; {
			c := 2*p + 1
			if c >= len(q) {
				return
			}
			if c+1 < len(q) && h.worse(q[c+1], q[c]) {
				c++
			}
			if !h.worse(q[c], q[p]) {
				return
			}
			q[p], q[c] = q[c], q[p]
			p = c
		}
	}
	for i := range h.score {
		row := int32(i)
		if len(q) < k {
			q = append(q, row)
			for c := len(q) - 1; c > 0 && h.worse(q[c], q[(c-1)/2]); c = (c - 1) / 2 {
				q[c], q[(c-1)/2] = q[(c-1)/2], q[c]
			}
		} else if h.worse(q[0], row) {
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
