package ranking_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking"
)

func TestReadLibSVM(t *testing.T) {
	text := "2 qid:7 1:0.5 3:-1e2 # best\n\n# a comment\n0 qid:7 2:nan\n-1 qid:8\n"
	for _, c := range []struct {
		cfg  ranking.LibSVMConfig
		want string
	}{
		{ranking.LibSVMConfig{}, "[f0 f1 f2 f3] [0 0.5 0 -100 0 0 NaN 0 0 0 0 0]"},
		{ranking.LibSVMConfig{OneBased: true}, "[f1 f2 f3] [0.5 0 -100 0 NaN 0 0 0 0]"},
		{ranking.LibSVMConfig{OneBased: true, Columns: 4}, "[f1 f2 f3 f4] [0.5 0 -100 0 0 NaN 0 0 0 0 0 0]"},
		{ranking.LibSVMConfig{OneBased: true, AbsentIsMissing: true}, "[f1 f2 f3] [0.5 NaN -100 NaN NaN NaN NaN NaN NaN]"},
	} {
		d, err := ranking.ReadLibSVM(strings.NewReader(text), c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(d.Columns, d.Floats); got != c.want {
			t.Errorf("%+v: %s; want %s", c.cfg, got, c.want)
		}
		if got := fmt.Sprint(d.Heads, d.Labels, d.Groups); got != "[label] [2 0 -1] [7 7 8]" {
			t.Errorf("%+v: %s", c.cfg, got)
		}
	}
	d, err := ranking.ReadLibSVM(strings.NewReader(""), ranking.LibSVMConfig{Head: "grade"})
	if err != nil || d.Len() != 0 || d.Heads[0] != "grade" {
		t.Errorf("empty: %v, %v", d, err)
	}
}

func TestReadLibSVMErrorsNameFileLineAndToken(t *testing.T) {
	for _, c := range []struct {
		text, want string
		cfg        ranking.LibSVMConfig
	}{
		{"1 1:2\nx 1:2\n", `t.svm:2: field "label": "x": want a number`, ranking.LibSVMConfig{}},
		{"1 12\n", `t.svm:1: field "index:value": "12": want index:value`, ranking.LibSVMConfig{}},
		{"1 a:2\n", `"a:2": want an index >= 0`, ranking.LibSVMConfig{}},
		{"1 -1:2\n", `"-1:2": want an index >= 0`, ranking.LibSVMConfig{}},
		{"1 0:2\n", `"0:2": want an index >= 1`, ranking.LibSVMConfig{OneBased: true}},
		{"1 3:2\n", `"3:2": want an index within 3 columns`, ranking.LibSVMConfig{Columns: 3}},
		{"1 99999999999:2\n", `want an index >= 0`, ranking.LibSVMConfig{}},
		{"1 1048576:2\n", `want an index below 1048576`, ranking.LibSVMConfig{}},
		{"1 1:x\n", `"1:x": want a number`, ranking.LibSVMConfig{}},
		{"1 1:1e99\n", `"1:1e99": want a number that is finite`, ranking.LibSVMConfig{}},
		{"1 1:2 2:3 1:4\n", `t.svm:1: field "index": "1": comes twice in the line`, ranking.LibSVMConfig{}},
		{"1 qid:x\n", `field "qid": "qid:x": want an integer`, ranking.LibSVMConfig{}},
		{"1 qid:1\n1 1:1\n", `t.svm:2: field "qid": some lines have one and some have none`, ranking.LibSVMConfig{}},
		{"1 1:1\n1 qid:1 1:1\n", `t.svm:2: field "qid": some lines have one and some have none`, ranking.LibSVMConfig{}},
		{"1 9:1\n1\n1\n", `t.svm: 3 rows of 10 columns are more than MaxValues, 20`, ranking.LibSVMConfig{MaxValues: 20}},
	} {
		c.cfg.Name = "t.svm"
		d, err := ranking.ReadLibSVM(strings.NewReader(c.text), c.cfg)
		var typed *ranking.ParseError
		if d != nil || !errors.As(err, &typed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v; want %q", c.text, err, c.want)
		}
	}
	for _, cfg := range []ranking.LibSVMConfig{{Columns: -1}, {MaxValues: -1}} {
		if _, err := ranking.ReadLibSVM(strings.NewReader(""), cfg); err == nil || !strings.Contains(err.Error(), "is -1; want >= 0") {
			t.Errorf("%+v: error %v", cfg, err)
		}
	}
}

func FuzzReadLibSVM(f *testing.F) {
	f.Add([]byte("1 qid:7 1:0.5 3:-100 # best\n0 qid:7 2:nan\n"), false)
	f.Add([]byte("-1 1:1 2:2\n+1 40:1e-20 3:7"), true)
	f.Add([]byte("0\n\n1 0:1"), false)
	f.Fuzz(func(t *testing.T, text []byte, oneBased bool) {
		cfg := ranking.LibSVMConfig{OneBased: oneBased, AbsentIsMissing: true, MaxValues: 1 << 16}
		d, err := ranking.ReadLibSVM(bytes.NewReader(text), cfg)
		if err != nil {
			var typed *ranking.ParseError
			if d != nil || !errors.As(err, &typed) {
				t.Errorf("dataset %v, error %v; want a ParseError alone", d, err)
			}
			return
		}
		var b bytes.Buffer
		for i := range d.Len() {
			fmt.Fprint(&b, strconv.FormatFloat(float64(d.Labels[i]), 'g', -1, 32))
			if len(d.Groups) > 0 {
				fmt.Fprintf(&b, " qid:%d", d.Groups[i])
			}
			for j, v := range d.FloatRow(i) {
				fmt.Fprintf(&b, " %s:%s", d.Columns[j][1:], strconv.FormatFloat(float64(v), 'g', -1, 32))
			}
			b.WriteByte('\n')
		}
		back, err := ranking.ReadLibSVM(&b, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back.Columns, d.Columns) || !sameFloats(back.Floats, d.Floats) || !sameFloats(back.Labels, d.Labels) || !slices.Equal(back.Groups, d.Groups) {
			t.Errorf("written and read again it is %v; was %v", back, d)
		}
	})
}

// The shapes are those that the data's own README gives.
func TestGoldenLibSVM(t *testing.T) {
	for name, rows := range map[string]int{"rank.train.gz": 3005, "rank.test.gz": 768} {
		d, err := ranking.ReadLibSVM(reference.Open(t, "data", "ltr-lightgbm", name), ranking.LibSVMConfig{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != rows || len(d.Columns) < 300 || slices.Max(d.Labels) != 4 || slices.Min(d.Labels) != 0 {
			t.Errorf("%s: %v, labels %v to %v; want %d rows, 300 columns, labels 0 to 4", name, d, slices.Min(d.Labels), slices.Max(d.Labels), rows)
		}
		if math.IsNaN(float64(d.Floats[0])) {
			t.Errorf("%s: an absent value is NaN; want 0", name)
		}
	}
}
