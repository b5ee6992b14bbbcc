package recsys

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys/internal/hash"
)

// Request asks for one slate. It is the caller's and is never written to; its
// slices must not change until Recommend has returned.
type Request struct {
	// ID names the decision in the log and in feedback, and should be unique. Empty: one
	// is made from User, Surface, K, Items, Exclude, Allow, History, Now and Seed, at the
	// cost of an allocation; see [Result].ID.
	ID string

	User    UserID
	Surface string // where the slate is shown: "home", "item-page"; may be empty

	// K is the number of items wanted, >= 1. Fewer come back when fewer can be served.
	K int

	// Now is the event time of the request: every age, decay and window is measured
	// from it. Zero means the pipeline's clock. Stages see it in UTC.
	Now time.Time

	// Seed is what all randomness of the request derives from. Zero means a hash of
	// ID, or of what an ID is made from where that is empty too.
	Seed uint64

	Items   []ItemID // anchors: the item of an item page, the contents of a basket
	History []Event  // what the user did, oldest first

	// Exclude lists items that must not be served; doubles do no harm. If Allow is
	// not empty, nothing outside it is served.
	Exclude, Allow []ItemID

	// Arms names the experiment arms the request is in, for the record.
	Arms []string

	// Context holds the context features; see [Pipeline.Context].
	Context []Value

	// Explain keeps what [Result.Explain] and [Result.WhyNot] need. It costs memory and time.
	Explain bool
}

// Value is one context feature, resolved to its column by [Pipeline.Context].
type Value struct {
	column int    // index among the context columns
	layout uint64 // hash of the context columns it was made for
	float  float32
	id     uint64
	vector []float32
}

// Query is what stages see of a request: the request with Now, Seed and ID
// resolved, and the request row, which is hydrated before the retrievers run.
//
// A query is read-only. It is the pipeline's and is valid until the call returns;
// a stage marked [Remote] gets a copy of its own that stays valid.
type Query struct {
	Request

	floats  []float32
	ids     []uint64
	vectors [][]float32
	missing Bits // per group
	stale   Bits
	ages    []float32 // per group
	schema  *Schema
	stage   uint64 // hash of the name of the stage being called

	replayed bool
}

// NewQuery returns a query for req as the stage named stage would see it, its
// request row missing. It serves tests, offline scoring and conformance suites.
// A nil schema stands for one without columns.
func NewQuery(req *Request, s *Schema, stage string) *Query {
	if s == nil {
		s = &Schema{}
	}
	q := &Query{}
	q.reset(req, s)
	q.resolve(nil)
	q.stage = HashID(stage)
	return q
}

// reset readies q for req with all request columns at their defaults.
func (q *Query) reset(req *Request, s *Schema) {
	q.Request, q.schema, q.replayed = *req, s, false
	q.floats = resize(q.floats, s.reqFloats)
	q.ids = resize(q.ids, s.reqIDs)
	clear(q.ids)
	q.vectors = resize(q.vectors, len(s.reqVectors))
	for i, d := range s.reqVectors {
		q.vectors[i] = resize(q.vectors[i], d)
		clear(q.vectors[i])
	}
	q.missing = resizeBits(q.missing, len(s.groups))
	q.stale = resizeBits(q.stale, len(s.groups))
	q.ages = resize(q.ages, len(s.groups))
	for g := range q.ages {
		q.ages[g] = unknownAge()
	}
	for i := range s.fields {
		if f := &s.fields[i]; f.Scope == PerRequest && f.Kind == Float {
			q.floats[f.Index] = f.missing()
		}
	}
}

// resolve fills in what the caller left to the pipeline.
func (q *Query) resolve(clock func() time.Time) {
	if q.Now.IsZero() && clock != nil {
		q.Now = clock()
	}
	q.Now = q.Now.UTC() // a record keeps no time zone, and what it replays must see the same hour
	if q.Seed == 0 {
		var h fingerprint
		h.text(q.ID)
		if q.ID == "" {
			h.num(q.content())
		}
		q.Seed = max(hash.Mix64(uint64(h)), 1)
	}
	if q.ID == "" {
		q.ID = fmt.Sprintf("%016x", hash.Combine(q.Seed, q.content()))
	}
}

// content hashes what tells requests without an ID apart.
func (q *Query) content() uint64 {
	var h fingerprint
	h.num(uint64(q.User)).num(uint64(unixNano(q.Now))).text(q.Surface).num(uint64(q.K))
	for _, ids := range [...][]ItemID{q.Items, q.Exclude, q.Allow} {
		h.num(uint64(len(ids)))
		for _, id := range ids {
			h.num(uint64(id))
		}
	}
	h.num(uint64(len(q.History)))
	if n := len(q.History); n > 0 {
		h.num(uint64(q.History[n-1].Item))
	}
	return uint64(h)
}

// Floats returns the float columns of the request row; see [Field].Index.
func (q *Query) Floats() []float32 { return q.floats }

// IDs returns the ID columns of the request row.
func (q *Query) IDs() []uint64 { return q.ids }

// Vector returns vector column i of the request row, for example the user's embedding.
func (q *Query) Vector(i int) []float32 { return q.vectors[i] }

// Missing reports whether the source of a group (see [Field].Group) did not know the request.
func (q *Query) Missing(group int) bool { return q.missing.Has(group) }

// Stale reports whether the source of a group gave values beyond their MaxAge.
func (q *Query) Stale(group int) bool { return q.stale.Has(group) }

// Age returns how old the values of a group are at Now, in seconds; NaN where that is not known, as of groups of scope PerItem.
func (q *Query) Age(group int) float32 { return q.ages[group] }

// Replayed reports whether the request was answered before and runs again from its record; see [Pipeline.Replay].
// A stage that remembers its decisions must not take it for a new one.
func (q *Query) Replayed() bool { return q.replayed }

// Rand returns the random source of the stage being called: it derives from the
// request's seed and the stage's name alone, and starts anew at every call.
// Methods of a PCG are called on its address; it does not escape.
func (q *Query) Rand() rand.PCG {
	var r rand.PCG
	r.Seed(hash.Mix64(q.Seed^q.stage), hash.Mix64(q.stage+0x9e3779b97f4a7c15*q.Seed))
	return r
}

// cloneTo makes dst a deep copy of q in dst's own memory.
func (q *Query) cloneTo(dst *Query) {
	keep := *dst
	*dst = *q
	dst.Items = append(keep.Items[:0], q.Items...)
	dst.History = append(keep.History[:0], q.History...)
	dst.Exclude = append(keep.Exclude[:0], q.Exclude...)
	dst.Allow = append(keep.Allow[:0], q.Allow...)
	dst.Arms = append(keep.Arms[:0], q.Arms...)
	dst.Context = append(keep.Context[:0], q.Context...)
	for i := range dst.Context {
		dst.Context[i].vector = append([]float32(nil), q.Context[i].vector...)
	}
	dst.floats = append(keep.floats[:0], q.floats...)
	dst.ids = append(keep.ids[:0], q.ids...)
	dst.vectors = resize(keep.vectors, len(q.vectors))
	for i := range q.vectors {
		dst.vectors[i] = append(dst.vectors[i][:0], q.vectors[i]...)
	}
	dst.missing = append(keep.missing[:0], q.missing...)
	dst.stale = append(keep.stale[:0], q.stale...)
	dst.ages = append(keep.ages[:0], q.ages...)
}

// contextValue converts v for a column, or says what it should have been.
func contextValue(c *Column, v any) (Value, error) {
	var out Value
	ok := true
	switch c.Kind {
	case Float:
		switch x := v.(type) {
		case float32:
			out.float = x
		case float64:
			if !math.IsInf(x, 0) && math.Abs(x) > math.MaxFloat32 {
				return out, fmt.Errorf("context %q: %v overflows a float32", c.Name, x)
			}
			out.float = float32(x)
		case int:
			out.float = float32(x)
		case int64:
			out.float = float32(x)
		case bool:
			if x {
				out.float = 1
			}
		default:
			ok = false
		}
		if ok && math.IsInf(float64(out.float), 0) {
			return out, fmt.Errorf("context %q: %v is not finite; leave it out when unknown", c.Name, out.float)
		}
	case ID:
		switch x := v.(type) {
		case uint64:
			out.id = x
		case ItemID:
			out.id = uint64(x)
		case UserID:
			out.id = uint64(x)
		case int:
			out.id, ok = uint64(x), x >= 0
		case string:
			out.id = HashID(x)
		default:
			ok = false
		}
	case Vector:
		x, isVector := v.([]float32)
		if isVector && len(x) != c.Dim {
			return out, fmt.Errorf("context %q: vector of length %d; want %d", c.Name, len(x), c.Dim)
		}
		out.vector, ok = append([]float32(nil), x...), isVector
	}
	if !ok {
		return out, fmt.Errorf("context %q: cannot use %T as %v", c.Name, v, c.Kind)
	}
	return out, nil
}

// Sentinels of a request that cannot be served; see [Pipeline.Recommend].
var (
	// ErrRequest is wrapped by the error for a request that is not valid: K < 1,
	// context values made for another pipeline.
	ErrRequest = errors.New("recsys: invalid request")
	// ErrNoCandidates is wrapped by the error when no source proposed anything that could be served.
	ErrNoCandidates = errors.New("recsys: nothing to serve")
	// ErrClosed is returned by a pipeline after Close.
	ErrClosed = errors.New("recsys: pipeline is closed")
)
