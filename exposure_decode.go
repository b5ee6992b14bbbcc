package recsys

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// VersionError says that a log record was written in a newer format than this package reads.
type VersionError struct {
	Have, Want int // the record's version, and the newest that this package reads
}

// Error prints both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("format version %d is newer than %d; read it with a newer version of this package", e.Have, e.Want)
}

// logDecoder reads the records of one log, line by line.
type logDecoder struct {
	json    jsonScanner
	schemas map[uint64]*Schema // by hash, as of the last line read
	names   map[string]string  // short text that stands in many records
	raw     []byte             // base64 decoded
	rows    []rawRow
	most    int // bytes that putting request columns into rows may take
}

// rawRow is what a row says until the record's request columns are known.
type rawRow struct {
	floats               []byte // base64
	ids                  []uint64
	wholeFloats, wholeID bool // request columns included
}

// Limits of the table of names.
const (
	maxNames   = 1024
	maxNameLen = 64
)

func newLogDecoder(maxLine int) *logDecoder {
	return &logDecoder{schemas: map[uint64]*Schema{}, names: map[string]string{}, most: 8 * maxLine}
}

// decode reads one line into rec. A schema record leaves it empty. field names the
// place of the mistake within the line.
func (d *logDecoder) decode(line []byte, rec *LogRecord) (field string, err error) {
	s := &d.json
	kind := d.kind(line)
	if s.err == nil {
		s.reset(line)
		switch kind {
		case "exposure":
			rec.Exposure = d.exposure()
		case "feedback":
			rec.Feedback = d.feedback()
		case "schema":
			if schema := d.schema(); s.err == nil {
				if have := d.schemas[schema.hash]; have == nil || !have.sameLayout(schema) {
					d.schemas[schema.hash] = schema
				}
			}
		case "":
			s.failf("record without type")
		default:
			s.failf("unknown type %q", kind)
		}
	}
	if s.err != nil {
		*rec = LogRecord{}
		return s.field(), s.err
	}
	return "", nil
}

// kind returns the record's type, and fails when its version is too new. The type and
// version that AppendExposure and its like write stand in front.
func (d *logDecoder) kind(line []byte) string {
	s := &d.json
	s.reset(line)
	if rest, ok := bytes.CutPrefix(line, []byte(`{"type":"`)); ok {
		for _, kind := range [...]string{"exposure", "feedback", "schema"} {
			if rest, ok := bytes.CutPrefix(rest, []byte(kind)); ok && bytes.HasPrefix(rest, []byte(`","v":1,`)) {
				return kind
			}
		}
	}
	kind, version := "", int64(0)
	s.object(func(key []byte) {
		switch string(key) {
		case "type":
			kind = printable(s.str())
		case "v":
			version = s.integer(1, math.MaxInt32)
		default:
			s.skip()
		}
	})
	s.end()
	switch {
	case s.err != nil:
	case version == 0:
		s.failf("record without v, the version of the format")
	case version > LogVersion:
		s.fail(&VersionError{Have: int(version), Want: LogVersion})
	}
	return kind
}

func (d *logDecoder) feedback() *Feedback {
	f := new(Feedback)
	s := &d.json
	var user, item, kind bool
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			f.ID = d.text()
		case "request":
			f.Request = d.text()
		case "user":
			f.User, user = UserID(s.decimal()), true
		case "item":
			f.Item, item = ItemID(s.decimal()), true
		case "kind":
			f.Kind, kind = d.eventKind(), true
		case "value":
			f.Value = s.float32()
		case "time":
			f.Time = d.time()
		default:
			s.skip()
		}
	})
	s.end()
	if !user || !item || !kind {
		s.failf("feedback without user, item or kind")
	}
	return f
}

func (d *logDecoder) exposure() *Exposure {
	x := new(Exposure)
	s := &d.json
	d.rows = d.rows[:0]
	var id, user bool
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			x.ID, id = d.text(), true
		case "user":
			x.User, user = UserID(s.decimal()), true
		case "surface":
			x.Surface = d.name()
		case "k":
			x.K = s.int()
		case "now":
			x.Now = d.time()
		case "seed":
			x.Seed = s.decimal()
		case "items":
			x.Items = decimals[ItemID](s)
		case "history":
			x.History = d.history()
		case "exclude":
			x.Exclude = decimals[ItemID](s)
		case "allow":
			x.Allow = decimals[ItemID](s)
		case "arms":
			x.Arms = d.texts()
		case "pipeline":
			x.Pipeline = d.name()
		case "versions":
			x.Versions = d.versions()
		case "views":
			x.Views = d.stageViews()
		case "level":
			x.Level = oneOf(s, LogSlate, LogFull)
		case "schema":
			hash := s.decimal()
			if x.Schema = d.schemas[hash]; x.Schema == nil {
				s.failf("no schema record above has the hash %d", hash)
			}
		case "explorer":
			x.Explorer = d.name()
		case "exploration":
			x.Exploration = oneOf(s, ExplorationExact, ExplorationEstimated, ExplorationDeterministic)
		case "floats":
			x.Floats = d.floats()
		case "ids":
			x.IDs = decimals[uint64](s)
		case "vectors":
			x.Vectors = d.vectors()
		case "missing":
			x.Missing = decimals[uint64](s)
		case "stale":
			x.Stale = decimals[uint64](s)
		case "ages":
			x.Ages = d.floats()
		case "degraded":
			x.Degraded = d.degraded()
		case "candidates":
			x.Candidates = s.int()
		case "shown":
			x.Shown = s.int()
		case "rows":
			x.Rows, d.rows = nil, d.rows[:0]
			s.array(func(int) { x.Rows = append(x.Rows, d.row()) })
		default:
			s.skip()
		}
	})
	s.end()
	if !id || !user {
		s.failf("exposure without id or user")
	}
	if s.err == nil {
		d.compose(x)
	}
	if s.err == nil {
		s.fail(x.checkShape())
	}
	return x
}

func (d *logDecoder) row() (r ExposureRow) {
	s := &d.json
	var raw rawRow
	var item, row bool
	r.Position, r.Inclusion = -1, 1
	s.object(func(key []byte) {
		switch string(key) {
		case "item":
			r.Item, item = ItemID(s.decimal()), true
		case "row":
			r.Row, row = s.int(), true
		case "position":
			r.Position = s.int()
		case "propensity":
			r.Propensity = s.float64()
		case "propensity_error":
			r.PropensityError = s.float64()
		case "inclusion":
			r.Inclusion = s.float64()
		case "score":
			r.Score = s.float32()
		case "utility":
			r.Utility = s.float32()
		case "heads":
			r.Heads = d.floats()
		case "floats", "all_floats":
			raw.floats, raw.wholeFloats = s.str(), key[0] == 'a'
		case "ids", "all_ids":
			raw.ids, raw.wholeID = decimals[uint64](s), key[0] == 'a'
		case "sources":
			r.Sources = s.decimal()
		case "vectors":
			r.Vectors = d.vectors()
		case "merged":
			r.Merged = s.float32()
		case "ranks":
			s.array(func(int) { r.Ranks = append(r.Ranks, int32(s.integer(math.MinInt32, math.MaxInt32))) })
		case "recall":
			r.Recall = d.floats()
		case "missing":
			r.Missing = s.decimal()
		case "stale":
			r.Stale = s.decimal()
		case "ages":
			r.Ages = d.floats()
		default:
			s.skip()
		}
	})
	if !item || !row {
		s.failf("row without item or row")
	}
	d.rows = append(d.rows, raw)
	return r
}

// compose puts the request columns in front of every row's item columns.
func (d *logDecoder) compose(x *Exposure) {
	s := &d.json
	if grow := 4*len(x.Floats) + 8*len(x.IDs); grow > 0 && len(x.Rows) > d.most/grow {
		s.failf("%d rows repeat %d bytes of request columns; at most %d bytes in all", len(x.Rows), grow, d.most)
		return
	}
	for i := range x.Rows {
		raw := &d.rows[i]
		var floats []float32
		var ids []uint64
		if !raw.wholeFloats {
			floats = x.Floats
		}
		if !raw.wholeID {
			ids = x.IDs
		}
		x.Rows[i].Floats = d.appendFloats(floats, raw.floats)
		if s.err != nil {
			s.path = append(s.path, "floats", fmt.Sprintf("rows[%d]", i))
			return
		}
		if len(ids) == 0 {
			x.Rows[i].IDs = raw.ids
		} else {
			x.Rows[i].IDs = append(append(make([]uint64, 0, len(ids)+len(raw.ids)), ids...), raw.ids...)
		}
	}
}

func (d *logDecoder) history() (out []Event) {
	s := &d.json
	s.array(func(int) {
		var e Event
		s.object(func(key []byte) {
			switch string(key) {
			case "item":
				e.Item = ItemID(s.decimal())
			case "kind":
				e.Kind = d.eventKind()
			case "value":
				e.Value = s.float32()
			case "time":
				e.Time = d.time()
			default:
				s.skip()
			}
		})
		out = append(out, e)
	})
	return out
}

func (d *logDecoder) versions() (out []StageVersion) {
	s := &d.json
	s.array(func(int) {
		var v StageVersion
		s.object(func(key []byte) {
			switch string(key) {
			case "stage":
				v.Stage = d.name()
			case "version":
				v.Version = d.name()
			default:
				s.skip()
			}
		})
		out = append(out, v)
	})
	return out
}

func (d *logDecoder) stageViews() (out []StageView) {
	s := &d.json
	s.array(func(int) {
		var v StageView
		s.object(func(key []byte) {
			switch string(key) {
			case "stage":
				v.Stage = d.name()
			case "name":
				v.Name = d.name()
			case "hash":
				v.Hash = s.decimal()
			case "encoders":
				v.Encoders = s.decimal()
			default:
				s.skip()
			}
		})
		out = append(out, v)
	})
	return out
}

func (d *logDecoder) degraded() (out []Degradation) {
	s := &d.json
	s.array(func(int) {
		var v Degradation
		s.object(func(key []byte) {
			switch string(key) {
			case "stage":
				v.Stage = d.name()
			case "reason":
				v.Reason = Reason(d.name())
			case "error":
				v.Err = errors.New(d.text())
			case "count":
				v.Count = s.int()
			default:
				s.skip()
			}
		})
		out = append(out, v)
	})
	return out
}

func (d *logDecoder) text() string { return string(d.json.str()) }

// name is text that many records share.
func (d *logDecoder) name() string {
	text := d.json.str()
	if name, ok := d.names[string(text)]; ok {
		return name
	}
	name := string(text)
	if len(name) <= maxNameLen && len(d.names) < maxNames {
		d.names[name] = name
	}
	return name
}

func (d *logDecoder) texts() (out []string) {
	d.json.array(func(int) { out = append(out, d.name()) })
	return out
}

func (d *logDecoder) eventKind() (k EventKind) {
	if text := d.json.str(); d.json.err == nil {
		d.json.fail(k.UnmarshalText(text))
	}
	return k
}

func (d *logDecoder) time() time.Time {
	return time.Unix(0, d.json.integer(math.MinInt64, math.MaxInt64)).UTC()
}

func (d *logDecoder) floats() []float32 { return d.appendFloats(nil, d.json.str()) }

func (d *logDecoder) vectors() (out [][]float32) {
	d.json.array(func(int) { out = append(out, d.floats()) })
	return out
}

// appendFloats returns a new slice: first, then the floats that the base64 text holds.
func (d *logDecoder) appendFloats(first []float32, text []byte) []float32 {
	if d.json.err != nil || len(first) == 0 && len(text) == 0 {
		return nil
	}
	raw, err := base64.StdEncoding.AppendDecode(d.raw[:0], text)
	d.raw = raw
	if err != nil || len(raw)%4 != 0 {
		d.json.failf("%q is not the base64 of float32s", printable(text))
		return nil
	}
	out := append(make([]float32, 0, len(first)+len(raw)/4), first...)
	for ; len(raw) > 0; raw = raw[4:] {
		out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	return out
}

// decimals takes a list of decimal strings.
func decimals[T ~uint64](s *jsonScanner) (out []T) {
	s.array(func(int) { out = append(out, T(s.decimal())) })
	return out
}
