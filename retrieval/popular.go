package retrieval

import (
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
// alike, everywhere together.
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

	// Segments holds, by the value of Column, the part of the interactions that belongs
	// there: to a country, an age group, a device. A request whose segment is missing, or
	// not in it, is answered for its surface.
	Segments map[uint64]*Interactions

	// Column names the ID column of the request row that says to which of Segments a
	// request belongs; Build fails when there is no such column. Segments need it.
	Column string

	// Prior is how many interactions the shares of all interactions are worth on a surface
	// or in a segment, > 0: one with little data of its own shows what is popular
	// everywhere, one with much more than Prior what is popular there.
	//
	// 0 means the Prior under which the counts are the most likely, for the surfaces and for
	// the segments apart, to two percent, in [0.01, 1e8]. Weights should then be counts of
	// events: seconds, or prices, would be taken for as many events.
	//
	// Source: the counts of a segment are a Dirichlet-multinomial sample of which the mean
	// is known and the precision is not (Minka, Estimating a Dirichlet distribution, 2000,
	// section 4).
	Prior float64
}

// Popular proposes the items with the most interactions, the same for everyone on a surface
// or in a segment. It is the usual fallback, what a user gets of whom nothing is known, and
// the baseline that a model must beat. [NewTrending] makes one of what is rising.
//
// The count of an item is the sum of its weights, each times 2^(-age/HalfLife), and that is
// its score. On a surface or in a segment with counts of its own it is, with a Dirichlet
// prior (Zhai and Lafferty, SIGIR 2001),
//
//	count everywhere + count there × total everywhere / Prior
//
// which is count there + Prior × share everywhere in another unit: items that were not taken
// there follow in the order of their popularity everywhere, and with the same scores.
//
// It is immutable and safe for concurrent use. Memory: 16 bytes per item, and 12 per item
// that a surface or segment has. A request takes time in proportion to the candidates it
// takes and the items that it excludes; it allocates nothing in steady state. The zero
// Popular is good for ReadFrom alone.
type Popular struct {
	items    itemindex.Index
	everyone ranking
	surfaces map[string]*part
	segments map[uint64]*part
	column   string
	field    recsys.Field // of column, once bound
	bound    bool
	version  func() string
	pool     *sync.Pool // of *[]uint64
}

// ranking is a score for each item, and the items with a score > 0, best first.
type ranking struct {
	score []float32
	order []int32
}

// part is what a surface or segment has of its own; other items score as everywhere.
type part struct {
	items []int32   // positions, ascending
	score []float32 // of items, > 0
	order []int32   // of items: places in items, best first
}

var (
	_ Retriever  = (*Popular)(nil)
	_ ItemScorer = (*Popular)(nil)

	_ recsys.Versioned                = (*Popular)(nil)
	_ recsys.Binder[recsys.Retriever] = (*Popular)(nil)
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
	names, keys := slices.Sorted(maps.Keys(cfg.Surfaces)), slices.Sorted(maps.Keys(cfg.Segments))
	ids, latest := in.Items(), newest(in)
	add := func(part *Interactions) {
		ids = union(ids, part.Items())
		if t := newest(part); t.After(latest) {
			latest = t
		}
	}
	for _, name := range names {
		add(cfg.Surfaces[name])
	}
	for _, key := range keys {
		add(cfg.Segments[key])
	}
	if cfg.Reference.IsZero() {
		cfg.Reference = latest
	}
	items, err := itemindex.New(ids)
	if err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	all := cfg.count(in, &items)
	p := newPopular(items, newRanking(all))
	p.column = cfg.Column
	var parts []counts
	for _, name := range names {
		parts = append(parts, nonzero(cfg.count(cfg.Surfaces[name], &items)))
	}
	for i, s := range cfg.smooth(all, parts) {
		p.surfaces[names[i]] = s
	}
	parts = parts[:0]
	for _, key := range keys {
		parts = append(parts, nonzero(cfg.count(cfg.Segments[key], &items)))
	}
	for i, s := range cfg.smooth(all, parts) {
		p.segments[keys[i]] = s
	}
	return p, nil
}

// newPopular returns a Popular without surfaces and segments.
func newPopular(items itemindex.Index, everyone ranking) *Popular {
	p := &Popular{
		items:    items,
		everyone: everyone,
		surfaces: map[string]*part{},
		segments: map[uint64]*part{},
		pool:     new(sync.Pool),
	}
	p.version = sync.OnceValue(func() string { return fingerprint.Of(p) })
	return p
}

func (c *PopularConfig) validate(in *Interactions) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("retrieval: PopularConfig."+format, args...))
	}
	if c.HalfLife < 0 {
		bad("HalfLife is %v; want >= 0 (0 means no decay)", c.HalfLife)
	}
	if !(c.Prior >= 0 && c.Prior <= math.MaxFloat32) {
		bad("Prior is %v; want a finite number > 0 (0 means the most likely one)", c.Prior)
	}
	if len(c.Segments) > 0 && c.Column == "" {
		bad(`Column is ""; want the column of the request row that says which of Segments a request belongs to`)
	}
	if len(c.Segments) == 0 && c.Column != "" {
		bad("Segments is empty; want some, or no Column, which is %q", c.Column)
	}
	check := func(in *Interactions, where, what string) {
		switch {
		case in == nil:
			bad("%s is nil", where)
		case (c.HalfLife > 0 || !c.Reference.IsZero()) && in.NumRecords() > 0 && !in.HasTimes():
			errs = append(errs, fmt.Errorf("%w%s; PopularConfig.HalfLife and Reference need them", ErrNoTimes, what))
		}
	}
	check(in, "", "")
	for _, name := range slices.Sorted(maps.Keys(c.Surfaces)) {
		check(c.Surfaces[name], fmt.Sprintf("Surfaces[%q]", name), fmt.Sprintf(" on surface %q", name))
	}
	for _, key := range slices.Sorted(maps.Keys(c.Segments)) {
		check(c.Segments[key], fmt.Sprintf("Segments[%d]", key), fmt.Sprintf(" in segment %d", key))
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

// smooth adds the counts of all to those of each part, each in its measure.
func (c *PopularConfig) smooth(all []float64, parts []counts) []*part {
	total := 0.0
	for _, n := range all {
		total += n
	}
	prior := c.Prior
	if prior == 0 {
		prior = likeliestPrior(all, total, parts)
	}
	measure := total / prior
	if total == 0 {
		measure = 1
	}
	smoothed := make([]*part, len(parts))
	for k, own := range parts {
		s := &part{items: own.items, score: make([]float32, len(own.items))}
		for j, n := range own.n {
			s.score[j] = clamped(all[own.items[j]] + float64(n*measure))
		}
		s.sort()
		smoothed[k] = s
	}
	return smoothed
}

// clamped returns a score > 0 for a count > 0.
func clamped(count float64) float32 {
	return float32(min(max(count, math.SmallestNonzeroFloat32), math.MaxFloat32))
}

// newRanking turns counts into scores and sorts.
func newRanking(counts []float64) ranking {
	scores := make([]float32, len(counts))
	for i, c := range counts {
		scores[i] = float32(min(c, math.MaxFloat32))
	}
	return rankingOf(scores)
}

// rankingOf sorts the items by score.
func rankingOf(scores []float32) ranking { return ranking{scores, descending(scores)} }

// sort orders the items of s, which have their scores.
func (s *part) sort() { s.order = descending(s.score) }

// descending returns the places of the scores > 0, best first.
func descending(scores []float32) []int32 {
	keys := make([]uint64, 0, len(scores))
	for i, s := range scores {
		if s > 0 {
			keys = append(keys, topk.Key(s, int32(i)))
		}
	}
	order := make([]int32, len(keys))
	for k, key := range topk.Best(keys, len(keys)) {
		order[k] = topk.Position(key)
	}
	return order
}
