package objective_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/objective"
)

const homeJSON = `{
  "name": "home",
  "version": "3",
  "terms": [
    {"head": "click", "weight": 1},
    {"head": "dwell", "weight": 0.5, "max": 120, "transform": "log1p"},
    {"head": "hide", "weight": -4, "transform": "logit"}
  ]
}`

func TestParseReadsWhatNewTakes(t *testing.T) {
	o, err := objective.Parse("home.json", []byte(homeJSON))
	require.NoError(t, err)
	require.Equal(t, build(t, home()).Version(), o.Version())
	require.Equal(t, "home", o.Name())
	require.Equal(t, []string{"click", "dwell", "hide"}, o.Heads())
}

func TestParseNamesFileLineFieldAndReason(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", "objective: f:1: the text ends too early"},
		{"no object", "[]", "objective: f:1: want an object"},
		{"unknown field", "{\n\"name\": \"x\",\n\"wieght\": 1}", `objective: f:3: unknown field "wieght"`},
		{"other case", `{"Name": "x"}`, `objective: f:1: unknown field "Name"`},
		{"unknown field of a term", "{\"terms\": [\n{\"head\": \"a\", \"weigth\": 1}]}", `objective: f:2: terms[0]: unknown field "weigth"`},
		{"twice", "{\"name\": \"x\",\n\"name\": \"y\"}", `objective: f:2: field "name" is given twice`},
		{"null", "{\"terms\": [{\"head\": \"a\",\n\"weight\": null}]}", "objective: f:2: terms[0].weight: want a number"},
		{"wrong type", `{"version": 3}`, "objective: f:1: version: want a string"},
		{"wrong flag", `{"terms": [{"nonnegative": 1}]}`, "objective: f:1: terms[0].nonnegative: want true or false"},
		{"no array", `{"terms": {}}`, "objective: f:1: terms: want an array"},
		{"out of range", `{"floor": 1e999}`, "objective: f:1: floor: 1e999 is outside the range of a float64"},
		{"no weight", "{\"terms\": [\n{\"head\": \"a\"}]}", `objective: f:2: terms[0]: field "weight" is missing`},
		{"cut off", `{"terms": [{"head": "a", "weight": 1}`, "objective: f:1: terms: the text ends too early"},
		{"no JSON", "{\n\"name\" \"x\"}", "objective: f:2: name: invalid character"},
		{"more text", homeJSON + "\n{}", "objective: f:10: text after the end of the object"},
		{"guardrails are not known", `{"guardrails": []}`, `unknown field "guardrails"`},
		{"nothing makes sense", "{}", "f: objective: name is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, err := objective.Parse("f", []byte(tc.text))
			require.ErrorContains(t, err, tc.want)
			require.Nil(t, o)
		})
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "home.json")
	require.NoError(t, os.WriteFile(path, []byte(homeJSON), 0o644))
	o, err := objective.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "home", o.Name())

	_, err = objective.ReadFile(filepath.Join(dir, "absent.json"))
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat(" ", 1<<20+1)), 0o644))
	_, err = objective.ReadFile(path)
	require.ErrorContains(t, err, "more than 1048576 bytes")

	require.NoError(t, os.WriteFile(path, []byte(labelsJSON), 0o644))
	l, err := objective.ReadLabelerFile(path)
	require.NoError(t, err)
	require.Equal(t, []string{"click", "long-dwell", "value"}, l.Heads())
	_, err = objective.ReadLabelerFile(dir)
	require.Error(t, err)
}

// FuzzParse: no panic, and what is read is written and read again as it was.
func FuzzParse(f *testing.F) {
	f.Add([]byte(homeJSON))
	f.Add([]byte(`{"name":"x","version":"1","form":"product","floor":1e-3,"terms":[{"head":"a","weight":-0,"min":-1}]}`))
	f.Add([]byte(`{"terms":[{"head":"a","weight":1},]}`))
	f.Add([]byte(`{"terms":[[[[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := objective.ParseConfig("f", data)
		if err != nil {
			if !reflect.DeepEqual(c, objective.Config{}) {
				t.Fatalf("half of a configuration came with the error %v", err)
			}
			return
		}
		text, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := objective.ParseConfig("f", text)
		require.NoError(t, err, "%s", text)
		require.Equal(t, c, again)
		o, err := objective.New(c)
		if err != nil {
			return
		}
		dst := make([]float32, 2)
		require.NoError(t, o.Score(dst, make([]float32, 2*len(o.Heads()))))
	})
}

// FuzzParseLabeler: as FuzzParse.
func FuzzParseLabeler(f *testing.F) {
	f.Add([]byte(labelsJSON))
	f.Add([]byte(`{"heads":[{"head":"a","rules":[{"kind":"*","label":1e300}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := objective.ParseLabelConfig("f", data)
		if err != nil {
			if !reflect.DeepEqual(c, objective.LabelConfig{}) {
				t.Fatalf("half of a configuration came with the error %v", err)
			}
			return
		}
		text, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := objective.ParseLabelConfig("f", text)
		require.NoError(t, err, "%s", text)
		require.Equal(t, c, again)
		l, err := objective.NewLabeler(c)
		if err != nil {
			return
		}
		dst := make([]float32, len(l.Heads()))
		require.NoError(t, l.Labels(dst, []objective.Event{{Kind: "click"}, {Kind: "dwell", Value: 3}}))
	})
}
