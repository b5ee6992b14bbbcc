// Package protocol measures how well a retriever ranks held-out items, the way that the
// programs cf and seq report it.
//
// Every item of a catalogue, or every one of a few candidates, gets the score that the
// retriever gives it through [recsys.ItemScorer]; an item that it does not know has score
// 0, and NaN ranks last. Items that share a score are in random order, and what is
// reported is the expectation over that order (McSherry and Najork, ECIR 2008): a relevant
// item tied with m others counts at each of the m+1 places alike, whatever the order in
// which the items are stored.
//
// Per case: recall is hits over relevant items, NDCG has binary gains and an ideal of
// min(relevant, k) hits, hit rate is 1 when there is a hit, reciprocal rank is that of the
// first hit within k. Results are means over cases, the same to the bit for any number of
// workers.
package protocol

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/metrics"
)

// Case is one test: what is asked, and what should have come.
type Case struct {
	// Request is passed to the retriever. Exclude and Allow have no effect on the
	// scores: what must not be ranked stands in Excluded.
	Request recsys.Request

	// Relevant holds the positions in the catalogue of the held-out items, ascending,
	// each once. All count, also one that is not ranked.
	Relevant []int32

	// Excluded holds the positions that are not ranked, ascending, each once.
	Excluded []int32

	// Candidates, if not nil, holds the positions that are ranked, ascending, each once, in
	// place of the whole catalogue.
	Candidates []int32

	// Weight is the weight of the case in the means; 0 means 1. Several cases of one user
	// share a weight of 1 to give means over users.
	Weight float64
}

// Task is a set of cases over one catalogue.
type Task struct {
	// Catalogue lists the items that there are, each once.
	Catalogue []recsys.ItemID

	// Cases is the number of cases.
	Cases int

	// Case fills c, which holds an earlier case whose slices may be reused, with case i
	// of 0 to Cases-1. It is called concurrently, each time with a c of its own.
	Case func(i int, c *Case)

	// Cutoffs are the lengths of list to report, each >= 1.
	Cutoffs []int

	// Workers is the number of goroutines; below 1 means 1.
	Workers int

	// Progress, if not nil, is told how many more cases are done. It is called
	// concurrently.
	Progress func(cases int)
}

// Result holds the means over all cases; entry i of each slice belongs to cutoff i of the
// task. With no cases all are 0.
type Result struct {
	Recall, NDCG, HitRate, ReciprocalRank []float64
}

// measures is the number of metrics per cutoff.
const measures = 4

// Evaluate scores all cases with s and returns the means. It fails with the first case's
// error in the order of the cases, or with the context's cause.
func (t *Task) Evaluate(ctx context.Context, s recsys.ItemScorer) (*Result, error) {
	width := measures*len(t.Cutoffs) + 1 // and the weight
	values := make([]float64, t.Cases*width)
	failed := make([]error, t.Cases)
	var (
		next atomic.Int64
		stop atomic.Bool
		wg   sync.WaitGroup
	)
	const chunk = 16
	for range max(t.Workers, 1) {
		wg.Go(func() {
			w := worker{task: t, scorer: s}
			for !stop.Load() && ctx.Err() == nil {
				start := int(next.Add(chunk)) - chunk
				if start >= t.Cases {
					return
				}
				end := min(start+chunk, t.Cases)
				for i := start; i < end; i++ {
					if err := w.run(ctx, i, values[i*width:(i+1)*width]); err != nil {
						failed[i] = err
						stop.Store(true)
						break
					}
				}
				if t.Progress != nil {
					t.Progress(end - start)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, err := range failed {
		if err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
	}
	return t.means(values, width), nil
}

// means adds up in the order of the cases.
func (t *Task) means(values []float64, width int) *Result {
	sums := make([]float64, width)
	for i := range t.Cases {
		row := values[i*width : (i+1)*width]
		weight := row[width-1]
		sums[width-1] += weight
		for j, v := range row[:width-1] {
			sums[j] += float64(v * weight)
		}
	}
	r := &Result{}
	for i := range t.Cutoffs {
		for j, to := range []*[]float64{&r.Recall, &r.NDCG, &r.HitRate, &r.ReciprocalRank} {
			mean := 0.0
			if sums[width-1] > 0 {
				mean = sums[measures*i+j] / sums[width-1]
			}
			*to = append(*to, mean)
		}
	}
	return r
}

// worker holds the memory of one goroutine.
type worker struct {
	task     *Task
	scorer   recsys.ItemScorer
	c        Case
	items    []recsys.ItemID
	scores   []float32
	relevant []int32 // positions among the ranked scores
	groups   []metrics.TieGroup
	heap     []float32
}

func (w *worker) run(ctx context.Context, i int, out []float64) error {
	c := &w.c
	w.task.Case(i, c)
	items := w.task.Catalogue
	if c.Candidates != nil {
		w.items = w.items[:0]
		for _, at := range c.Candidates {
			w.items = append(w.items, w.task.Catalogue[at])
		}
		items = w.items
	}
	w.scores = slices.Grow(w.scores[:0], len(items))[:len(items)]
	q := recsys.NewQuery(&c.Request, nil, "protocol")
	if err := w.scorer.ScoreItems(ctx, q, items, w.scores); err != nil {
		return fmt.Errorf("user %d: %w", c.Request.User, err)
	}
	w.relevant = append(w.relevant[:0], c.Relevant...)
	if c.Candidates != nil {
		w.relevant = within(w.relevant, c.Candidates)
	} else {
		w.scores, w.relevant = without(w.scores, w.relevant, c.Excluded)
	}
	w.dropBelowCutoffs()
	w.groups = metrics.TieGroupsAt(w.groups[:0], w.scores, w.relevant)
	for j, k := range w.task.Cutoffs {
		row := out[measures*j:]
		row[0] = metrics.ExpectedRecall(w.groups, len(c.Relevant), k)
		row[1] = metrics.ExpectedNDCGBinary(w.groups, len(c.Relevant), k)
		row[2] = metrics.ExpectedHitRate(w.groups, k)
		row[3] = metrics.ExpectedReciprocalRank(w.groups, k)
	}
	out[len(out)-1] = 1
	if c.Weight != 0 {
		out[len(out)-1] = c.Weight
	}
	return nil
}

// dropBelowCutoffs drops the relevant items that cannot be within any cutoff, whatever the
// order of ties. What is left is as a rule far above most scores, which makes counting them
// several times faster.
func (w *worker) dropBelowCutoffs() {
	k := 0
	for _, c := range w.task.Cutoffs {
		k = max(k, c)
	}
	if len(w.scores) <= 4*k || k == 0 {
		return
	}
	least, ok := w.kth(k)
	if !ok {
		return
	}
	w.relevant = slices.DeleteFunc(w.relevant, func(at int32) bool { return !(w.scores[at] >= least) })
}

// kth returns the k-th largest score, and whether there are as many that are numbers.
func (w *worker) kth(k int) (float32, bool) {
	h := w.heap[:0] // the k largest so far, the least at the root
	for _, s := range w.scores {
		switch {
		case len(h) == k:
			if s > h[0] {
				h[0] = s
				siftDown(h, 0)
			}
		case s == s:
			h = append(h, s)
			if len(h) == k {
				for i := k/2 - 1; i >= 0; i-- {
					siftDown(h, i)
				}
			}
		}
	}
	w.heap = h
	if len(h) < k {
		return 0, false
	}
	return h[0], true
}

func siftDown(h []float32, i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[i] <= h[c] {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// within turns positions in the catalogue into places among the candidates and drops
// those that are no candidates.
func within(positions, candidates []int32) []int32 {
	n, place := 0, 0
	for _, at := range positions {
		for place < len(candidates) && candidates[place] < at {
			place++
		}
		if place < len(candidates) && candidates[place] == at {
			positions[n] = int32(place)
			n++
		}
	}
	return positions[:n]
}

// without closes the gaps that the excluded positions leave in scores, and moves the
// other positions accordingly; those that are excluded are dropped.
func without(scores []float32, positions, excluded []int32) ([]float32, []int32) {
	if len(excluded) == 0 {
		return scores, positions
	}
	n, gaps := 0, 0
	for _, at := range positions {
		for gaps < len(excluded) && excluded[gaps] < at {
			gaps++
		}
		if gaps == len(excluded) || excluded[gaps] != at {
			positions[n] = at - int32(gaps)
			n++
		}
	}
	to := int(excluded[0])
	for i, gap := range excluded {
		end := len(scores)
		if i+1 < len(excluded) {
			end = int(excluded[i+1])
		}
		to += copy(scores[to:], scores[gap+1:end])
	}
	return scores[:to], positions[:n]
}
