package recsys

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
)

// FeatureView names a feature view and the version of its definition: what a source serves, and what a model
// was trained on. See package features.
type FeatureView struct {
	Name string `json:"name"` // as in "item.stats"
	Hash uint64 `json:"hash"` // of the definition; 0 is no hash

	// Encoders is the hash of the encoders that are part of the definition, and of Hash; 0 for none. See [EncoderSource].
	Encoders uint64 `json:"encoders,omitempty"`
}

// String returns the name and the hash in hexadecimal digits, as errors have it: "item.stats 7c434fec2b35ce67".
func (v FeatureView) String() string { return fmt.Sprintf("%s %016x", v.Name, v.Hash) }

// ViewSource is implemented by a [FeatureSource] that serves columns of declared views. FeatureViews returns the same
// views every time; the result is read-only. They stand in exposure records, and Build
// compares them with what stages were made for; see [ViewUser].
type ViewSource interface{ FeatureViews() []FeatureView }

// ViewUser is implemented by a stage that was made from the values of views: a ranker that was trained on them.
// TrainedOn returns the views as they were then; nil where that is not known. Build fails with a [*ViewError] for each that
// no source of the pipeline serves in the same version.
type ViewUser interface{ TrainedOn() []FeatureView }

// EncoderSource is implemented by a [FeatureSource] that derives columns from those of others: an encoder.Set. Hash identifies
// what it computes. Build fails with a [*ViewError] for a view whose Encoders no source of the pipeline has as its Hash.
type EncoderSource interface{ Hash() uint64 }

// AgeWriter is implemented by a [FeatureSource] that knows how old its rows are: if WritesAges returns true, its blocks
// have ages, see [Block].Age, which stand in [Candidates.Ages] and exposure records.
type AgeWriter interface{ WritesAges() bool }

// StageView is a view that a stage of a pipeline served.
type StageView struct {
	Stage string // label of the source, as in "features/items"
	FeatureView
}

// String returns the label of the stage and the view: "features/items: item.stats 7c434fec2b35ce67".
func (v StageView) String() string { return v.Stage + ": " + v.FeatureView.String() }

// ErrSchema is wrapped by the errors about things that were made for other columns or other versions of a view.
var ErrSchema = envelope.ErrSchema

// ViewError says that something was made for another version of a view than it meets.
type ViewError struct {
	View   string // its name
	Column string // the first column that differs; empty where only the hashes are known
	Want   uint64 // the hash that was expected
	Have   uint64 // the hash that there is; 0 where there is no such view
	Reason string // what is different, and what to do
}

// Error names the view, the column if it is known, both hashes and the reason.
func (e *ViewError) Error() string {
	s := fmt.Sprintf("feature view %q", e.View)
	if e.Column != "" {
		s += fmt.Sprintf(", column %q", e.Column)
	}
	if e.Have == 0 {
		s += fmt.Sprintf(": want version %016x, there is none", e.Want)
	} else {
		s += fmt.Sprintf(": want version %016x, have %016x", e.Want, e.Have)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap returns [ErrSchema].
func (e *ViewError) Unwrap() error { return ErrSchema }

// declared notes the views of a source and whether it writes ages.
func (w *wiring) declared(st *stage[FeatureSource], layouts ...*blockLayout) {
	views, err := guardedViews[ViewSource](st.given, ViewSource.FeatureViews)
	if err != nil {
		w.bad(st.label, err)
	}
	for _, v := range views {
		if i := slices.IndexFunc(w.p.stageViews, func(s StageView) bool { return s.Name == v.Name }); i >= 0 && w.p.stageViews[i].Hash != v.Hash {
			w.bad(st.label, &ViewError{
				View: v.Name, Want: w.p.stageViews[i].Hash, Have: v.Hash,
				Reason: fmt.Sprintf("%q serves another version of it; serve one", w.p.stageViews[i].Stage),
			})
			continue
		}
		w.p.stageViews = append(w.p.stageViews, StageView{st.label, v})
	}
	writes, err := guardedAges(st.given)
	if err != nil {
		w.bad(st.label, err)
	}
	for _, l := range layouts {
		l.ages = writes && !l.empty()
	}
}

// layoutAges notes which groups have ages.
func (w *wiring) layoutAges(groups int) {
	p := w.p
	for _, layouts := range [...][]blockLayout{p.requestCols, p.itemCols} {
		for i := range layouts {
			if l := &layouts[i]; l.ages && l.group >= 0 {
				if p.aged == nil {
					p.aged = make([]bool, groups)
				}
				p.aged[l.group] = true
			}
		}
	}
}

// checkViews compares what stages were made for with what the sources serve.
func (w *wiring) checkViews() {
	p := w.p
	w.checkEncoders()
	checkViews(w, p.sources)
	checkViews(w, p.features)
	checkViews(w, p.filters)
	checkViews(w, p.rankers)
	checkViews(w, p.rerankers)
	if p.explorer != nil {
		checkViews(w, []*stage[Explorer]{p.explorer})
	}
}

// checkEncoders compares the encoders that are part of views with those that run.
func (w *wiring) checkEncoders() {
	var run []uint64
	for _, st := range w.p.features {
		if e, ok, err := ability[EncoderSource](st.given); err == nil && ok {
			h, err := hashOf(e)
			if err != nil {
				w.bad(st.label, err)
			}
			run = append(run, h)
		}
	}
	declared := func(h uint64) bool {
		return slices.ContainsFunc(w.p.stageViews, func(v StageView) bool { return v.Encoders == h })
	}
	for _, v := range w.p.stageViews {
		if v.Encoders == 0 || slices.Contains(run, v.Encoders) {
			continue
		}
		have := uint64(0)
		if i := slices.IndexFunc(run, func(h uint64) bool { return !declared(h) }); i >= 0 {
			have = run[i]
		}
		w.bad(v.Stage, &ViewError{
			View: v.Name, Want: v.Encoders, Have: have,
			Reason: "these are versions of its encoders; add the encoders that the view declares to the feature sources, or declare those that run",
		})
	}
}

func hashOf(e EncoderSource) (h uint64, err error) {
	defer catch(&err)
	return e.Hash(), nil
}

// otherVersion says what is known of why two versions of a view differ.
func otherVersion(a, b uint64) string {
	switch {
	case a == 0 || b == 0:
		return "with another definition"
	case a == b:
		return "with the same encoders and other columns or aggregates"
	}
	return "with encoders that were fitted anew, or are others"
}

func checkViews[S any](w *wiring, stages []*stage[S]) {
	for _, st := range stages {
		views, err := guardedViews[ViewUser](st.run, ViewUser.TrainedOn)
		if err != nil {
			w.bad(st.label, err)
		}
		for _, v := range views {
			i := slices.IndexFunc(w.p.stageViews, func(s StageView) bool { return s.Name == v.Name })
			switch {
			case i < 0:
				w.bad(st.label, &ViewError{
					View: v.Name, Want: v.Hash,
					Reason: "it was trained on this view, and no feature source of the pipeline declares it; add its store, or train on what is served",
				})
			case w.p.stageViews[i].Hash != v.Hash:
				w.bad(st.label, &ViewError{
					View: v.Name, Want: v.Hash, Have: w.p.stageViews[i].Hash,
					Reason: fmt.Sprintf("it was trained on another version than %q serves, %s; train it anew, or serve the version that it knows",
						w.p.stageViews[i].Stage, otherVersion(v.Encoders, w.p.stageViews[i].Encoders)),
				})
			}
		}
	}
}

// guardedViews asks a stage, or what it wraps, for views; none if it has not the ability.
func guardedViews[A, S any](given S, views func(A) []FeatureView) (out []FeatureView, err error) {
	defer catch(&err)
	if a, ok := AbilityOf[A](given); ok {
		out = views(a)
	}
	return out, nil
}

func guardedAges(s FeatureSource) (writes bool, err error) {
	defer catch(&err)
	a, ok := AbilityOf[AgeWriter](s)
	return ok && a.WritesAges(), nil
}
