package retrieval

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// PopularConfig says what counts for [Popular]. The zero value counts everything
// alike, on all surfaces together.
type PopularConfig struct {
	// HalfLife is the age at which an interaction counts half; 0 means that age does not
	// count.
	HalfLife time.Duration

	// Reference is the time from which ages are measured, and after which nothing
	// counts; zero means the time of the newest interaction.
	//
	// Because every count decays by the same factor as time goes on, the order of the
	// items does not depend on when it is asked for. So the lists are sorted once, and
	// scores are those of the reference time, whatever Request.Now is.
	Reference time.Time

	// Surfaces holds, by [recsys.Request].Surface, the part of the interactions that
	// happened there. A surface that is not in it has the counts of all.
	Surfaces map[string]*Interactions

	// Prior is how many interactions of a surface its share of all interactions is
	// worth, > 0; 0 means 1. With a large prior a surface with little data of its own
	// shows what is popular everywhere.
	Prior float64
}

// Popular proposes the items with the most interactions, the same for everyone. It is
// the usual fallback and the baseline that a model must beat.
//
// The score of an item is the sum of its weights, each times 2^(-age/HalfLife). On a
// surface with counts of its own it is, with a Dirichlet prior (Zhai and Lafferty,
// SIGIR 2001),
//
//	count on the surface + Prior × count / count of all items
//
// so that items that the surface has not seen follow those that it has, in the order of
// their popularity everywhere.
//
// It is immutable and safe for concurrent use. Memory: 16 bytes per item, and 8 per item
// and surface. A request takes time in proportion to the candidates it takes and the items
// that it excludes; it allocates nothing in steady state. The zero Popular is good for
// ReadFrom alone.
type Popular struct {
	items    itemindex.Index
	everyone *ranking
	surfaces map[string]*ranking
	version  func() string
	pool     sync.Pool // of *[]uint64
}

// ranking is a score for each item, and the items with a score > 0, best first.
type ranking struct {
	score []float32
	order []int32
}

var (
	_ Retriever  = (*Popular)(nil)
	_ ItemScorer = (*Popular)(nil)

	_ recsys.Versioned = (*Popular)(nil)
)

// NewPopular counts the interactions. It keeps no part of them but the slice of items. An
// item whose count is 0 is never proposed.
//
// The error names the field that is out of its domain; it wraps [ErrNoTimes] when HalfLife
// or Reference is set and a set of interactions has no times.
func NewPopular(in *Interactions, cfg PopularConfig) (*Popular, error) {
	if in == nil {
		return nil, errors.New("retrieval: NewPopular: interactions are nil")
	}
	if err := cfg.validate(in); err != nil {
		return nil, err
	}
	if cfg.Prior == 0 {
		cfg.Prior = 1
	}
	names := slices.Sorted(maps.Keys(cfg.Surfaces))
	if cfg.Reference.IsZero() {
		cfg.Reference = newest(in)
		for _, name := range names {
			if t := newest(cfg.Surfaces[name]); t.After(cfg.Reference) {
				cfg.Reference = t
			}
		}
	}
	ids := in.Items()
	for _, name := range names {
		ids = union(ids, cfg.Surfaces[name].Items())
	}
	items, err := itemindex.New(ids)
	if err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	all := cfg.count(in, &items)
	total := 0.0
	for _, c := range all {
		total += c
	}
	p := &Popular{items: items, everyone: newRanking(all), surfaces: map[string]*ranking{}}
	for _, name := range names {
		counts := cfg.count(cfg.Surfaces[name], &items)
		for i := range counts {
			if total > 0 {
				counts[i] += float64(cfg.Prior * (all[i] / total))
			}
		}
		p.surfaces[name] = newRanking(counts)
	}
	p.version = sync.OnceValue(func() string { return fingerprint.Of(p) })
	return p, nil
}

func (c *PopularConfig) validate(in *Interactions) error {
	var errs []error
	if c.HalfLife < 0 {
		errs = append(errs, fmt.Errorf("retrieval: PopularConfig.HalfLife is %v; want >= 0 (0 means no decay)", c.HalfLife))
	}
	if !(c.Prior >= 0 && c.Prior <= math.MaxFloat32) {
		errs = append(errs, fmt.Errorf("retrieval: PopularConfig.Prior is %v; want a finite number > 0 (0 means 1)", c.Prior))
	}
	timed := func(in *Interactions, what string) {
		if (c.HalfLife > 0 || !c.Reference.IsZero()) && in.NumRecords() > 0 && !in.HasTimes() {
			errs = append(errs, fmt.Errorf("%w%s; PopularConfig.HalfLife and Reference need them", ErrNoTimes, what))
		}
	}
	timed(in, "")
	for _, name := range slices.Sorted(maps.Keys(c.Surfaces)) {
		if c.Surfaces[name] == nil {
			errs = append(errs, fmt.Errorf("retrieval: PopularConfig.Surfaces[%q] is nil", name))
			continue
		}
		timed(c.Surfaces[name], fmt.Sprintf(" on surface %q", name))
	}
	return errors.Join(errs...)
}

// newest returns the time of the newest interaction, zero when there is none.
func newest(in *Interactions) time.Time {
	latest := int64(math.MinInt64)
	for u := range in.NumUsers() {
		for _, t := range in.Times(u) {
			latest = max(latest, t)
		}
	}
	if latest == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, latest)
}

// union merges two ascending lists of IDs.
func union(a, b []recsys.ItemID) []recsys.ItemID {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// count adds up what each item has, in the order of users and their histories.
func (c *PopularConfig) count(in *Interactions, items *itemindex.Index) []float64 {
	counts := make([]float64, items.Len())
	var history []recsys.Event
	for u := range in.NumUsers() {
		history = in.AppendHistory(history[:0], u)
		for i := range history {
			e := &history[i]
			counts[items.Find(e.Item)] += float64(float64(e.Value) * c.discount(e.Time))
		}
	}
	return counts
}

// discount returns what an interaction at t counts.
func (c *PopularConfig) discount(t time.Time) float64 {
	if t.IsZero() {
		return 1
	}
	age := c.Reference.Sub(t)
	switch {
	case age < 0:
		return 0
	case c.HalfLife == 0:
		return 1
	}
	return fmath.Exp(-math.Ln2 * (float64(age) / float64(c.HalfLife)))
}

// newRanking turns counts into scores and sorts.
func newRanking(counts []float64) *ranking {
	scores := make([]float32, len(counts))
	for i, c := range counts {
		scores[i] = float32(min(c, math.MaxFloat32))
	}
	return rankingOf(scores)
}

// rankingOf sorts the items by score.
func rankingOf(scores []float32) *ranking {
	keys := make([]uint64, 0, len(scores))
	for i, s := range scores {
		if s > 0 {
			keys = append(keys, topk.Key(s, int32(i)))
		}
	}
	r := &ranking{score: scores, order: make([]int32, len(keys))}
	for k, key := range topk.Best(keys, len(keys)) {
		r.order[k] = topk.Position(key)
	}
	return r
}

// Version returns 16 hex digits that name the lists by their contents. The first call reads
// them all.
func (p *Popular) Version() string { return p.version() }

// on returns the ranking of a surface.
func (p *Popular) on(surface string) *ranking {
	if r, ok := p.surfaces[surface]; ok {
		return r
	}
	return p.everyone
}

// Retrieve adds the most popular items of the request's surface, most popular first. It
// does not look at ctx.
func (p *Popular) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	r := p.on(q.Surface)
	ids := p.items.IDs()
	if n := len(q.Allow); n > 0 && n < len(r.order)/16 {
		p.allowed(r, q, out)
		return nil
	}
	for _, at := range r.order {
		if !out.Add(ids[at], r.score[at]) {
			break
		}
	}
	return nil
}

// allowed sorts the few items that the request allows, in place of a walk down the list
// past all others.
func (p *Popular) allowed(r *ranking, q *recsys.Query, out *recsys.Sink) {
	keys, ok := p.pool.Get().(*[]uint64)
	if !ok {
		keys = new([]uint64)
	}
	defer p.pool.Put(keys)
	*keys = (*keys)[:0]
	for _, id := range q.Allow {
		if at := p.items.Find(id); at >= 0 && r.score[at] > 0 {
			*keys = append(*keys, topk.Key(r.score[at], at))
		}
	}
	slices.Sort(*keys)
	last := ^uint64(0)
	for _, key := range *keys {
		if key == last {
			continue // allowed twice
		}
		last = key
		if !out.Add(p.items.IDs()[topk.Position(key)], topk.Score(key)) {
			return
		}
	}
}

// ScoreItems writes the score of each item on the request's surface, 0 for items without
// interactions.
func (p *Popular) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	r := p.on(q.Surface)
	for i, id := range items {
		dst[i] = 0
		if at := p.items.Find(id); at >= 0 {
			dst[i] = r.score[at]
		}
	}
	return nil
}
