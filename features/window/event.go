package window

import (
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// Event is what an [Aggregator] counts: something that happened to a key.
type Event struct {
	// Key names the row: an ItemID, a UserID, a hash of both.
	Key uint64

	// Time is the event time in Unix nanoseconds; negative is before 1970. Its
	// absolute value is at most [MaxTime].
	Time int64

	// Arrival is when the event became known, in Unix nanoseconds, 0 where that is not
	// known. An event that happens later than Config.Future after its arrival is refused.
	Arrival int64

	// ID is the other party: the item of an event that is counted for a user, the user of
	// one that is counted for an item. LastK lists it, Distinct counts it.
	ID uint64

	// Value is what Sum, Mean, Min, Max and DecaySum take: seconds, a price. It is finite.
	Value float32

	// Kind is what happened; see Aggregate.Kinds.
	Kind recsys.EventKind
}

// MaxTime is the largest absolute event time and Now, in nanoseconds: 1823-11-12 to 2116-02-20.
const MaxTime = 1 << 62

// Outcome says what became of an event.
type Outcome uint8

// The outcomes of [Aggregator.Add]. Each is counted in [Stats].
const (
	Accepted Outcome = iota // counted
	Late                    // earlier than the watermark: dropped
	Future                  // later than its arrival by more than Config.Future: refused
	Invalid                 // Value is not finite, or Time out of range: refused
	Ignored                 // of a kind that no aggregate counts; it moves the watermark
)

var outcomeNames = [...]string{"accepted", "late", "future", "invalid", "ignored"}

// String returns "accepted", "late", "future", "invalid" or "ignored".
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// Stats is what an [Aggregator] or a [Batch] has counted since it was made; a
// checkpoint keeps the counts.
type Stats struct {
	Accepted uint64 // events that were counted
	Late     uint64 // events dropped because they were earlier than the watermark
	Future   uint64 // events refused because they happen after they arrived, beyond Config.Future
	Invalid  uint64 // events refused for a value that is not finite or a time out of range
	Ignored  uint64 // events of a kind that no aggregate counts

	Forgotten uint64 // keys dropped because all their windows were empty
	Evicted   uint64 // keys dropped because there were MaxKeys

	Keys  int   // that there are
	Bytes int64 // of rows and index, room for growth included; 0 of a Batch
}

// Row is the values of one key at one time.
type Row struct {
	Key uint64

	// Time is the moment that the values are of, in Unix nanoseconds: the Now asked for,
	// or the key's newest event where that is later.
	Time int64

	// Newest is the time of the key's newest event, math.MinInt64 of an unknown key.
	Newest int64

	// Floats holds a value for each Float column, in the order of Columns: NaN where there is none.
	Floats []float64

	// IDs holds a value for each ID column, 0 where there is none.
	IDs []uint64
}

// shape readies r for the columns of p, reusing its memory, with every value missing.
func (r *Row) shape(p *plan) {
	r.Floats = append(r.Floats[:0], p.defaults...)
	r.IDs = append(r.IDs[:0], make([]uint64, p.ids)...)
}

// floorDiv returns a/b rounded down, b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// never is the time before all times.
const never = math.MinInt64

// Nanos returns t in Unix nanoseconds, held to MaxTime from 1970.
func Nanos(t time.Time) int64 {
	switch year := t.Year(); {
	case year < 1824:
		return -MaxTime
	case year > 2115:
		return MaxTime
	}
	return t.UnixNano()
}
