package recsys

import (
	"fmt"

	"github.com/recsyskit/recsys/internal/envelope"
)

// FeatureView names a feature view and the version of its definition: what a source serves, and what a model
// was trained on. See package features.
type FeatureView struct {
	Name string `json:"name"` // as in "item.stats"
	Hash uint64 `json:"hash"` // of the definition; 0 is no hash
}

// ViewSource is implemented by a [FeatureSource] that serves columns of declared views. FeatureViews returns the same
// views every time; the result is read-only. They stand in exposure records, and Build
// compares them with what stages were made for; see [ViewUser].
type ViewSource interface{ FeatureViews() []FeatureView }

// ViewUser is implemented by a stage that was made from the values of views: a ranker that was trained on them.
// TrainedOn returns the views as they were then; nil where that is not known. Build fails with a [*ViewError] for each that
// no source of the pipeline serves in the same version.
type ViewUser interface{ TrainedOn() []FeatureView }

// AgeWriter is implemented by a [FeatureSource] that knows how old its rows are: if WritesAges returns true, its blocks
// have ages, see [Block].Age, which stand in [Candidates.Ages] and exposure records.
type AgeWriter interface{ WritesAges() bool }

// StageView is a view that a stage of a pipeline served.
type StageView struct {
	Stage string // label of the source, as in "features/items"
	FeatureView
}

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
