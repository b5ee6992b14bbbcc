package retrievaltest_test

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func searchFaults() []indexFault {
	return []indexFault{
		{name: "describes-itself", what: "another dimension", build: of(func() mutant { return mutant{dim: 1} })},
		{name: "nearest", what: "second best first", build: answered(func(_ *retrievaltest.Exact, f []neighbor) []neighbor {
			if len(f) > 1 {
				f[0], f[1] = f[1], f[0]
			}
			return f
		})},
		{name: "nearest", what: "rounded scores", build: answered(func(_ *retrievaltest.Exact, f []neighbor) []neighbor {
			for i := range f {
				f[i].Score = math.Float32frombits(math.Float32bits(f[i].Score) &^ 1)
			}
			return f
		})},
		{name: "nearest", what: "misses the best", build: searching(missing(1)), suite: func(s *retrievaltest.IndexSuite) { s.Recall = 0.95 }},
		{name: "ties", what: "larger items first", build: answered(func(_ *retrievaltest.Exact, f []neighbor) []neighbor {
			slices.SortStableFunc(f, func(a, b neighbor) int {
				switch {
				case a.Score != b.Score:
					return 0
				case a.Item > b.Item:
					return -1
				}
				return 1
			})
			return f
		})},
		{name: "ties", what: "an item twice", build: answered(func(_ *retrievaltest.Exact, f []neighbor) []neighbor {
			if n := len(f); n > 1 {
				f[n-1] = f[n-2]
			}
			return f
		}), suite: func(s *retrievaltest.IndexSuite) { s.Recall = 0.1 }},
		{name: "zero-vectors", what: "NaN for a zero vector", build: answered(func(x *retrievaltest.Exact, f []neighbor) []neighbor {
			for i := range f {
				if f[i].Score == 0 && x.Metric() == retrieval.Cosine {
					f[i].Score = float32(math.NaN())
				}
			}
			return f
		})},
		{name: "any-k", what: "panics on k > n", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			_ = make([]neighbor, k)
			return x.Search(dst, q, k, opt)
		})},
		{name: "empty", what: "error when empty", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			if x.Len() == 0 {
				return dst, errors.New("index is empty")
			}
			return x.Search(dst, q, k, opt)
		})},
		{name: "any-effort", what: "no more than the effort", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			if opt.Effort > 0 {
				k = min(k, opt.Effort)
			}
			return x.Search(dst, q, k, opt)
		}), suite: func(s *retrievaltest.IndexSuite) { s.Recall = 0.9 }},
		{name: "wrong-dimension", what: "cuts the query", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			return x.Search(dst, q[:min(len(q), x.Dim())], k, opt)
		})},
		{name: "wrong-dimension", what: "nil after an error", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			if len(q) != x.Dim() {
				return nil, retrieval.ErrDimension
			}
			return x.Search(dst, q, k, opt)
		})},
		{name: "query-not-finite", what: "finds something", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			q = slices.Clone(q)
			for i := range q {
				if q[i]-q[i] != 0 {
					q[i] = 0
				}
			}
			return x.Search(dst, q, k, opt)
		})},
		{name: "query-not-finite", what: "not for k = 0", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			if k <= 0 {
				return dst, nil
			}
			return x.Search(dst, q, k, opt)
		})},
		{name: "appends", what: "overwrites dst", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			return x.Search(dst[:0], q, k, opt)
		})},
		{name: "appends", what: "always new memory", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			return x.Search(slices.Clip(dst), q, k, opt)
		})},
		{name: "stats", what: "forgotten", build: asked(func(opt *options) { opt.Stats = nil })},
		{name: "score", what: "0 for unknown items", build: of(func() mutant {
			return mutant{score: func(x *retrievaltest.Exact, dst, q []float32, items []recsys.ItemID) error {
				err := x.Score(dst, q, items)
				for i := range dst {
					if dst[i] != dst[i] {
						dst[i] = 0
					}
				}
				return err
			}}
		})},
		{name: "score", what: "another order of summation", build: of(func() mutant {
			return mutant{score: func(x *retrievaltest.Exact, dst, q []float32, items []recsys.ItemID) error {
				if err := x.Score(dst, q, items); err != nil || x.Metric() != retrieval.InnerProduct {
					return err
				}
				for i, item := range items {
					if v, ok := x.Vector(nil, item); ok {
						dst[i] = 0
						for j := range v {
							dst[i] += float32(v[j] * q[j])
						}
					}
				}
				return nil
			}}
		})},
		{name: "vector", what: "as given, not as stored", build: rawVectors},
		{name: "vector", what: "the index's own memory", build: of(func() mutant {
			own := map[recsys.ItemID][]float32{}
			return mutant{vector: func(x *retrievaltest.Exact, dst []float32, item recsys.ItemID) ([]float32, bool) {
				if own[item] == nil {
					v, ok := x.Vector(dst, item)
					if !ok {
						return v, ok
					}
					own[item] = v
				}
				return own[item], true
			}}
		})},
		{name: "concurrent-searches", what: "no more than one at a time", build: of(busy)},
		{name: "arguments-are-read-only", what: "sorts the list", build: asked(func(opt *options) { slices.Sort(opt.Allow) })},
		{name: "arguments-are-read-only", what: "keeps the query", build: of(func() mutant {
			seen := map[*float32][]neighbor{}
			return mutant{search: func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
				if seen[&q[0]] == nil {
					found, err := x.Search(nil, q, k, opt)
					if err != nil {
						return dst, err
					}
					seen[&q[0]] = found
				}
				return append(dst, seen[&q[0]]...), nil
			}}
		})},
		{name: "allocates-nothing", what: "a map for each search", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			sink = make([]int, 10)
			return x.Search(dst, q, k, opt)
		})},
	}
}

var sink []int

// missing drops the best n.
func missing(n int) searchFunc {
	return func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
		if k <= 0 || k > x.Len() {
			return x.Search(dst, q, k, opt)
		}
		out, err := x.Search(dst, q, k+n, opt)
		if len(out)-len(dst) < k+n {
			return out[:min(len(out), len(dst)+k)], err
		}
		return slices.Delete(out, len(dst), len(dst)+n), err
	}
}

// busy answers wrongly while another search runs.
func busy() mutant {
	var mu sync.Mutex
	calls := 0
	return mutant{search: func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
		mu.Lock()
		calls++
		alone := calls == 1
		mu.Unlock()
		for range 50 {
			runtime.Gosched()
		}
		defer func() {
			mu.Lock()
			calls--
			mu.Unlock()
		}()
		if !alone {
			return dst, nil
		}
		return x.Search(dst, q, k, opt)
	}}
}

func rawVectors(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, _ int) (retrieval.Index, error) {
	x, err := retrievaltest.NewExact(m, items, vectors)
	if err != nil {
		return nil, err
	}
	return &mutant{Exact: x, vector: func(x *retrievaltest.Exact, dst []float32, item recsys.ItemID) ([]float32, bool) {
		if i := slices.Index(items, item); i >= 0 {
			return append(dst, vectors.Row(i)...), true
		}
		return dst, false
	}}, nil
}

func optionFaults() []indexFault {
	return []indexFault{
		{name: "filters", what: "ignored", build: asked(func(opt *options) { opt.Filter = nil })},
		{name: "filters", what: "applied to the k best", build: searching(func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
			f := opt.Filter
			opt.Filter = nil
			out, err := x.Search(dst, q, k, opt)
			if f == nil || err != nil {
				return out, err
			}
			kept := slices.DeleteFunc(out[len(dst):], func(n neighbor) bool { return !f.Match(n.Item) })
			return out[:len(dst)+len(kept)], nil
		})},
		{name: "lists", what: "an empty list allows all", build: asked(func(opt *options) {
			if len(opt.Allow) == 0 {
				opt.Allow = nil
			}
		})},
		{name: "lists", what: "exclusion ignored", build: asked(func(opt *options) { opt.Exclude = nil })},
		{name: "lists", what: "exclusion without a list only", build: asked(func(opt *options) {
			if opt.Allow != nil {
				opt.Exclude = nil
			}
		})},
	}
}
