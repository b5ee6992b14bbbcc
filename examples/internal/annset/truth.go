package annset

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Truth finds by comparing all pairs, with the kernels of package vector, the k
// rows of base that score best with each query, best first, equal scores by the
// smaller row. Only rows that allow is true for take part; nil allows all. Lists
// are of length k, or of the number of allowed rows when that is smaller; without
// an allowed row the zero Lists is returned. Under [retrieval.Cosine] base and
// queries must be normalised. done, unless nil, is called with the number of
// queries that have been answered since its last call, by several goroutines.
//
// The answers are the same for any number of workers. The time is that of
// base.Rows × queries.Rows products; it stops when ctx is done.
func Truth(ctx context.Context, base, queries vector.Matrix, metric retrieval.Metric, k, workers int, allow func(row int) bool, done func(int)) (Lists, error) {
	rows := make([]int32, 0, base.Rows)
	for i := range base.Rows {
		if allow == nil || allow(i) {
			rows = append(rows, int32(i))
		}
	}
	width := min(k, len(rows))
	if width <= 0 || queries.Rows == 0 {
		return Lists{}, ctx.Err()
	}
	packed := base
	if allow != nil {
		packed = vector.NewMatrix(len(rows), base.Dim)
		for i, row := range rows {
			copy(packed.Row(i), base.Row(int(row)))
		}
	}
	t := Lists{Width: width, IDs: make([]int32, queries.Rows*width)}
	const block = 16 // queries that share a pass over the rows
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			s := newTruthScan(packed, metric, width)
			for ctx.Err() == nil {
				from := int(next.Add(block)) - block
				if from >= queries.Rows {
					return
				}
				to := min(from+block, queries.Rows)
				s.scan(queries.Slice(from, to))
				for q := from; q < to; q++ {
					for i, best := range s.best[q-from].sorted() {
						t.IDs[q*width+i] = rows[best.row]
					}
				}
				if done != nil {
					done(to - from)
				}
			}
		})
	}
	wg.Wait()
	return t, ctx.Err()
}

// truthScan scores all rows for a few queries at a time, in blocks of rows that
// stay in the cache.
type truthScan struct {
	base   vector.Matrix
	metric retrieval.Metric
	scores []float32
	best   []leaders
}

func newTruthScan(base vector.Matrix, metric retrieval.Metric, k int) *truthScan {
	const bytes = 64 << 10
	s := &truthScan{base: base, metric: metric, scores: make([]float32, max(16, bytes/(4*base.Dim)))}
	s.best = make([]leaders, 16)
	for i := range s.best {
		s.best[i].heap = make([]leader, 0, k)
	}
	return s
}

func (s *truthScan) scan(queries vector.Matrix) {
	for q := range queries.Rows {
		s.best[q].heap = s.best[q].heap[:0]
	}
	for from := 0; from < s.base.Rows; from += len(s.scores) {
		rows := s.base.Slice(from, min(from+len(s.scores), s.base.Rows))
		scores := s.scores[:rows.Rows]
		for q := range queries.Rows {
			score(scores, queries.Row(q), rows, s.metric)
			s.best[q].add(scores, from)
		}
	}
}

// score fills dst with the scores of q and each row, larger for nearer.
func score(dst, q []float32, rows vector.Matrix, metric retrieval.Metric) {
	if metric != retrieval.L2 {
		vector.DotBatch(dst, q, rows)
		return
	}
	vector.L2SqBatch(dst, q, rows)
	for i, d := range dst {
		dst[i] = -d
	}
}

// leader is a row with its score.
type leader struct {
	score float32
	row   int32
}

func (a leader) before(b leader) bool {
	return a.score > b.score || a.score == b.score && a.row < b.row
}

// leaders is the best rows so far as a heap whose root is the worst of them.
type leaders struct{ heap []leader }

// add takes the scores of rows first, first+1, … into account.
func (l *leaders) add(scores []float32, first int) {
	h := l.heap
	for i, x := range scores {
		if len(h) == cap(h) && x <= h[0].score {
			continue // rows come in order, so an equal score comes too late
		}
		if len(h) < cap(h) {
			h = append(h, leader{x, int32(first + i)})
			for c := len(h) - 1; c > 0 && h[(c-1)/2].before(h[c]); c = (c - 1) / 2 {
				h[c], h[(c-1)/2] = h[(c-1)/2], h[c]
			}
			continue
		}
		h[0] = leader{x, int32(first + i)}
		for p, c := 0, 1; c < len(h); p, c = c, 2*c+1 {
			if c+1 < len(h) && h[c].before(h[c+1]) {
				c++
			}
			if h[c].before(h[p]) {
				break
			}
			h[p], h[c] = h[c], h[p]
		}
	}
	l.heap = h
}

// sorted returns the rows, best first, and spoils the heap.
func (l *leaders) sorted() []leader {
	slices.SortFunc(l.heap, func(a, b leader) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return l.heap
}

// Recall returns the share of the true neighbours that were found: of the first k of each
// list of truth, or all when there are fewer, those that are among the ids found for
// that query. found has up to k ids per query, in any order.
func Recall(truth Lists, k int, found [][]int32) float64 {
	k = min(k, truth.Width)
	if k <= 0 || len(found) == 0 {
		return 1
	}
	hits := 0
	for q, ids := range found {
		for _, want := range truth.Row(q)[:k] {
			if slices.Contains(ids, want) {
				hits++
			}
		}
	}
	return float64(hits) / float64(k*len(found))
}
