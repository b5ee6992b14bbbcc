package recsys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
)

// readLine reads one line as a log of its own.
func readLine(line string) (recsys.LogRecord, error) {
	return recsys.NewLogReader("f", strings.NewReader(line+"\n")).Next()
}

func TestReaderNamesLineAndField(t *testing.T) {
	s, err := recsys.NewSchema(recsys.SchemaConfig{
		Columns: []recsys.Column{{Name: "u", Scope: recsys.PerRequest}, {Name: "p"}, {Name: "v", Kind: recsys.Vector, Dim: 2}},
		Heads:   []string{"click"}, Sources: []string{"als"},
	})
	if err != nil {
		t.Fatal(err)
	}
	hash := fmt.Sprint(s.Hash())
	schema := string(recsys.AppendSchema(nil, s))
	exposure := func(rest string) string { return `{"type":"exposure","v":1,"id":"r","user":"1"` + rest + `}` }
	withSchema := func(rest string) string { return exposure(`,"schema":"` + hash + `"` + rest) }
	for _, c := range []struct{ name, line, field, reason string }{
		{"no object", `[]`, "", `want '{'`},
		{"no type", `{"v":1}`, "", "without type"},
		{"no version", `{"type":"feedback"}`, "", "without v"},
		{"version 0", `{"type":"feedback","v":0}`, "v", "no integer"},
		{"unknown type", `{"type":"exposre","v":1}`, "", `unknown type "exposre"`},
		{"two records", exposure("") + exposure(""), "", "after the record"},
		{"no user", `{"type":"exposure","v":1,"id":"r"}`, "", "without id or user"},
		{"no kind", `{"type":"feedback","v":1,"user":"1","item":"2"}`, "", "without user, item or kind"},
		{"number as id", `{"type":"feedback","v":1,"user":1}`, "user", `want '"'`},
		{"id beyond 64 bits", `{"type":"feedback","v":1,"user":"18446744073709551616"}`, "user", "64 bits"},
		{"negative id", `{"type":"feedback","v":1,"user":"-1"}`, "user", "64 bits"},
		{"empty id", `{"type":"feedback","v":1,"user":""}`, "user", "64 bits"},
		{"unknown kind", `{"type":"feedback","v":1,"kind":"clack"}`, "kind", `"clack"`},
		{"kind beyond 255", `{"type":"feedback","v":1,"kind":"kind-256"}`, "kind", "unknown event kind"},
		{"fraction of a nanosecond", `{"type":"feedback","v":1,"time":1.5}`, "time", "no integer"},
		{"value overflows", `{"type":"feedback","v":1,"value":1e39}`, "value", "overflows a float32"},
		{"value is a word", `{"type":"feedback","v":1,"value":"nan"}`, "value", "no float"},
		{"NaN that is none", `{"type":"feedback","v":1,"value":"0x3f800000"}`, "value", "no NaN"},
		{"number cut short", `{"type":"feedback","v":1,"value":-}`, "value", "want a number"},
		{"number with leading zero", `{"type":"feedback","v":1,"value":01}`, "", "want ',' or '}'"},
		{"bad escape", `{"type":"feedback","v":1,"id":"\x"}`, "id", "unknown escape"},
		{"bad \\u", `{"type":"feedback","v":1,"id":"\u12"}`, "id", "four hexadecimal digits"},
		{"not UTF-8", "{\"type\":\"feedback\",\"v\":1,\"id\":\"\xff\"}", "id", "not UTF-8"},
		{"control character", "{\"type\":\"feedback\",\"v\":1,\"id\":\"\x01\"}", "id", "control character"},
		{"nested too deep", `{"type":"feedback","v":1,"more":` + strings.Repeat("[", 100000), "more" + strings.Repeat("[0]", 64), "nested"},
		{"literal", `{"type":"feedback","v":1,"more":[true,folse]}`, "more[1]", "want false"},
		{"unknown schema", exposure(`,"schema":"77"`), "schema", "hash 77"},
		{"unknown level", exposure(`,"level":"half"`), "level", `"half" is none of slate, full`},
		{"history", exposure(`,"history":[{"item":"1"},{"item":"x"}]`), "history[1].item", "64 bits"},
		{"base64", exposure(`,"floats":"AAA"`), "floats", "base64"},
		{"bytes not a multiple of four", exposure(`,"floats":"AAAA"`), "floats", "base64 of float32s"},
		{"base64 in a row", exposure(`,"rows":[{"item":"1","row":0,"floats":"!"}]`), "rows[0].floats", "base64"},
		{"row without item", exposure(`,"rows":[{"row":1}]`), "rows[0]", "without item or row"},
		{"row id", exposure(`,"rows":[{"item":"1","row":0},{"item":"1","row":1,"ids":["1","b"]}]`), "rows[1].ids[1]", "64 bits"},
		{"rank beyond 32 bits", exposure(`,"rows":[{"item":"1","row":0,"ranks":[2147483648]}]`), "rows[0].ranks[0]", "no integer"},
		{"shown beyond rows", exposure(`,"shown":1`), "", "shown is 1"},
		{"shown negative", exposure(`,"shown":-1`), "", "shown is -1"},
		{"position", exposure(`,"shown":1,"rows":[{"item":"1","row":0,"position":1}]`), "", "rows[0]: position is 1"},
		{"position of a row not shown", exposure(`,"rows":[{"item":"1","row":0,"position":0}]`), "", "rows[0]: position is 0"},
		{"negative row", exposure(`,"rows":[{"item":"1","row":-2}]`), "", "rows[0]: row is -2"},
		{"request width", withSchema(`,"floats":"AAAAAAAAAAA="`), "", "floats has 2 values; the schema says 1"},
		{"row width", withSchema(`,"rows":[{"item":"1","row":0,"all_floats":"AAAAAA=="}]`), "", "rows[0]: floats has 1 values; the schema says 2"},
		{"heads", withSchema(`,"rows":[{"item":"1","row":0,"heads":"AAAAAAAAAAA="}]`), "", "rows[0]: heads has 2"},
		{"vector", withSchema(`,"rows":[{"item":"1","row":0,"vectors":["AAAAAA=="]}]`), "", "rows[0]: vectors[0] has 1"},
		{"hash of a schema", strings.Replace(strings.TrimSpace(schema), hash, "5", 1), "", "the record says 5"},
		{"column without name", `{"type":"schema","v":1,"groups":["a"],"columns":[{"kind":"float","index":0}]}`, "", "no name"},
		{"column kind", `{"type":"schema","v":1,"columns":[{"kind":"int"}]}`, "columns[0].kind", `"int" is none of float, id, vector`},
		{"column group", `{"type":"schema","v":1,"columns":[{"name":"a","index":0}]}`, "", `column "a": group 0 of 0`},
		{"column twice", `{"type":"schema","v":1,"groups":["g"],"columns":[{"name":"a","index":0},{"name":"a","index":1}]}`, "", "stands twice"},
		{"column index", `{"type":"schema","v":1,"groups":["g"],"columns":[{"name":"a","index":1}]}`, "", "order of their indexes"},
		{"schema without hash", `{"type":"schema","v":1}`, "", "without hash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := recsys.NewLogReader("day.jsonl", strings.NewReader(schema+c.line+"\n"))
			rec, err := r.Next()
			var at *recsys.LogError
			if !errors.As(err, &at) {
				t.Fatalf("got %+v, %v; want a LogError", rec, err)
			}
			if at.File != "day.jsonl" || at.Line != 2 || at.Field != c.field {
				t.Errorf("error is at %s:%d %q; want line 2, field %q: %v", at.File, at.Line, at.Field, c.field, err)
			}
			if !strings.Contains(err.Error(), c.reason) {
				t.Errorf("error %q does not say %q", err, c.reason)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("the error does not stick: %v", again)
			}
		})
	}
}

func TestNewerFormatIsAVersionError(t *testing.T) {
	for _, line := range []string{
		`{"type":"exposure","v":2,"rows":"of another kind"}`, `{"v":7,"type":"outcome"}`, `{"type":"feedback","v":10}`,
	} {
		r := recsys.NewLogReader("f", strings.NewReader(line+"\n"))
		r.SkipCorrupt = true // it is not corrupt
		_, err := r.Next()
		var version *recsys.VersionError
		if !errors.As(err, &version) || version.Want != recsys.LogVersion || version.Have < 2 {
			t.Errorf("%s: %v; want a VersionError", line, err)
		}
	}
}

func TestReaderTakesWhatOthersRewrote(t *testing.T) {
	// Other order, white space, escapes, nulls, unknown fields: as tools leave it that sort or reformat JSON.
	line := ` { "rows" : [ { "row" : 3 , "item" : "\u0037", "floats":"\/\/\/\/fw==", "new":{"a":[1,{"b":null}]}, "position":0 } ] ,` + "\t" +
		` "user":"5", "surface":null, "id":"\ud83d\ude00\/\udcff", "floats" : "AACAPw==", "shown":1, "v":1, "seed":"9", "type":"exposure", "extra":[true,false,-0.5e-3,"x"] }` + "\r"
	rec, err := readLine(line)
	if err != nil {
		t.Fatal(err)
	}
	x := rec.Exposure
	if x.ID != "\U0001f600/\xff" || x.User != 5 || x.Surface != "" || x.Seed != 9 || len(x.Rows) != 1 || x.Rows[0].Item != 7 {
		t.Errorf("read %+v", x)
	}
	if f := x.Rows[0].Floats; len(f) != 2 || f[0] != 1 || math.Float32bits(f[1]) != 0x7fffffff {
		t.Errorf("the request column is not in front of the item column: %v", f)
	}
	if r := x.Rows[0]; r.Inclusion != 1 || r.Propensity != 0 {
		t.Errorf("inclusion %v, propensity %v; want the defaults 1 and 0", r.Inclusion, r.Propensity)
	}
}

// The request columns of a record are repeated in its rows: a short line could ask for
// the square of its length.
func TestHostileRecordAsksForLittleMemory(t *testing.T) {
	floats := base64.StdEncoding.EncodeToString(make([]byte, 600_000))
	rows := strings.Repeat(`{"item":"1","row":1},`, 20_000) + `{"item":"1","row":1}`
	line := `{"type":"exposure","v":1,"id":"","user":"1","floats":"` + floats + `","rows":[` + rows + "]}\n"
	r := recsys.NewLogReader("f", strings.NewReader(line)) // would be 12 GB
	r.MaxLine = 2 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Next()
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "request columns") {
		t.Fatalf("error %v; want one about the request columns", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("%d bytes allocated for a line of %d", n, len(line))
	}
}

// FuzzLogReader feeds bytes to the reader. It must not panic, must accept JSON alone, and
// what it accepts must be written and read back the same.
func FuzzLogReader(f *testing.F) {
	for seed := range uint64(20) {
		g := newLogGen(seed)
		s := g.schema(f)
		log := recsys.AppendSchema(nil, s)
		log = recsys.AppendExposure(log, g.exposure(s))
		log = recsys.AppendFeedback(log, g.feedback())
		f.Add(log)
		f.Add(recsys.AppendFeedback(nil, g.feedback()))
		f.Add(recsys.AppendExposure(nil, g.exposure(nil)))
	}
	f.Add([]byte(`{"type":"exposure","v":1,"id":"r","user":"1","floats":"AACAPw==","ids":["3"],"shown":1,"rows":[{"item":"1","row":0,"position":0,"floats":"AAAAAA=="},{"item":"2","row":1,"all_floats":"AADAfw==","score":"0x7f800001"}]}`))
	f.Add([]byte(`{"type":"exposure","v":1,"id":"r","user":"1","degraded":[{"stage":"s","reason":"error","error":"e\udcffx","count":1}],"history":[{"item":"1","kind":"kind-99","value":-0,"time":-5}]}`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Add([]byte("\n\n{\"type\":\"feedback\",\"v\":1,\"user\":\"1\",\"item\":\"2\",\"kind\":\"like\",\"value\":\"0x7f800001\"}"))
	f.Fuzz(func(t *testing.T, log []byte) {
		for _, skip := range []bool{false, true} {
			r := recsys.NewLogReader("f", bytes.NewReader(log))
			r.MaxLine, r.SkipCorrupt = 1<<16, skip
			for {
				rec, err := r.Next()
				if err != nil {
					var at *recsys.LogError
					if err != io.EOF && !errors.As(err, &at) {
						t.Fatalf("error %T: %v", err, err)
					}
					break
				}
				checkAgain(t, rec)
			}
			st := r.Stats()
			if lines := bytes.Count(log, []byte("\n")) + 1; st.Exposures+st.Feedback+st.Schemas+st.Torn+st.Corrupt > lines && !bytes.HasPrefix(log, []byte{0x1f, 0x8b}) {
				t.Fatalf("%+v of %d lines", st, lines)
			}
		}
		for _, line := range bytes.Split(log, []byte("\n")) {
			if _, err := readLine(string(line)); err == nil && !json.Valid(line) {
				t.Fatalf("accepted a line that is no JSON: %q", line)
			}
		}
	})
}

// checkAgain writes what was read and reads it again.
func checkAgain(t *testing.T, rec recsys.LogRecord) {
	var log []byte
	if x := rec.Exposure; x != nil {
		if x.Schema != nil {
			log = recsys.AppendSchema(log, x.Schema)
		}
		log = recsys.AppendExposure(log, x)
	} else {
		log = recsys.AppendFeedback(log, rec.Feedback)
	}
	again, err := recsys.NewLogReader("again", bytes.NewReader(log)).Next()
	if err != nil {
		t.Fatalf("%v in %s", err, log)
	}
	again.File, again.Line = rec.File, rec.Line
	if d := firstDifference(rec, again); d != "" {
		t.Fatalf("differs at %s after a second pass through\n%s", d, log)
	}
}
