package journal

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// A record's payload is its kind and then its fields. Numbers are little endian, lengths and
// small numbers uvarints, strings and lists led by their length.

// kindMark is the kind of a mark, which is no change: it says which records had been synced when it was written.
const kindMark = 0x7f

// Flags of a decision and of feedback.
const (
	flagArms     = 1 << iota // of a decision: arms are written; else they are the items
	flagContexts             // of a decision: contexts are written
	flagTime     = 1         // of feedback: it has a time
)

// appendChange appends the payload of c. It allocates nothing beyond dst.
func appendChange(dst []byte, c *bandit.Change) []byte {
	dst = append(dst, byte(c.Kind))
	switch c.Kind {
	case bandit.ChangeDecision:
		dst = appendDecision(dst, &c.Decision)
	case bandit.ChangeFeedback:
		f := &c.Feedback
		flags := byte(0)
		if !f.Time.IsZero() {
			flags = flagTime
		}
		dst = append(dst, flags, byte(f.Kind))
		dst = appendString(dst, f.ID)
		dst = appendString(dst, f.Request)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(f.User))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(f.Item))
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(f.Value))
		if flags == flagTime {
			dst = binary.LittleEndian.AppendUint64(dst, nano(f.Time))
		}
	case bandit.ChangeAdvance:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(c.Now))
	case bandit.ChangeForget:
		dst = binary.AppendUvarint(dst, uint64(len(c.Arms)))
		dst = appendWords(dst, c.Arms)
	}
	return dst
}

func appendDecision(dst []byte, d *bandit.Decision) []byte {
	flags := byte(0)
	for i, item := range d.Items {
		if d.Arms[i] != uint64(item) {
			flags |= flagArms
			break
		}
	}
	if len(d.Context) > 0 {
		flags |= flagContexts
	}
	dst = append(dst, flags)
	dst = appendString(dst, d.ID)
	dst = binary.LittleEndian.AppendUint64(dst, nano(d.Time))
	dst = binary.LittleEndian.AppendUint64(dst, d.Segment)
	dst = binary.AppendUvarint(dst, uint64(len(d.Items)))
	dst = appendWords(dst, d.Items)
	if flags&flagArms != 0 {
		dst = appendWords(dst, d.Arms)
	}
	dst = appendFloats(dst, d.Propensities)
	for _, n := range d.Choices {
		dst = binary.AppendUvarint(dst, uint64(uint32(n)))
	}
	if flags&flagContexts != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(d.Context)))
		dst = appendFloats(dst, d.Context)
	}
	return dst
}

// nano returns t in nanoseconds since 1970, 0 for the zero time. A time out of their range is at its end, in the years 1677 and 2262,
// which the policy refuses again.
func nano(t time.Time) uint64 {
	least, most := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	switch {
	case t.IsZero():
		return 0
	case t.Before(least):
		t = least
	case t.After(most):
		t = most
	}
	return uint64(t.UnixNano())
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendWords[T ~uint64](dst []byte, words []T) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(w))
	}
	return dst
}

func appendFloats(dst []byte, x []float64) []byte {
	for _, v := range x {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

var errPayload = errors.New("a record is shorter or longer than it says, or holds what cannot be")

// decodeChange reads a payload into c, whose slices it uses again.
func decodeChange(c *bandit.Change, payload []byte) error {
	r := fields{b: payload}
	c.Kind = bandit.ChangeKind(r.byte())
	switch c.Kind {
	case bandit.ChangeDecision:
		r.decision(&c.Decision)
	case bandit.ChangeFeedback:
		flags := r.byte()
		f := recsys.Feedback{
			Kind: recsys.EventKind(r.byte()), ID: r.string(), Request: r.string(),
			User: recsys.UserID(r.word()), Item: recsys.ItemID(r.word()), Value: math.Float32frombits(r.half()),
		}
		if flags == flagTime {
			f.Time = time.Unix(0, int64(r.word())).UTC()
		}
		r.bad = r.bad || flags > flagTime
		c.Feedback = f
	case bandit.ChangeAdvance:
		c.Now = int64(r.word())
	case bandit.ChangeForget:
		c.Arms = words(&r, c.Arms[:0], r.length(8))
	default:
		return errPayload
	}
	if r.bad || len(r.b) > 0 {
		return errPayload
	}
	return nil
}

// fields takes fields off a payload; when there are none left, bad is set and all are 0.
type fields struct {
	b   []byte
	bad bool
}

func (r *fields) decision(d *bandit.Decision) {
	flags := r.byte()
	d.ID = r.string()
	d.Time, d.Segment = time.Unix(0, int64(r.word())).UTC(), r.word()
	n := r.length(8 + 8 + 1)
	d.Items = words(r, d.Items[:0], n)
	d.Arms = d.Arms[:0]
	if flags&flagArms != 0 {
		d.Arms = words(r, d.Arms, n)
	} else {
		for _, item := range d.Items {
			d.Arms = append(d.Arms, uint64(item))
		}
	}
	d.Propensities = r.floats(d.Propensities[:0], n)
	d.Choices = d.Choices[:0]
	for range n {
		x := r.uvarint()
		r.bad = r.bad || x > math.MaxUint32
		d.Choices = append(d.Choices, int32(uint32(x)))
	}
	d.Context = d.Context[:0]
	if flags&flagContexts != 0 {
		d.Context = r.floats(d.Context, r.length(8))
	}
	r.bad = r.bad || flags > flagArms|flagContexts
}

func (r *fields) cut(n int) []byte {
	if n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

func (r *fields) byte() byte {
	if x := r.cut(1); x != nil {
		return x[0]
	}
	return 0
}

func (r *fields) half() uint32 {
	if x := r.cut(4); x != nil {
		return binary.LittleEndian.Uint32(x)
	}
	return 0
}

func (r *fields) word() uint64 {
	if x := r.cut(8); x != nil {
		return binary.LittleEndian.Uint64(x)
	}
	return 0
}

func (r *fields) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return x
}

// length reads the number of elements of a list, each of at least size bytes, which must be there.
func (r *fields) length(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.b, r.bad = nil, true
		return 0
	}
	return int(n)
}

func (r *fields) string() string { return string(r.cut(r.length(1))) }

func words[T ~uint64](r *fields, dst []T, n int) []T {
	b := r.cut(8 * n)
	for ; len(b) > 0; b = b[8:] {
		dst = append(dst, T(binary.LittleEndian.Uint64(b)))
	}
	return dst
}

func (r *fields) floats(dst []float64, n int) []float64 {
	b := r.cut(8 * n)
	for ; len(b) > 0; b = b[8:] {
		dst = append(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return dst
}
