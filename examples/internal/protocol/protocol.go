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
// Beside the means over all cases stand those of cold and warm ones: recall of users of whom
// little is known, and recall of items of which little is known, as the task says.
//
// Per case: recall is hits over relevant items, NDCG has binary gains and an ideal of
// min(relevant, k) hits, hit rate is 1 when there is a hit, reciprocal rank is that of the
// first hit within k. Results are means over cases, the same to the bit for any number of
// workers.
package protocol

import (
	"context"
	"fmt"
	"math"
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

	// Cold says that little is known of the user; see [Result].ColdUsers.
	Cold bool
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

	// ColdItems, if not nil, says by position in the catalogue of which items little is
	// known; see [Result].ColdItems.
	ColdItems []bool

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

	// ColdUsers and WarmUsers are of the cases with Case.Cold and without.
	ColdUsers, WarmUsers Part

	// ColdItems is of the cases with a relevant item of Task.ColdItems, of which only those
	// count as relevant, and WarmItems in the same way of the others. All are ranked among
	// all. Without Task.ColdItems both are empty.
	ColdItems, WarmItems Part
}

// Part is a part of the cases.
type Part struct {
	Cases  int
	Recall []float64 // mean over them by cutoff; 0 without any
}

// measures is the number of metrics per cutoff: those of Result, and the recall of cold and of
// warm items.
const measures = 4 + 2

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
	r := &Result{}
	all := func(int) bool { return true }
	for j, to := range []*[]float64{&r.Recall, &r.NDCG, &r.HitRate, &r.ReciprocalRank} {
		*to = t.mean(values, width, j, all).Recall
	}
	cold := func(i int) bool { return values[i*width+width-1] < 0 }
	r.ColdUsers = t.mean(values, width, 0, cold)
	r.WarmUsers = t.mean(values, width, 0, func(i int) bool { return !cold(i) })
	if t.ColdItems == nil {
		return r
	}
	has := func(j int) func(i int) bool {
		return func(i int) bool { return len(t.Cutoffs) > 0 && values[i*width+j] >= 0 }
	}
	r.ColdItems, r.WarmItems = t.mean(values, width, 4, has(4)), t.mean(values, width, 5, has(5))
	return r
}

// mean returns the means of metric j over the cases that count.
func (t *Task) mean(values []float64, width, j int, counts func(i int) bool) Part {
	p := Part{Recall: make([]float64, len(t.Cutoffs))}
	total := 0.0
	for i := range t.Cases {
		if !counts(i) {
			continue
		}
		row := values[i*width : (i+1)*width]
		weight := math.Abs(row[width-1])
		p.Cases++
		total += weight
		for c := range p.Recall {
			p.Recall[c] += float64(row[measures*c+j] * weight)
		}
	}
	for c := range p.Recall {
		if total > 0 {
			p.Recall[c] /= total
		}
	}
	return p
}

// worker holds the memory of one goroutine. In steady state it allocates nothing.
type worker struct {
	task     *Task
	scorer   recsys.ItemScorer
	c        Case
	query    *recsys.Query
	items    []recsys.ItemID
	scores   []float32
	relevant []int32 // positions among the ranked scores
	cold     []bool  // whether each is of a cold item
	top      []float32
	selector selector
	groups   []metrics.TieGroup
}

// run writes the metrics of case i to out, and at its end the weight, negative for a cold user.
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
	if err := w.scorer.ScoreItems(ctx, w.ask(&c.Request), items, w.scores); err != nil {
		return fmt.Errorf("user %d: %w", c.Request.User, err)
	}
	w.place()
	w.groups = metrics.TieGroupsAt(w.groups[:0], w.scores, w.relevant)
	for j, k := range w.task.Cutoffs {
		row := out[measures*j:]
		row[0] = metrics.ExpectedRecall(w.groups, len(c.Relevant), k)
		row[1] = metrics.ExpectedNDCGBinary(w.groups, len(c.Relevant), k)
		row[2] = metrics.ExpectedHitRate(w.groups, k)
		row[3] = metrics.ExpectedReciprocalRank(w.groups, k)
		if w.task.ColdItems != nil {
			row[4], row[5] = w.byItem(k)
		}
	}
	weight := c.Weight
	if weight == 0 {
		weight = 1
	}
	if c.Cold {
		weight = -weight
	}
	out[len(out)-1] = weight
	return nil
}

// ask returns the query for a request.
func (w *worker) ask(r *recsys.Request) *recsys.Query {
	if w.query == nil || r.ID == "" || r.Seed == 0 {
		w.query = recsys.NewQuery(r, nil, "protocol")
	}
	w.query.Request = *r
	return w.query
}

// place turns w.scores into those of what is ranked, and w.relevant into places among
// them. Relevant items that cannot be within any cutoff, whatever the order of ties, are left
// out, and so are all other items below them.
func (w *worker) place() {
	c := &w.c
	w.relevant, w.cold = append(w.relevant[:0], c.Relevant...), w.cold[:0]
	if c.Candidates != nil {
		w.relevant = within(w.relevant, c.Candidates)
		w.markCold(c.Candidates)
		return
	}
	k := 0
	for _, cut := range w.task.Cutoffs {
		k = max(k, cut)
	}
	if k > 0 && len(w.scores)/4 > k {
		// In place of removing what is excluded, which moves everything behind it.
		nan := float32(math.NaN())
		for _, at := range c.Excluded {
			w.scores[at] = nan
		}
		if found, bar, ok := w.selector.best(w.scores, k); ok {
			w.keep(found, bar)
			return
		}
	}
	w.scores, w.relevant = without(w.scores, w.relevant, c.Excluded)
	w.markCold(nil)
}

// keep makes the scores those that were found, all not below the bar: first those of relevant
// items.
func (w *worker) keep(found []int32, bar float32) {
	n := 0
	w.top = w.top[:0]
	for _, at := range w.c.Relevant {
		if w.scores[at] >= bar {
			if w.task.ColdItems != nil {
				w.cold = append(w.cold, w.task.ColdItems[at])
			}
			w.relevant[n] = int32(n)
			w.top = append(w.top, w.scores[at])
			n++
		}
	}
	w.relevant = w.relevant[:n]
	for _, at := range found {
		if _, is := slices.BinarySearch(w.c.Relevant, at); !is {
			w.top = append(w.top, w.scores[at])
		}
	}
	w.scores, w.top = w.top, w.scores
}

// markCold fills w.cold for the relevant items that are ranked: those that are candidates, or
// that are not excluded.
func (w *worker) markCold(candidates []int32) {
	if w.task.ColdItems == nil {
		return
	}
	for _, at := range w.c.Relevant {
		ranked := false
		if candidates != nil {
			_, ranked = slices.BinarySearch(candidates, at)
		} else {
			_, out := slices.BinarySearch(w.c.Excluded, at)
			ranked = !out
		}
		if ranked {
			w.cold = append(w.cold, w.task.ColdItems[at])
		}
	}
}

// byItem returns the recall at k of the cold and of the warm relevant items, -1 without any.
func (w *worker) byItem(k int) (cold, warm float64) {
	var hits, all [2]float64
	for _, at := range w.c.Relevant {
		all[index(w.task.ColdItems[at])]++
	}
	for n, at := range w.relevant {
		s := float64(w.scores[at])
		for _, g := range w.groups {
			if g.Score == s || g.Score != g.Score && s != s {
				hits[index(w.cold[n])] += float64(min(max(k-g.Above, 0), g.Size)) / float64(g.Size)
				break
			}
		}
	}
	for i := range hits {
		if all[i] == 0 {
			hits[i] = -1
		} else {
			hits[i] /= all[i]
		}
	}
	return hits[1], hits[0]
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
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
