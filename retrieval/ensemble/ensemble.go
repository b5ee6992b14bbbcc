package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
)

// Source is a retriever with its name and its part in the blend.
type Source struct {
	// Name tells the sources apart, in reports and files. Unique and not empty.
	Name string

	// Retriever proposes candidates. One that is no [recsys.ItemScorer] counts only for the
	// candidates that it proposes itself, from 0 for the last of its list up.
	Retriever recsys.Retriever

	// Quota is the number of candidates that it proposes, 0 to 1,000,000. With 0 it is not
	// asked for any, and only scores what the others propose. [Learn] sets it.
	Quota int

	// Weight is what its score counts, finite and >= 0. [Learn] sets it.
	Weight float64
}

// maxQuota bounds the candidates of a source, as in a pipeline.
const maxQuota = 1_000_000

// Ensemble proposes the best of what several retrievers propose; see the package's
// documentation. It is immutable, safe for concurrent use if its sources are, and allocates
// nothing of its own in steady state.
//
// A request costs a call of Retrieve of each source that has a quota and one of ScoreItems of
// each that has a weight, one after the other on the goroutine of the caller, and O(n log n)
// time for a pool of n candidates.
//
// The zero Ensemble is good for ReadFrom alone.
type Ensemble struct {
	sources []Source
	merge   []float64 // weights for the merge of a pipeline; nil when they were not learned
	report  *Report
	version func() string
	pool    *sync.Pool // of *scratch
}

var (
	_ recsys.Retriever                = (*Ensemble)(nil)
	_ recsys.ItemScorer               = (*Ensemble)(nil)
	_ recsys.Versioned                = (*Ensemble)(nil)
	_ recsys.Validator                = (*Ensemble)(nil)
	_ recsys.Binder[recsys.Retriever] = (*Ensemble)(nil)
)

// New returns the blend of the sources with the quotas and weights that they carry. The error
// names every source that is not valid. At least one needs a quota.
func New(sources ...Source) (*Ensemble, error) {
	if err := check(sources, true); err != nil {
		return nil, err
	}
	return newEnsemble(slices.Clone(sources), nil, nil), nil
}

// check names every source that is not valid.
func check(sources []Source, bound bool) error {
	var errs []error
	bad := func(i int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("ensemble: source %d (%q): %w", i, sources[i].Name, fmt.Errorf(format, args...)))
	}
	candidates := 0
	for i := range sources {
		s := &sources[i]
		switch {
		case s.Name == "":
			bad(i, "the name is empty")
		case slices.ContainsFunc(sources[:i], func(o Source) bool { return o.Name == s.Name }):
			bad(i, "another source has this name")
		}
		if bound && s.Retriever == nil {
			bad(i, "Retriever is nil")
		}
		if s.Quota < 0 || s.Quota > maxQuota {
			bad(i, "Quota is %d; want 0 to %d", s.Quota, maxQuota)
		}
		if !(s.Weight >= 0 && s.Weight <= math.MaxFloat32) {
			bad(i, "Weight is %v; want a finite number >= 0", s.Weight)
		}
		candidates += s.Quota
	}
	switch {
	case len(sources) == 0:
		errs = append(errs, errors.New("ensemble: no sources"))
	case len(errs) == 0 && candidates == 0:
		errs = append(errs, errors.New("ensemble: no source has a quota; want Quota > 0 for one at least"))
	}
	return errors.Join(errs...)
}

// newEnsemble takes over valid sources.
func newEnsemble(sources []Source, merge []float64, report *Report) *Ensemble {
	e := &Ensemble{sources: sources, merge: merge, report: report, pool: new(sync.Pool)}
	e.bindVersion()
	return e
}

// bindVersion makes Version name e itself.
func (e *Ensemble) bindVersion() { e.version = sync.OnceValue(e.name) }

// name names the blend by its file and the versions of the sources.
func (e *Ensemble) name() string {
	var b strings.Builder
	b.WriteString(fingerprint.Of(e))
	for i := range e.sources {
		if v, ok := recsys.AbilityOf[recsys.Versioned](e.sources[i].Retriever); ok {
			b.WriteByte(' ')
			b.WriteString(v.Version())
		}
	}
	return b.String()
}

// Version returns what names the blend by its quotas and weights, 16 hex digits, and by the
// versions of the sources that have one, separated by spaces.
func (e *Ensemble) Version() string { return e.version() }

// Sources returns a copy of the sources with their quotas and weights, in the order that they
// were given in.
func (e *Ensemble) Sources() []Source { return slices.Clone(e.sources) }

// Quotas returns the candidates that each source proposes, by name.
func (e *Ensemble) Quotas() map[string]int {
	m := make(map[string]int, len(e.sources))
	for i := range e.sources {
		m[e.sources[i].Name] = e.sources[i].Quota
	}
	return m
}

// Weights returns what the score of each source counts, by name, in units of its spread within
// the request.
func (e *Ensemble) Weights() map[string]float64 {
	m := make(map[string]float64, len(e.sources))
	for i := range e.sources {
		m[e.sources[i].Name] = e.sources[i].Weight
	}
	return m
}

// Report returns what [Learn] found out, nil for a blend that was not learned. It is the
// ensemble's, not to be written to.
func (e *Ensemble) Report() *Report { return e.report }

// leastWeight stands for 0 in a pipeline, where a weight is > 0.
const leastWeight = 1e-6

// Options returns what makes a pipeline retrieve from the sources of the blend itself: each that
// has a quota, with that quota and the weight that [Learn] found for the pipeline's
// [recsys.WeightedScore] merge, which it sets. That merge scales the list of a source to
// [0, 1] and gives nothing to what is not on it, so its weights are not those of
// [Ensemble.Weights]. Of a blend that was not learned, the weights are those given.
func (e *Ensemble) Options() []recsys.Option {
	opts := []recsys.Option{recsys.MergeBy(recsys.WeightedScore)}
	for i := range e.sources {
		s := &e.sources[i]
		if s.Quota == 0 {
			continue
		}
		w := s.Weight
		if e.merge != nil {
			w = e.merge[i]
		}
		opts = append(opts, recsys.Retrieve(s.Name, s.Retriever, recsys.Quota(s.Quota), recsys.Weight(max(w, leastWeight))))
	}
	return opts
}

// With returns the blend with other retrievers, found by name: models trained again, or those
// that belong to a file. Quotas and weights of the sources given play no part, sources whose
// name the blend does not have are left out. A name that is not given is an
// error that wraps [ErrMissing] and names all of them.
func (e *Ensemble) With(sources ...Source) (*Ensemble, error) {
	all := slices.Clone(e.sources)
	var missing []string
	for i := range all {
		at := slices.IndexFunc(sources, func(s Source) bool { return s.Name == all[i].Name })
		if at < 0 || sources[at].Retriever == nil {
			missing = append(missing, fmt.Sprintf("%q", all[i].Name))
			continue
		}
		all[i].Retriever = sources[at].Retriever
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrMissing, strings.Join(missing, ", "))
	}
	return newEnsemble(all, e.merge, e.report), nil
}

// Validate validates the sources, and reports an ensemble that was read from a file and has
// none yet.
func (e *Ensemble) Validate() error {
	var errs []error
	for i := range e.sources {
		s := &e.sources[i]
		if s.Retriever == nil {
			errs = append(errs, fmt.Errorf("%w: %q", ErrMissing, s.Name))
		} else if v, ok := s.Retriever.(recsys.Validator); ok {
			if err := v.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("ensemble: source %q: %w", s.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Bind binds the sources.
func (e *Ensemble) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	all := slices.Clone(e.sources)
	var errs []error
	for i := range all {
		var err error
		if all[i].Retriever == nil {
			err = ErrMissing
		} else {
			all[i].Retriever, err = recsys.Bind(all[i].Retriever, s)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ensemble: source %q: %w", all[i].Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newEnsemble(all, e.merge, e.report), nil
}

// Retrieve adds the candidates of the pool by falling score, ties by item ID; there are at most
// as many as the sum of the quotas. An error of a source is the ensemble's, with the name of
// the source. When ctx ends, no further source is asked, and the error wraps that of ctx.
func (e *Ensemble) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	if out.Room() <= 0 {
		return nil
	}
	s := e.acquire()
	defer e.pool.Put(s)
	if err := s.gather(ctx, e.sources, q); err != nil {
		return err
	}
	if err := s.blend(ctx, e.sources, q, nil); err != nil {
		return err
	}
	s.propose(q, out)
	return nil
}

// ScoreItems writes the score of each item: that of Retrieve, whether the item is in the pool or
// not, 0 for items that no source knows. It costs what Retrieve costs, and the scores of the
// items.
func (e *Ensemble) ScoreItems(ctx context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	if len(items) == 0 {
		return nil
	}
	s := e.acquire()
	defer e.pool.Put(s)
	if err := s.gather(ctx, e.sources, q); err != nil {
		return err
	}
	if err := s.blend(ctx, e.sources, q, items); err != nil {
		return err
	}
	copy(dst, s.total)
	return nil
}

func (e *Ensemble) acquire() *scratch {
	if s, ok := e.pool.Get().(*scratch); ok {
		return s
	}
	return newScratch(len(e.sources))
}
