package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// contestant is an index in the race.
type contestant struct {
	name      string
	efforts   []int
	first     int32 // what is added to an id to make it an item
	wall, cpu float64
	bytes     int64 // 0 if not known
	search    func(ids []int32, effort int) error
	close     func()

	curve annset.Curve // the result
}

// ours builds one of our indexes on one thread.
func (p *program) ours(ctx context.Context, k *annindex.Kind, codes bool) (*contestant, error) {
	index, cost, err := k.Build(ctx, annindex.Config{
		Metric: p.metric, Codes: codes, M: p.links, EfConstruction: p.efc, K: p.k, Seed: p.common.Seed, Workers: 1,
	}, p.set.Items, p.set.Base)
	if err != nil {
		return nil, err
	}
	c := &contestant{name: k.Name, efforts: k.Efforts, wall: cost.Wall, cpu: cost.CPU, bytes: cost.Bytes, close: func() {}}
	if !codes {
		c.name += " float"
	}
	found := make([]retrieval.Neighbor, 0, p.k)
	c.search = func(ids []int32, effort int) error {
		for q := range p.set.Queries.Rows {
			var err error
			if found, err = index.Search(found[:0], p.set.Queries.Row(q), p.k, retrieval.SearchOptions{Effort: effort}); err != nil {
				return err
			}
			out := ids[q*p.k : (q+1)*p.k]
			for i := range out {
				out[i] = -1
				if i < len(found) {
					out[i] = int32(found[i].Item)
				}
			}
		}
		return nil
	}
	return c, nil
}

// batch is as many queries as a pass over all vectors serves at once.
const batch = 64

// batched compares all vectors with many queries at a time: what a job that scores all
// users does.
func (p *program) batched() *contestant {
	base, queries := p.set.Base, p.set.Queries
	if p.metric == retrieval.Cosine {
		base, queries = annset.Normalized(base), annset.Normalized(queries)
	}
	c := &contestant{name: fmt.Sprintf("topk b%d", batch), efforts: []int{0}, first: int32(p.set.Items[0]), close: func() {}}
	lists := make([][]vector.Hit, batch)
	c.search = func(ids []int32, _ int) error {
		for from := 0; from < queries.Rows; from += batch {
			to := min(from+batch, queries.Rows)
			for i := range lists {
				lists[i] = lists[i][:0]
			}
			vector.TopKBatch(lists[:to-from], queries.Slice(from, to), base, p.k)
			for q := from; q < to; q++ {
				for i := range p.k {
					ids[q*p.k+i] = -1
					if i < len(lists[q-from]) {
						ids[q*p.k+i] = int32(lists[q-from][i].Row)
					}
				}
			}
		}
		return nil
	}
	return c
}

// enough is the recall at which the sweep of an index ends.
const enough = 0.995

// race measures all contestants. The thread is kept, since its clock is read and since
// libraries set their number of threads by thread.
func race(ctx context.Context, contestants []*contestant, queries, k int, truth annset.Lists, rounds int, log io.Writer) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ids := make([]int32, queries*k)
	steps := 0
	for _, c := range contestants {
		c.curve = annset.Curve{Name: c.name}
		for _, effort := range c.efforts {
			if err := c.search(ids, effort); err != nil {
				return err
			}
			lists := make([][]int32, queries)
			for q := range lists {
				lists[q] = ids[q*k : (q+1)*k]
				for i, id := range lists[q] {
					if id >= 0 {
						lists[q][i] = id + c.first
					}
				}
			}
			recall := annset.Recall(truth, k, lists)
			c.curve.Points = append(c.curve.Points, annset.Point{Effort: effort, Recall: recall})
			steps++
			if recall >= enough {
				break
			}
		}
	}
	runtime.GC()
	rates := map[*annset.Point][]float64{}
	progress := cli.NewProgress(log, "rounds", rounds*steps, nil)
	for range rounds {
		for _, c := range contestants {
			for i := range c.curve.Points {
				point := &c.curve.Points[i]
				clock := annset.StartClock()
				if err := c.search(ids, point.Effort); err != nil {
					return err
				}
				rates[point] = append(rates[point], float64(queries)/max(clock.Elapsed(), 1).Seconds())
				progress.Add(1)
				if err := ctx.Err(); err != nil {
					return err
				}
			}
		}
	}
	progress.Done()
	for point, r := range rates {
		slices.Sort(r)
		point.QPS = r[len(r)/2]
	}
	return nil
}
