package calibrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
)

// Ranker calibrates heads of another ranker. [Wrap] makes one.
//
// It is immutable and safe for concurrent use if the inner ranker is, and allocates
// nothing of its own. It has the inner ranker's heads, binding and checks; Close and
// Learn are the inner ranker's, which pipelines find by Unwrap.
type Ranker struct {
	inner   recsys.Ranker
	heads   []string
	kinds   []recsys.HeadKind
	maps    []*Calibrator // parallel to heads; nil: left as it is
	score   int           // head that is the score; -1: the inner ranker's
	bare    bool          // the inner ranker writes no heads
	version string
}

var (
	_ recsys.Ranker                 = (*Ranker)(nil)
	_ recsys.HeadWriter             = (*Ranker)(nil)
	_ recsys.HeadKinder             = (*Ranker)(nil)
	_ recsys.Versioned              = (*Ranker)(nil)
	_ recsys.Validator              = (*Ranker)(nil)
	_ recsys.Binder[recsys.Ranker]  = (*Ranker)(nil)
	_ recsys.Wrapper[recsys.Ranker] = (*Ranker)(nil)
)

// WrapConfig says what [Wrap] calibrates.
type WrapConfig struct {
	// Heads has a calibrator for each head that is to be a probability, at least one. Other
	// heads stay as they are. For a ranker without heads, which writes a score only, it
	// has one calibrator, which maps the score to a head of the name given here.
	Heads Heads

	// Score names the head whose value becomes the score. Empty: the only head where there is one,
	// else the score stays the inner ranker's. It matters where no objective makes the score.
	Score string
}

// Wrap returns a ranker that calibrates heads of r. The error joins all mistakes: a nil
// ranker or calibrator, names that r does not write.
func Wrap(r recsys.Ranker, cfg WrapConfig) (*Ranker, error) {
	if r == nil {
		return nil, errors.New("calibrate: Wrap: the ranker is nil")
	}
	w := &Ranker{inner: r, score: -1}
	if h, ok := r.(recsys.HeadWriter); ok {
		w.heads = h.Heads()
	}
	names := cfg.Heads.names()
	if len(w.heads) == 0 && len(names) == 1 {
		w.heads, w.bare = names, true
	}
	var errs []error
	if len(names) == 0 {
		errs = append(errs, errors.New("calibrate: WrapConfig.Heads is empty; name the heads to calibrate"))
	}
	for _, name := range names {
		if !slices.Contains(w.heads, name) {
			errs = append(errs, fmt.Errorf("calibrate: WrapConfig.Heads: the ranker does not write the head %q (heads: %q)", name, w.heads))
		}
		if cfg.Heads[name] == nil {
			errs = append(errs, fmt.Errorf("calibrate: WrapConfig.Heads[%q] is nil", name))
		}
	}
	switch {
	case cfg.Score != "":
		if w.score = slices.Index(w.heads, cfg.Score); w.score < 0 {
			errs = append(errs, fmt.Errorf("calibrate: WrapConfig.Score is %q; want one of the heads %q, or none", cfg.Score, w.heads))
		}
	case len(w.heads) == 1:
		w.score = 0
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	w.kinds = make([]recsys.HeadKind, len(w.heads))
	if k, ok := r.(recsys.HeadKinder); ok && !w.bare {
		copy(w.kinds, k.HeadKinds())
	}
	w.maps = make([]*Calibrator, len(w.heads))
	for h, name := range w.heads {
		if c := cfg.Heads[name]; c != nil {
			w.maps[h], w.kinds[h] = c, recsys.HeadProbability
		}
	}
	w.version = cfg.Heads.Version()
	if w.score >= 0 {
		w.version += "-by-" + w.heads[w.score]
	}
	if v, ok := recsys.AbilityOf[recsys.Versioned](r); ok && v.Version() != "" {
		w.version = v.Version() + "+" + w.version
	}
	return w, nil
}

// Unwrap returns the inner ranker.
func (r *Ranker) Unwrap() recsys.Ranker { return r.inner }

// Heads returns the inner ranker's heads, or the one that the calibrator makes of the
// score. The slice is the ranker's.
func (r *Ranker) Heads() []string { return r.heads }

// HeadKinds returns the inner ranker's kinds, with the calibrated heads as
// probabilities. The slice is the ranker's.
func (r *Ranker) HeadKinds() []recsys.HeadKind { return r.kinds }

// Version returns the inner ranker's version, if it has one, with a hash of the calibrators.
func (r *Ranker) Version() string { return r.version }

// Validate returns what the inner ranker's Validate returns, if it has one.
func (r *Ranker) Validate() error {
	if v, ok := r.inner.(recsys.Validator); ok {
		return v.Validate()
	}
	return nil
}

// Bind binds the inner ranker and returns the ranker around it.
func (r *Ranker) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	inner, err := recsys.Bind(r.inner, s)
	if err != nil {
		return nil, err
	}
	bound := *r
	bound.inner = inner
	return &bound, nil
}

// Rank lets the inner ranker write, then calibrates. Heads that are NaN stay so.
func (r *Ranker) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	n, heads := c.Len(), len(r.heads)
	if n > 0 && (out.Stride < heads || len(out.Heads) < (n-1)*out.Stride+heads || len(out.Score) < n) {
		return fmt.Errorf("calibrate: no room for %d rows of %d heads (stride %d, %d values)", n, heads, out.Stride, len(out.Heads))
	}
	inner := out
	if r.bare {
		inner.Heads, inner.Stride = nil, 0
	}
	if err := r.inner.Rank(ctx, q, c, inner); err != nil {
		return err
	}
	for h, m := range r.maps {
		if m == nil {
			continue
		}
		for i := range n {
			v := &out.Heads[i*out.Stride+h]
			if r.bare {
				*v = out.Score[i]
			}
			*v = float32(m.Probability(float64(*v)))
		}
	}
	if r.score >= 0 {
		for i := range n {
			out.Score[i] = out.Heads[i*out.Stride+r.score]
		}
	}
	return nil
}

// String prints the version.
func (r *Ranker) String() string { return "calibrated ranker " + r.version }
