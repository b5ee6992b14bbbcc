package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Transitions are the hyper-parameters of rules "who took this takes that next", counted in
// the sequences of all users. The zero value is the first-order Markov chain: the item that
// follows at once.
type Transitions struct {
	// Gap is the number of events over which a transition reaches, >= 0; 0 means 1, the
	// next event. math.MaxInt reaches over the whole sequence.
	Gap int

	// Weight is how much a transition over a gap of g events, g - 1 others between, counts
	// against one to the next event. The zero value is Reciprocal.
	Weight Decay

	// Reverse is the share, >= 0 and finite, at which a transition counts in the direction
	// against time too. 0 is directed; 1 makes no difference between what came before and after.
	Reverse float64

	// Raw leaves counts as they are. Without it they are divided by their sum over what an
	// item leads to, and by Shrinkage.
	Raw bool

	// Shrinkage is added to the sum of an item's counts that they are divided by, >= 0 and
	// finite: what few events support counts less. 0 means none: the weights of an item
	// are an estimate of probabilities, and add up to 1 unless Neighbors cuts some.
	Shrinkage float64

	// Neighbors is how many items an item leads to, the ones with the largest weights; 0
	// means all.
	Neighbors int

	// History says how the events of a request count. Its zero value counts all alike; a
	// chain looks at the newest ones: Last 5 and Decay 0.5, say.
	History retrieval.History `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// Progress, if not nil, is told in training how many items of all are done: by one
	// goroutine at a time, with growing done.
	Progress func(done, all int) `json:"-"`
}

// AssociationRules are the pairs of one sequence, whatever their order and distance.
//
// Source: AR in Ludewig and Jannach, UMUAI 2018, section 3.1, equation 1; Agrawal et al., SIGMOD 1993.
func AssociationRules() Transitions {
	return Transitions{Gap: math.MaxInt, Weight: Decay{Form: Constant}, Reverse: 1, Raw: true, History: lastItem}
}

// MarkovChain are the transitions from an item to the next one.
//
// Source: MC in Ludewig and Jannach, UMUAI 2018, section 3.1, equation 2.
func MarkovChain() Transitions { return Transitions{Raw: true, History: lastItem} }

// SequentialRules are the transitions over at most ten events, weighed by the reciprocal of
// the gap.
//
// Source: SR in Ludewig and Jannach, UMUAI 2018, section 3.1, equations 3 and 4; Kamehkhosh,
// Jannach and Ludewig, RecTemp 2017.
func SequentialRules() Transitions { return Transitions{Gap: 10, Raw: true, History: lastItem} }

var lastItem = retrieval.History{Last: 1}

// withDefaults returns t with its zero values replaced, or an error that names every field out
// of its domain.
func (t Transitions) withDefaults() (Transitions, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("session: Transitions."+format, args...))
	}
	if t.Gap < 0 {
		bad("Gap is %d; want >= 0 (0 means 1)", t.Gap)
	}
	errs = append(errs, t.Weight.validate("Transitions.Weight", false))
	if !(t.Reverse >= 0 && t.Reverse <= math.MaxFloat32) {
		bad("Reverse is %v; want a finite number >= 0", t.Reverse)
	}
	if !(t.Shrinkage >= 0 && t.Shrinkage <= math.MaxFloat32) {
		bad("Shrinkage is %v; want a finite number >= 0", t.Shrinkage)
	}
	if t.Neighbors < 0 {
		bad("Neighbors is %d; want >= 0 (0 means all)", t.Neighbors)
	}
	if t.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", t.Workers)
	}
	if err := t.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	if t.Gap == 0 {
		t.Gap = 1
	}
	if t.Workers == 0 {
		t.Workers = runtime.GOMAXPROCS(0)
	}
	return t, errors.Join(errs...)
}

// TrainTransitions returns the model of the transitions in the histories of in: the weight
// from an item to another is the weighted count of their transitions. It is an
// [itemsim.Model] of trainer "transitions", which serves, explains, is updated and saved. An
// item may lead to itself. The weights of the interactions play no part; the users are
// sequences, in any order.
//
// Time is O(events × Gap), and memory beside the model 12 bytes per event and 8 per item and
// worker. The model is the same to the bit for any number of workers.
//
// The errors are those of t, field by field, and, when ctx ends first, one that wraps its
// cause.
func TrainTransitions(ctx context.Context, in *retrieval.Interactions, t Transitions) (*itemsim.Model, error) {
	if in == nil {
		return nil, errors.New("session: interactions are nil")
	}
	t, err := t.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := newCounter(ctx, in, &t)
	if err != nil {
		return nil, err
	}
	weights, err := c.compute(ctx)
	if err != nil {
		return nil, err
	}
	m, err := itemsim.New(in.Items(), weights, itemsim.Spec{Trainer: "transitions", Config: t, History: t.History})
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return m, nil
}

// counter counts transitions by the item that they start from.
type counter struct {
	*Transitions
	events sequences
	places []int32 // of the events of item i: places[first[i]:first[i+1]], ascending
	first  []int64
	weight []float32 // by gap less one
}

func newCounter(ctx context.Context, in *retrieval.Interactions, t *Transitions) (*counter, error) {
	c := &counter{Transitions: t}
	var err error
	if c.events, err = newSequences(ctx, in, nil); err != nil {
		return nil, err
	}
	c.first, c.places = c.events.places(in.NumItems())
	longest := 0
	for s := range c.events.len() {
		longest = max(longest, len(c.events.at(s)))
	}
	c.weight = t.Weight.table(min(t.Gap, longest-1))
	return c, nil
}

// transitionRow is what one item leads to.
type transitionRow struct {
	items   []int32 // ascending
	weights []float32
}

// compute counts every row by one worker in the order of the events.
func (c *counter) compute(ctx context.Context) (*retrieval.CSR, error) {
	n := len(c.first) - 1
	const chunk = 32
	var (
		rows = make([]transitionRow, n)
		next atomic.Int64
		wg   sync.WaitGroup
		mu   sync.Mutex
		done int
	)
	for range min(c.Workers, n/chunk+1) {
		wg.Go(func() {
			w := counting{counter: c, counts: make([]float32, n)}
			for ctx.Err() == nil {
				start := int(next.Add(chunk)) - chunk
				if start >= n {
					return
				}
				end := min(start+chunk, n)
				for i := start; i < end; i++ {
					rows[i] = w.row(int32(i))
				}
				if c.Progress != nil {
					mu.Lock()
					done += end - start
					c.Progress(done, n)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	m := &retrieval.CSR{Cols: n, Start: make([]int64, 1, n+1)}
	total := 0
	for i := range rows {
		total += len(rows[i].items)
		m.Start = append(m.Start, int64(total))
	}
	m.Index, m.Weight = make([]int32, 0, total), make([]float32, 0, total)
	for i := range rows {
		m.Index, m.Weight = append(m.Index, rows[i].items...), append(m.Weight, rows[i].weights...)
		rows[i] = transitionRow{}
	}
	return m, nil
}

// counting is the memory of one worker.
type counting struct {
	*counter
	counts  []float32 // by item, all zero between rows
	touched []int32
	keys    []uint64
}

func (w *counting) row(item int32) transitionRow {
	w.touched = w.touched[:0]
	for _, p := range w.places[w.first[item]:w.first[item+1]] {
		before, after := w.events.around(p)
		for g := 0; g < min(len(after), len(w.weight)); g++ {
			w.add(after[g], w.weight[g])
		}
		if w.Reverse == 0 {
			continue
		}
		for g := 0; g < min(len(before), len(w.weight)); g++ {
			w.add(before[len(before)-1-g], float32(w.weight[g]*float32(w.Reverse)))
		}
	}
	total := w.Shrinkage
	for _, to := range w.touched {
		total += float64(w.counts[to])
	}
	slices.Sort(w.touched)
	kept := w.touched
	if w.Neighbors > 0 && len(kept) > w.Neighbors {
		kept = w.best()
	}
	r := transitionRow{make([]int32, 0, len(kept)), make([]float32, 0, len(kept))}
	for _, to := range kept {
		x := w.counts[to]
		if !w.Raw {
			x = float32(float64(x) / total)
		}
		if x > 0 {
			r.items, r.weights = append(r.items, to), append(r.weights, x)
		}
	}
	for _, to := range w.touched {
		w.counts[to] = 0
	}
	return r
}

func (w *counting) add(to int32, x float32) {
	if x == 0 {
		return
	}
	if w.counts[to] == 0 {
		w.touched = append(w.touched, to)
	}
	w.counts[to] = min(w.counts[to]+x, math.MaxFloat32)
}

// best returns the items with the largest counts, ascending, in memory of w.
func (w *counting) best() []int32 {
	w.keys = w.keys[:0]
	for _, to := range w.touched {
		w.keys = append(w.keys, topk.Key(w.counts[to], to))
	}
	var kept []int32
	for _, key := range topk.Best(w.keys, w.Neighbors) {
		kept = append(kept, topk.Position(key))
	}
	slices.Sort(kept)
	return kept
}
