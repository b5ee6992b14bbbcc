package recsys

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// LogVersion is the version of the log's format that this package writes; it stands as
// "v" in every record. [LogReader] reads this one and older ones.
//
// The log is JSON lines: one record per line, of one of three types.
//
//	{"type":"schema","v":1,"hash":"…","sources":[…],"heads":[…],"groups":[…],"columns":[…]}
//	{"type":"exposure","v":1,"id":"…","user":"…","k":10,"seed":"…",…,"shown":10,"rows":[…]}
//	{"type":"feedback","v":1,"request":"…","user":"…","item":"…","kind":"click","time":…}
//
// A schema record stands above the first exposure that names its hash; a later one
// with the same hash replaces it. In all of them
//
//   - IDs, seeds, hashes and masks are decimal strings: JSON numbers are exact to 2^53 only.
//   - Times are Unix nanoseconds, absent when unknown. Locations are not kept: times come back in UTC.
//   - A list of floats is one string, the base64 of its little-endian float32s, so that NaNs keep their bits.
//   - A single float is the shortest number that gives its bits again, or a string:
//     "NaN", "+Inf", "-Inf", or 0x and the bits of any other NaN.
//   - Text is a JSON string. A byte XX that is no UTF-8 is written \udcXX, as Python's
//     surrogateescape does (PEP 383): readers that do not know that see U+FFFD.
//   - What is empty or zero may be absent, null counts as absent, and unknown fields are ignored.
//     An absent position is -1 (not shown), an absent inclusion is 1, an absent exploration is exact.
//   - Ages are seconds, one for each group of the schema, NaN where unknown; views have the hash of their definition.
//     Records of earlier versions have neither.
//
// Of a row, "floats" and "ids" hold the item columns alone: the request columns stand
// once in the record, and a reader puts them in front. A row whose request columns
// differ from the record's, which no pipeline makes, has "all_floats" and "all_ids" instead.
const LogVersion = 1

// AppendExposure appends x as one line of the log, newline included, and returns the
// extended buffer. The line names x.Schema by its hash: a schema record, see
// [AppendSchema], must stand somewhere above it; [FileSink] sees to that.
//
// Reading the line back gives x to the bit, but for the location of times, errors,
// which become their text, and empty slices, which become nil. Times outside the years
// 1678 to 2261 are clamped. AppendExposure allocates only when dst is too small.
func AppendExposure(dst []byte, x *Exposure) []byte {
	e := logEncoder{append(dst, `{"type":"exposure","v":1,"id":`...)}
	e.b = appendText(e.b, x.ID)
	e.id("user", uint64(x.User))
	e.text("surface", x.Surface)
	e.int("k", int64(x.K))
	e.time("now", x.Now)
	e.id("seed", x.Seed)
	e.items("items", x.Items)
	e.history(x.History)
	e.items("exclude", x.Exclude)
	e.items("allow", x.Allow)
	e.texts("arms", x.Arms)
	e.text("pipeline", x.Pipeline)
	e.versions(x.Versions)
	e.stageViews(x.Views)
	e.key("level")
	e.b = appendText(e.b, x.Level.String())
	if x.Schema != nil {
		e.id("schema", x.Schema.hash)
	}
	e.text("explorer", x.Explorer)
	if x.Exploration != ExplorationExact {
		e.text("exploration", x.Exploration.String())
	}
	e.floats("floats", x.Floats)
	e.ids("ids", x.IDs)
	e.vectors("vectors", x.Vectors)
	e.ids("missing", x.Missing)
	e.ids("stale", x.Stale)
	e.floats("ages", x.Ages)
	e.degraded(x.Degraded)
	e.int("candidates", int64(x.Candidates))
	e.int("shown", int64(x.Shown))
	e.rows(x)
	return append(e.b, "}\n"...)
}

// AppendFeedback appends f as one line of the log, newline included, and returns the
// extended buffer. It allocates only when dst is too small.
func AppendFeedback(dst []byte, f *Feedback) []byte {
	e := logEncoder{append(dst, `{"type":"feedback","v":1`...)}
	e.text("id", f.ID)
	e.text("request", f.Request)
	e.id("user", uint64(f.User))
	e.id("item", uint64(f.Item))
	e.kind("kind", f.Kind)
	e.scalar("value", f.Value)
	e.time("time", f.Time)
	return append(e.b, "}\n"...)
}

// logEncoder appends fields of a JSON object in which at least one stands already.
type logEncoder struct{ b []byte }

func (e *logEncoder) rows(x *Exposure) {
	if len(x.Rows) == 0 {
		return
	}
	e.key("rows")
	for i := range x.Rows {
		e.element(i)
		e.row(x, &x.Rows[i])
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) row(x *Exposure, r *ExposureRow) {
	e.b = append(e.b, `{"item":"`...)
	e.b = strconv.AppendUint(e.b, uint64(r.Item), 10)
	e.b = append(e.b, '"')
	e.int("row", int64(r.Row))
	if r.Position != -1 {
		e.int("position", int64(r.Position))
	}
	if math.Float64bits(r.Propensity) != 0 {
		e.key("propensity")
		e.b = appendFloat64(e.b, r.Propensity)
	}
	if math.Float64bits(r.PropensityError) != 0 {
		e.key("propensity_error")
		e.b = appendFloat64(e.b, r.PropensityError)
	}
	if r.Inclusion != 1 {
		e.key("inclusion")
		e.b = appendFloat64(e.b, r.Inclusion)
	}
	e.key("score")
	e.b = appendFloat32(e.b, r.Score)
	e.key("utility")
	e.b = appendFloat32(e.b, r.Utility)
	e.floats("heads", r.Heads)
	if hasFloatPrefix(r.Floats, x.Floats) {
		e.floats("floats", r.Floats[len(x.Floats):])
	} else {
		e.key("all_floats")
		e.b = appendFloats(e.b, r.Floats)
	}
	if hasIDPrefix(r.IDs, x.IDs) {
		e.ids("ids", r.IDs[len(x.IDs):])
	} else {
		e.key("all_ids")
		e.b = appendIDs(e.b, r.IDs)
	}
	e.mask("sources", r.Sources)
	e.vectors("vectors", r.Vectors)
	e.scalar("merged", r.Merged)
	if len(r.Ranks) > 0 {
		e.key("ranks")
		for i, rank := range r.Ranks {
			e.element(i)
			e.b = strconv.AppendInt(e.b, int64(rank), 10)
		}
		e.b = append(e.b, ']')
	}
	e.floats("recall", r.Recall)
	e.mask("missing", r.Missing)
	e.mask("stale", r.Stale)
	e.floats("ages", r.Ages)
	e.b = append(e.b, '}')
}

// hasFloatPrefix compares bits, so that NaNs are equal to themselves.
func hasFloatPrefix(s, prefix []float32) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i, v := range prefix {
		if math.Float32bits(s[i]) != math.Float32bits(v) {
			return false
		}
	}
	return true
}

func hasIDPrefix(s, prefix []uint64) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i, v := range prefix {
		if s[i] != v {
			return false
		}
	}
	return true
}

func (e *logEncoder) history(events []Event) {
	if len(events) == 0 {
		return
	}
	e.key("history")
	for i := range events {
		ev := &events[i]
		e.element(i)
		e.b = append(e.b, `{"item":"`...)
		e.b = strconv.AppendUint(e.b, uint64(ev.Item), 10)
		e.b = append(e.b, '"')
		e.kind("kind", ev.Kind)
		e.scalar("value", ev.Value)
		e.time("time", ev.Time)
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) versions(versions []StageVersion) {
	if len(versions) == 0 {
		return
	}
	e.key("versions")
	for i := range versions {
		e.element(i)
		e.b = append(e.b, `{"stage":`...)
		e.b = appendText(e.b, versions[i].Stage)
		e.text("version", versions[i].Version)
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) stageViews(views []StageView) {
	if len(views) == 0 {
		return
	}
	e.key("views")
	for i := range views {
		e.element(i)
		e.b = append(e.b, `{"stage":`...)
		e.b = appendText(e.b, views[i].Stage)
		e.text("name", views[i].Name)
		e.id("hash", views[i].Hash)
		if h := views[i].Encoders; h != 0 {
			e.id("encoders", h)
		}
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) degraded(list []Degradation) {
	if len(list) == 0 {
		return
	}
	e.key("degraded")
	for i := range list {
		d := &list[i]
		e.element(i)
		e.b = append(e.b, `{"stage":`...)
		e.b = appendText(e.b, d.Stage)
		e.text("reason", string(d.Reason))
		if d.Err != nil {
			e.key("error")
			e.b = appendText(e.b, d.Err.Error())
		}
		if d.Count != 0 {
			e.int("count", int64(d.Count))
		}
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) key(name string) {
	e.b = append(e.b, ',', '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

// element opens the list, or separates element i from the one before.
func (e *logEncoder) element(i int) {
	if i == 0 {
		e.b = append(e.b, '[')
	} else {
		e.b = append(e.b, ',')
	}
}

func (e *logEncoder) int(name string, v int64) {
	e.key(name)
	e.b = strconv.AppendInt(e.b, v, 10)
}

func (e *logEncoder) id(name string, v uint64) {
	e.key(name)
	e.b = append(e.b, '"')
	e.b = strconv.AppendUint(e.b, v, 10)
	e.b = append(e.b, '"')
}

// mask is id, absent when no bit is set.
func (e *logEncoder) mask(name string, v uint64) {
	if v != 0 {
		e.id(name, v)
	}
}

func (e *logEncoder) ids(name string, ids []uint64) {
	if len(ids) > 0 {
		e.key(name)
		e.b = appendIDs(e.b, ids)
	}
}

func (e *logEncoder) items(name string, items []ItemID) {
	if len(items) > 0 {
		e.key(name)
		e.b = appendIDs(e.b, items)
	}
}

func (e *logEncoder) text(name, s string) {
	if s != "" {
		e.key(name)
		e.b = appendText(e.b, s)
	}
}

func (e *logEncoder) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	e.key(name)
	for i, s := range list {
		e.element(i)
		e.b = appendText(e.b, s)
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) kind(name string, k EventKind) {
	e.key(name)
	if int(k) < len(eventKindNames) {
		e.b = appendText(e.b, eventKindNames[k])
		return
	}
	e.b = append(e.b, `"kind-`...)
	e.b = strconv.AppendUint(e.b, uint64(k), 10)
	e.b = append(e.b, '"')
}

// scalar writes one float, absent when it is +0.
func (e *logEncoder) scalar(name string, v float32) {
	if math.Float32bits(v) != 0 {
		e.key(name)
		e.b = appendFloat32(e.b, v)
	}
}

func (e *logEncoder) floats(name string, v []float32) {
	if len(v) > 0 {
		e.key(name)
		e.b = appendFloats(e.b, v)
	}
}

func (e *logEncoder) vectors(name string, vectors [][]float32) {
	if len(vectors) == 0 {
		return
	}
	e.key(name)
	for i, v := range vectors {
		e.element(i)
		e.b = appendFloats(e.b, v)
	}
	e.b = append(e.b, ']')
}

func (e *logEncoder) time(name string, t time.Time) {
	if !t.IsZero() {
		e.int(name, clampedNano(t))
	}
}

// clampedNano is UnixNano, which is undefined beyond its range, at the nearest end of it.
func clampedNano(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func appendIDs[T ~uint64](dst []byte, ids []T) []byte {
	dst = append(dst, '[')
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendUint(dst, uint64(id), 10)
		dst = append(dst, '"')
	}
	return append(dst, ']')
}

// appendFloats writes a list of floats as one base64 string.
func appendFloats(dst []byte, v []float32) []byte {
	const n = 48 // floats at a time: 192 bytes, which is no padding
	var raw [4 * n]byte
	dst = append(dst, '"')
	for len(v) > 0 {
		part := v[:min(len(v), n)]
		for i, f := range part {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(f))
		}
		dst = base64.StdEncoding.AppendEncode(dst, raw[:4*len(part)])
		v = v[len(part):]
	}
	return append(dst, '"')
}
