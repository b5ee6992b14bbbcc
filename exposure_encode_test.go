package recsys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
)

// readLog reads a whole log, or fails.
func readLog(t testing.TB, log []byte) (records []recsys.LogRecord) {
	t.Helper()
	for rec, err := range recsys.NewLogReader("log", bytes.NewReader(log)).All() {
		if err != nil {
			t.Fatalf("%v in\n%.2000s", err, log)
		}
		records = append(records, rec)
	}
	return records
}

func TestExposureReadsBackToTheBit(t *testing.T) {
	for seed := range uint64(400) {
		g := newLogGen(seed)
		schemas := []*recsys.Schema{nil, g.schema(t), g.schema(t)}
		var log []byte
		for _, s := range schemas[1:] {
			log = recsys.AppendSchema(log, s)
		}
		var want []*recsys.Exposure
		for range 5 {
			x := g.exposure(schemas[g.IntN(len(schemas))])
			if g.chance(0.5) {
				x = g.explored(x)
			}
			want = append(want, x)
			log = recsys.AppendExposure(log, x)
		}
		for i, rec := range readLog(t, log) {
			if rec.Exposure == nil {
				t.Fatalf("seed %d: record %d is no exposure", seed, i)
			}
			if d := firstDifference(want[i], rec.Exposure); d != "" {
				t.Fatalf("seed %d: record %d differs at %s in\n%s", seed, i, d, recsys.AppendExposure(nil, want[i]))
			}
		}
	}
}

// The tests above show nothing about a field that is always zero.
func TestRandomRecordsFillEveryField(t *testing.T) {
	empty := map[string]bool{}
	var note func(path string, v reflect.Value)
	note = func(path string, v reflect.Value) {
		if _, ok := empty[path]; !ok {
			empty[path] = true
		}
		if !v.IsZero() {
			empty[path] = false
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					note(path+"."+f.Name, v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				note(path+"[]", v.Index(i))
			}
		}
	}
	for seed := range uint64(50) {
		g := newLogGen(seed)
		note("Exposure", reflect.ValueOf(*g.explored(g.exposure(g.schema(t)))))
		note("Feedback", reflect.ValueOf(*g.feedback()))
	}
	for path, is := range empty {
		if is {
			t.Errorf("%s is zero in all random records", path)
		}
	}
	if len(empty) < 60 {
		t.Errorf("only %d fields seen", len(empty))
	}
}

func TestFeedbackReadsBackToTheBit(t *testing.T) {
	g := newLogGen(1)
	var log []byte
	var want []*recsys.Feedback
	for range 2000 {
		want = append(want, g.feedback())
		log = recsys.AppendFeedback(log, want[len(want)-1])
	}
	for i, rec := range readLog(t, log) {
		if d := firstDifference(want[i], rec.Feedback); d != "" {
			t.Fatalf("record %d differs at %s in %s", i, d, recsys.AppendFeedback(nil, want[i]))
		}
	}
}

func TestSchemaReadsBackWithItsIndexesAndHash(t *testing.T) {
	for seed := range uint64(300) {
		g := newLogGen(seed)
		s := g.schema(t)
		x := g.exposure(s)
		log := recsys.AppendExposure(recsys.AppendSchema(nil, s), x)
		have := readLog(t, log)[0].Exposure.Schema
		if d := firstDifference(s, have); d != "" {
			t.Fatalf("seed %d: %s\n%s", seed, d, log)
		}
		if s.Width() != have.Width() || s.RequestWidth() != have.RequestWidth() {
			t.Fatalf("seed %d: widths %d, %d; want %d, %d", seed, have.Width(), have.RequestWidth(), s.Width(), s.RequestWidth())
		}
		if again := recsys.AppendSchema(nil, have); !bytes.HasPrefix(log, again) {
			t.Fatalf("seed %d: read back it is written as\n%s not\n%s", seed, again, log)
		}
		// A stage that is bound to the schema of the record finds its columns in the rows.
		for _, f := range s.Fields() {
			if g, ok := have.Field(f.Name); !ok || g.Index != f.Index || g.Group != f.Group || g.Source != f.Source {
				t.Fatalf("seed %d: column %q is %+v; want %+v", seed, f.Name, g, f)
			}
		}
	}
}

// Others than this package read the log too: each line must be JSON to them.
func TestLogLinesAreJSONOfOneLine(t *testing.T) {
	g := newLogGen(5)
	for range 500 {
		s := g.schema(t)
		for _, line := range [][]byte{
			recsys.AppendSchema(nil, s), recsys.AppendExposure(nil, g.exposure(s)), recsys.AppendFeedback(nil, g.feedback()),
		} {
			if !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
				t.Fatalf("not one line of JSON: %q", line)
			}
			var v struct {
				Type string
				V    int
			}
			if err := json.Unmarshal(line, &v); err != nil || v.V != recsys.LogVersion || v.Type == "" {
				t.Fatalf("type and version are %+v, %v in %s", v, err, line)
			}
		}
	}
}

func ExampleAppendExposure() {
	x := &recsys.Exposure{
		ID: "r1", User: 42, K: 2, Now: time.Unix(1700000000, 5), Seed: 1<<64 - 1, Candidates: 300,
		Floats: []float32{1, float32(math.NaN())},
		Rows:   []recsys.ExposureRow{{Item: 7, Propensity: 0.25, Inclusion: 1, Score: 1.5, Utility: 1.5, Sources: 1, Floats: []float32{1, float32(math.NaN()), 0.5}}},
		Shown:  1,
	}
	fmt.Printf("%s", recsys.AppendExposure(nil, x))
	// Output:
	// {"type":"exposure","v":1,"id":"r1","user":"42","k":2,"now":1700000000000000005,"seed":"18446744073709551615","level":"slate","floats":"AACAPwAAwH8=","candidates":300,"shown":1,"rows":[{"item":"7","row":0,"position":0,"propensity":0.25,"score":1.5,"utility":1.5,"floats":"AAAAPw==","sources":"1"}]}
}

func ExampleAppendFeedback() {
	f := &recsys.Feedback{ID: "e1", Request: "r1", User: 42, Item: 7, Kind: recsys.Dwell, Value: 12.5, Time: time.Unix(1700000009, 0)}
	fmt.Printf("%s", recsys.AppendFeedback(nil, f))
	// Output:
	// {"type":"feedback","v":1,"id":"e1","request":"r1","user":"42","item":"7","kind":"dwell","value":12.5,"time":1700000009000000000}
}

func ExampleAppendSchema() {
	s, err := recsys.NewSchema(recsys.SchemaConfig{
		Columns: []recsys.Column{{Name: "price"}, {Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest}},
		Heads:   []string{"click"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	line := recsys.AppendSchema(nil, s)
	fmt.Println(strings.ReplaceAll(string(line), fmt.Sprint(s.Hash()), "…"))
	// Output:
	// {"type":"schema","v":1,"hash":"…","heads":["click"],"groups":["test","test"],"columns":[{"name":"country","kind":"id","scope":"request","group":1,"source":"test","index":0},{"name":"price","kind":"float","scope":"item","group":0,"source":"test","index":0}]}
}

func TestRequestColumnsAreWrittenOnce(t *testing.T) {
	x := &recsys.Exposure{ID: "r", Floats: make([]float32, 300)}
	for i := range 100 {
		x.Rows = append(x.Rows, recsys.ExposureRow{Row: i, Position: -1, Inclusion: 1, Floats: append(append([]float32{}, x.Floats...), float32(i))})
	}
	if n := len(recsys.AppendExposure(nil, x)); n > 100*100 {
		t.Errorf("100 rows of 300 request floats and one item float take %d bytes", n)
	}
}

func TestTimesBeyondTheRangeAreClamped(t *testing.T) {
	for _, c := range []struct {
		in   time.Time
		want int64
	}{
		{time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), math.MinInt64},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64},
		{time.Unix(0, math.MinInt64).Add(-1), math.MinInt64},
		{time.Unix(0, math.MaxInt64).Add(1), math.MaxInt64},
		{time.Unix(0, math.MinInt64+1), math.MinInt64 + 1},
		{time.Unix(0, math.MaxInt64-1), math.MaxInt64 - 1},
		{time.Unix(0, 1), 1},
	} {
		log := recsys.AppendFeedback(nil, &recsys.Feedback{Time: c.in})
		if have := readLog(t, log)[0].Feedback.Time; have.UnixNano() != c.want {
			t.Errorf("%v reads back as %v; want %d ns", c.in, have, c.want)
		}
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	g := newLogGen(3)
	s := g.schema(t)
	x, f := g.exposure(s), g.feedback()
	for len(x.Rows) == 0 {
		x = g.exposure(s)
	}
	x.Degraded = append(x.Degraded, recsys.Degradation{Stage: "rank", Reason: recsys.ReasonError, Err: io.ErrUnexpectedEOF})
	var buf []byte
	if n := testing.AllocsPerRun(100, func() {
		buf = recsys.AppendExposure(buf[:0], x)
		buf = recsys.AppendFeedback(buf, f)
		buf = recsys.AppendSchema(buf, s)
	}); n != 0 {
		t.Errorf("%v allocations per record; want 0", n)
	}
}

func TestCloneSharesNoMemory(t *testing.T) {
	g := newLogGen(11)
	for range 50 {
		s := g.schema(t)
		x := g.exposure(s)
		before := recsys.AppendExposure(nil, x)
		y := x.Clone()
		if d := firstDifference(x, y); d != "" {
			t.Fatal(d)
		}
		scribble(y)
		if after := recsys.AppendExposure(nil, x); !bytes.Equal(before, after) {
			t.Fatalf("writing to the clone changed the original:\n%s\n%s", before, after)
		}
	}
}

// scribble overwrites every slice of x.
func scribble(x *recsys.Exposure) {
	for i := range x.Rows {
		r := &x.Rows[i]
		for _, v := range append(r.Vectors, r.Heads, r.Floats, r.Recall) {
			for j := range v {
				v[j] = 77
			}
		}
		for j := range r.IDs {
			r.IDs[j] = 77
		}
		for j := range r.Ranks {
			r.Ranks[j] = 77
		}
		for j := range r.Vectors {
			r.Vectors[j] = nil
		}
		r.Item = 77
	}
	for _, v := range append(x.Vectors, x.Floats) {
		for j := range v {
			v[j] = 77
		}
	}
	for _, v := range [][]uint64{x.IDs, x.Missing, x.Stale} {
		for j := range v {
			v[j] = 77
		}
	}
	for _, v := range [][]recsys.ItemID{x.Items, x.Exclude, x.Allow} {
		for j := range v {
			v[j] = 77
		}
	}
	for i := range x.History {
		x.History[i].Item = 77
	}
	for i := range x.Arms {
		x.Arms[i], x.Versions[i].Stage, x.Degraded[i] = "77", "77", recsys.Degradation{Err: io.EOF}
	}
}

// BenchmarkAppendExposure measures encoding alone: a slate of 10 with 10 sampled rows, and a
// full record of 500 rows, of 5 request and 20 item floats, 2 ids and 3 heads.
func BenchmarkAppendExposure(b *testing.B) {
	for _, c := range []struct {
		level      recsys.LogLevel
		rows, show int
	}{{recsys.LogSlate, 20, 10}, {recsys.LogFull, 500, 10}} {
		b.Run(fmt.Sprintf("level=%v/rows=%d", c.level, c.rows), func(b *testing.B) {
			x := benchExposure(c.level, c.rows, c.show)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = recsys.AppendExposure(buf[:0], x)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportMetric(float64(len(buf)), "bytes/record")
		})
	}
}

// BenchmarkReadExposure measures reading the same records back.
func BenchmarkReadExposure(b *testing.B) {
	for _, c := range []struct {
		level      recsys.LogLevel
		rows, show int
	}{{recsys.LogSlate, 20, 10}, {recsys.LogFull, 500, 10}} {
		b.Run(fmt.Sprintf("level=%v/rows=%d", c.level, c.rows), func(b *testing.B) {
			x := benchExposure(c.level, c.rows, c.show)
			log := recsys.AppendSchema(nil, x.Schema)
			head := len(log)
			log = recsys.AppendExposure(log, x)
			r := recsys.NewLogReader("log", &loop{head: log[:head], body: log[head:]})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(log) - head))
		})
	}
}

// loop reads head once and then body for ever.
type loop struct {
	head, body []byte
	at         int
}

func (l *loop) Read(p []byte) (int, error) {
	if l.head != nil {
		n := copy(p, l.head)
		if l.head = l.head[n:]; len(l.head) == 0 {
			l.head = nil
		}
		return n, nil
	}
	n := copy(p, l.body[l.at:])
	l.at = (l.at + n) % len(l.body)
	return n, nil
}

func benchExposure(level recsys.LogLevel, rows, show int) *recsys.Exposure {
	g := newLogGen(7)
	var columns []recsys.Column
	for i := range 25 {
		c := recsys.Column{Name: fmt.Sprint("f", i)}
		if i < 5 {
			c.Scope = recsys.PerRequest
		}
		columns = append(columns, c)
	}
	for i := range 2 {
		columns = append(columns, recsys.Column{Name: fmt.Sprint("id", i), Kind: recsys.ID})
	}
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns, Heads: []string{"click", "like", "dwell"}, Sources: []string{"als", "search", "popular"}})
	if err != nil {
		panic(errors.Join(err))
	}
	x := &recsys.Exposure{
		ID: "5f2c9a3e81b04d67", User: 123456789, Surface: "home", K: show, Now: time.Unix(1700000000, 123456789), Seed: g.Uint64(),
		Pipeline: "3fa9c1d2", Level: level, Schema: s, Shown: show, Explorer: "explore/pl",
		Versions: []recsys.StageVersion{{Stage: "retrieve/als", Version: "7"}, {Stage: "rank/gbdt", Version: "12"}},
		Arms:     []string{"control"}, Missing: recsys.MakeBits(2), Stale: recsys.MakeBits(2),
	}
	normal := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(g.NormFloat64())
		}
		return v
	}
	x.Floats = normal(5)
	for i := range rows {
		r := recsys.ExposureRow{
			Item: recsys.ItemID(g.Uint64N(1e7)), Row: i, Position: -1, Inclusion: 1, Score: float32(g.NormFloat64()), Heads: normal(3),
			Floats: append(append([]float32{}, x.Floats...), normal(20)...), IDs: []uint64{g.Uint64N(1e5), g.Uint64N(1e3)}, Sources: 1 + g.Uint64N(7),
		}
		r.Utility = r.Score
		if i < show {
			r.Position, r.Propensity = i, g.Float64()
		}
		if level == recsys.LogFull {
			r.Merged, r.Ranks, r.Recall = g.Float32(), []int32{int32(i), -1, int32(g.IntN(400))}, normal(3)
		}
		x.Rows = append(x.Rows, r)
	}
	return x
}
