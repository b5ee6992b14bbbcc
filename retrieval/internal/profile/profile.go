// Package profile turns a request into weighted items of a model: the form in which
// collaborative filtering sees a user whom it need not have met in training.
package profile

import (
	"math"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// Entry is an item of a profile: its position in the model and its weight, > 0.
type Entry struct {
	Item   int32
	Weight float32
}

// Reader reads profiles by a [retrieval.History]. It is immutable and safe for
// concurrent use.
type Reader struct {
	kinds         [256]float64
	last          int
	decay         float64 // 1: none
	halfLife      time.Duration
	values        bool
	preferAnchors bool
}

// New returns a reader for h, or the error of h.Validate.
func New(h retrieval.History) (*Reader, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	r := &Reader{last: h.Last, decay: h.Decay, halfLife: h.HalfLife, values: h.Values, preferAnchors: h.PreferAnchors}
	if r.last == 0 {
		r.last = math.MaxInt
	}
	if r.decay == 0 {
		r.decay = 1
	}
	for k := range r.kinds {
		r.kinds[k] = 1
	}
	for _, k := range []recsys.EventKind{recsys.Dislike, recsys.Skip, recsys.Hide} {
		r.kinds[k] = 0
	}
	for k, w := range h.Kinds {
		r.kinds[k] = w
	}
	return r, nil
}

// Read appends to dst[:0] the profile of a request: its known items by ascending
// position, each once, with positive weights. It allocates only to grow dst.
func (r *Reader) Read(dst []Entry, q *recsys.Query, items *itemindex.Index) []Entry {
	dst = dst[:0]
	if !r.Anchored(q) {
		r.Each(q, func(id recsys.ItemID, w float32) {
			if at := items.Find(id); at >= 0 {
				dst = append(dst, Entry{at, w})
			}
		})
	}
	if len(dst) == 0 {
		for _, id := range q.Items {
			if at := items.Find(id); at >= 0 {
				dst = append(dst, Entry{at, 1})
			}
		}
	}
	return merge(dst)
}

// Anchored reports whether the anchors of a request replace its history.
func (r *Reader) Anchored(q *recsys.Query) bool { return r.preferAnchors && len(q.Items) > 0 }

// Each calls visit for each event that counts, newest first, with its item and its weight,
// > 0. It allocates nothing.
func (r *Reader) Each(q *recsys.Query, visit func(item recsys.ItemID, weight float32)) {
	h := q.History
	if len(h) > r.last {
		h = h[len(h)-r.last:]
	}
	now := q.Now
	if r.halfLife > 0 && now.IsZero() {
		for i := range h {
			if h[i].Time.After(now) {
				now = h[i].Time
			}
		}
	}
	since := r.since(h, now)
	recency := 1.0
	for i := len(h) - 1; i >= 0; i-- {
		e := &h[i]
		w := r.kinds[e.Kind] * recency
		recency *= r.decay
		if w == 0 {
			continue
		}
		if r.values && e.Value > 0 && e.Value <= math.MaxFloat32 {
			w *= float64(e.Value)
		}
		if r.halfLife > 0 && !e.Time.IsZero() {
			if age := since.Sub(e.Time); age > 0 {
				w *= fmath.Exp(-math.Ln2 * (float64(age) / float64(r.halfLife)))
			}
		}
		if w := float32(min(w, math.MaxFloat32)); w > 0 {
			visit(e.Item, w)
		}
	}
}

// oldest is how many half-lives the youngest event may be old. Nothing of weight 1 loses
// a bit of float32 beside such an event.
const oldest = 32

// since returns when ages are measured from: now, but for a history that is so old that
// all weights would vanish together. What counts is how they compare.
func (r *Reader) since(h []recsys.Event, now time.Time) time.Time {
	if r.halfLife == 0 || r.halfLife > math.MaxInt64/oldest {
		return now
	}
	var newest time.Time
	for i := range h {
		if e := &h[i]; r.kinds[e.Kind] > 0 && e.Time.After(newest) {
			newest = e.Time
		}
	}
	if limit := newest.Add(oldest * r.halfLife); !newest.IsZero() && limit.Before(now) {
		return limit
	}
	return now
}

// merge sorts the entries by item and adds up those of one item. Equal items are added
// in ascending order of weight, so that the sum does not depend on the sort.
func merge(entries []Entry) []Entry {
	slices.SortFunc(entries, func(a, b Entry) int {
		switch {
		case a.Item != b.Item:
			return int(a.Item) - int(b.Item)
		case a.Weight < b.Weight:
			return -1
		case a.Weight > b.Weight:
			return 1
		}
		return 0
	})
	n := 0
	for i, e := range entries {
		if i > 0 && entries[n-1].Item == e.Item {
			entries[n-1].Weight = min(entries[n-1].Weight+e.Weight, math.MaxFloat32)
			continue
		}
		entries[n] = e
		n++
	}
	return entries[:n]
}
