package retrieval

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// History says how much each event of [recsys.Request].History counts when a
// retriever describes the user by it. It is the part of a model's configuration that
// concerns serving alone, and can be changed without training again.
//
// An event counts
//
//	kind × value × Decay^s × 2^(-age/HalfLife)
//
// where kind is the weight of its kind, value is 1 unless Values is set, and s is the
// number of events after it. The
// weights of several events with one item add up. Events with items that the model
// does not know count nothing, but take their place among the Last.
//
// When no event counts, the anchors of the request (Request.Items: the item of an item
// page, the contents of a basket) stand in, each with weight 1.
//
// The zero value: the whole history, every kind 1 but Dislike, Skip and Hide 0, no decay.
type History struct {
	// Last is the number of events that count, from the newest; 0 means all. It
	// bounds the time that one request can take.
	Last int `json:",omitempty"`

	// Decay is the factor per event from the newest back, in (0, 1]; 0 means 1.
	Decay float64 `json:",omitempty"`

	// HalfLife is the age at which an event counts half; 0 means that age does not
	// count. Ages are measured from Request.Now, and from the newest event when that is
	// zero. Events of unknown or future time are not discounted. Where even the newest event
	// is older than 32 half-lives, ages are measured from 32 half-lives after it: the events
	// of a user who was long away keep their proportions.
	HalfLife time.Duration `json:",omitempty"`

	// Kinds gives the weight of event kinds, >= 0 and finite. Kinds that are not in it
	// keep their default: 0 for Dislike, Skip and Hide, 1 for all others, impressions
	// included, since a history holds what the user did. A pipeline that logs what
	// was shown into the history sets recsys.Impression to 0.
	Kinds map[recsys.EventKind]float64 `json:",omitempty"`

	// Values makes an event count in proportion to its Value, where that is finite and > 0,
	// as the weights of [Interactions] do in training. Set it when the values of all kinds
	// that count are on one scale: plays, ratings.
	Values bool `json:",omitempty"`

	// PreferAnchors makes the anchors of a request replace the history, for a source
	// that proposes what goes with the item of the page whoever looks at it.
	PreferAnchors bool `json:",omitempty"`
}

// Validate returns an error that names every field that is out of its domain.
func (h History) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("retrieval: History."+format, args...))
	}
	if h.Last < 0 {
		bad("Last is %d; want >= 0 (0 means all)", h.Last)
	}
	if !(h.Decay >= 0 && h.Decay <= 1) {
		bad("Decay is %v; want a factor in (0, 1] (0 means 1)", h.Decay)
	}
	if h.HalfLife < 0 {
		bad("HalfLife is %v; want >= 0 (0 means no decay)", h.HalfLife)
	}
	for kind := range 256 {
		k := recsys.EventKind(kind)
		if w, ok := h.Kinds[k]; ok && !(w >= 0 && w <= math.MaxFloat32) {
			bad("Kinds[%v] is %v; want a finite weight >= 0", k, w)
		}
	}
	return errors.Join(errs...)
}
