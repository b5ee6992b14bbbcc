package encoder

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
)

// sealed wraps a declaration and tables in a good envelope, so that damage is not found by its checksums.
func sealed(text []byte, ids []uint64, vectors []float32, schema uint64) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, setKind, setVersion, schema)
	w.WriteJSON("set", json.RawMessage(text))
	if ids != nil {
		envelope.Write(w, "ids", ids)
	}
	if vectors != nil {
		envelope.Write(w, "vectors", vectors)
	}
	if _, err := w.Close(); err != nil {
		return nil
	}
	return b.Bytes()
}

func TestReadFromChecksWhatAFileSays(t *testing.T) {
	const inputs = `"inputs":[{"name":"x","kind":0,"dim":0,"scope":0},{"name":"i","kind":1,"dim":0,"scope":0}]`
	step := func(encoder, params string) string {
		return `{` + inputs + `,"steps":[{"name":"s","from":["i"],"hidden":false,"encoder":"` + encoder + `","params":` + params + `,"table":0}],"tables":null}`
	}
	for _, c := range []struct{ text, want string }{
		{`{` + inputs + `,"steps":[],"tables":null}`, "Config.Steps is empty"},
		{step("nonsense", "{}"), `unknown encoder "nonsense"`},
		{step("hash", `{"buckets":9223372036854775807,"seed":0}`), "field Buckets"},
		{step("hash", `{"salt":1}`), "salt"},
		{step("hash", `[]`), "cannot unmarshal"},
		{step("log1p", `{"max":0}`), "want float"},
		{step("embedding", `{"unknown":0,"unknown_id":0}`), "field Table is nil"},
		{step("hash", `{"buckets":1,"seed":0}`), "the set's hash is"},
		{`{` + inputs + `,"steps":[{"name":"s","from":["i"],"encoder":"embedding","params":{},"table":2}],"tables":[]}`, "table 2 of 0"},
		{`{` + inputs + `,"steps":[],"tables":[{"dim":-1,"ids":false}]}`, "dim is -1"},
		{`{` + inputs + `,"steps":[],"tables":[{"dim":2,"ids":true}]}`, "ID 1 has two rows"},
	} {
		var ids []uint64
		var vectors []float32
		if bytes.Contains([]byte(c.text), []byte(`"dim":-1`)) || bytes.Contains([]byte(c.text), []byte(`"dim":2`)) {
			vectors = []float32{1, 2, 3, 4}
		}
		if bytes.Contains([]byte(c.text), []byte(`"ids":true`)) {
			ids = []uint64{1, 1}
		}
		var s Set
		_, err := s.ReadFrom(bytes.NewReader(sealed([]byte(c.text), ids, vectors, 0)))
		require.ErrorIs(t, err, ErrCorrupt, c.text)
		require.ErrorContains(t, err, c.want)
	}
}

// FuzzReadFrom reads files as they are, and declarations in a good envelope.
func FuzzReadFrom(f *testing.F) {
	table, err := NewTable([]uint64{3, 9}, []float32{1, 2, 3, 4}, 2)
	require.NoError(f, err)
	inputs := append(List("t", 2), recsys.Column{Name: "x"}, recsys.Column{Name: "v", Kind: recsys.Vector, Dim: 2})
	set, err := NewSet(Config{Inputs: inputs, Steps: []Step{
		{Name: "a", From: []string{"t.0", "t.1"}, Encoder: Cross{Buckets: 5}, Hidden: true},
		{Name: "b", From: []string{"a"}, Encoder: Embedding{Table: table}},
		{Name: "c", From: []string{"x"}, Encoder: Buckets{Boundaries: []float32{1, 2}}},
		{Name: "d", From: []string{"v"}, Encoder: Standard{}},
		{Name: "e", From: []string{"t.0", "t.1"}, Encoder: MultiHot{Max: 3}},
		{Name: "f", Encoder: Cyclic{Period: Year}},
		{Name: "g", From: []string{"x", "x"}, Encoder: Rate{Alpha: 1, Beta: 2}},
		{Name: "h", From: []string{"v", "v"}, Encoder: Pooling{Table: table, Weighted: true}},
	}})
	require.NoError(f, err)
	var whole bytes.Buffer
	_, err = set.WriteTo(&whole)
	require.NoError(f, err)
	f.Add(whole.Bytes())
	r := envelope.NewReader(bytes.NewReader(whole.Bytes()), setKind, setVersion)
	var text json.RawMessage
	r.ReadJSON("set", &text)
	f.Add([]byte(text))
	f.Fuzz(func(t *testing.T, b []byte) {
		files := [][]byte{b, sealed(b, []uint64{3, 9}, []float32{1, 2, 3, 4}, set.Hash()), sealed(b, nil, nil, 0)}
		for _, file := range files {
			var s Set
			if _, err := s.ReadFrom(bytes.NewReader(file)); err != nil {
				if s.p != nil {
					t.Fatal("a set that was not read holds something")
				}
				if !errors.Is(err, ErrKind) && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCorrupt) {
					t.Fatalf("untyped: %v", err)
				}
				continue
			}
			var out bytes.Buffer
			if _, err := s.WriteTo(&out); err != nil {
				t.Fatal(err)
			}
			var again Set
			if _, err := again.ReadFrom(bytes.NewReader(out.Bytes())); err != nil || again.Hash() != s.Hash() {
				t.Fatalf("read %016x, written and read again %016x, %v", s.Hash(), again.Hash(), err)
			}
		}
	})
}
