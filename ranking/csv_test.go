package ranking_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

const table = "\ufeffage, job ,click,income,w,req,when,pos,p,note\n" +
	"30,nurse,1,>50K,0.5,a,1700000000,0,0.25,x\n" +
	"?,\"a \"\"b\"\", c\",0,<=50K,,b,2023-11-14T22:13:20Z,,,y\n" +
	"NaN,12,NA,?,2, a ,1700000000000,3,1,z\n"

func tableConfig() ranking.CSVConfig {
	return ranking.CSVConfig{
		Name: "t.csv", Labels: []string{"click", "income"}, Positive: map[string]string{"income": ">50K"},
		IDs: []string{"job"}, Drop: []string{"note"},
		Weight: "w", Group: "req", Time: "when", Position: "pos", Propensity: "p",
	}
}

func TestReadCSVTakesEveryRole(t *testing.T) {
	d, err := ranking.ReadCSV(strings.NewReader(table), tableConfig())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Columns, []string{"age"}) || !slices.Equal(d.IDColumns, []string{"job"}) || !slices.Equal(d.Heads, []string{"click", "income"}) {
		t.Fatalf("columns %v, id columns %v, heads %v", d.Columns, d.IDColumns, d.Heads)
	}
	for i, want := range []string{
		fmt.Sprintf("[30] [%d] [1 1] 0.5", recsys.HashID("nurse")),
		fmt.Sprintf("[NaN] [%d] [0 0] 1", recsys.HashID(`a "b", c`)),
		"[NaN] [12] [NaN NaN] 2",
	} {
		if got := fmt.Sprint(d.FloatRow(i), d.IDRow(i), d.LabelRow(i), d.Weight(i)); got != want {
			t.Errorf("row %d is %s; want %s", i, got, want)
		}
	}
	if d.Groups[0] != d.Groups[2] || d.Groups[0] == d.Groups[1] {
		t.Errorf("groups %v", d.Groups)
	}
	const when = 1700000000_000_000_000
	if !slices.Equal(d.Times, []int64{when, when, when}) || !slices.Equal(d.Positions, []int32{0, -1, 3}) {
		t.Errorf("times %v, positions %v", d.Times, d.Positions)
	}
	if p := d.Propensities; p[0] != 0.25 || !math.IsNaN(p[1]) || p[2] != 1 {
		t.Errorf("propensities %v", p)
	}
}

func TestReadCSVWithoutHeader(t *testing.T) {
	d, err := ranking.ReadCSV(strings.NewReader("1;2.5;x\n0;-1e3;y\n"), ranking.CSVConfig{NoHeader: true, Comma: ';', Labels: []string{"0"}, IDs: []string{"2"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.Columns, d.Floats, d.Labels, d.IDColumns); got != "[1] [2.5 -1000] [1 0] [2]" {
		t.Errorf("read %s", got)
	}
}

func TestReadCSVTimes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1e9, "-1": -1e9, "1700000000": 1700000000e9, "1700000000123": 1700000000123e6,
		"1700000000123456": 1700000000123456e3, "1700000000123456789": 1700000000123456789,
		"1970-01-01T01:00:00+01:00": 0, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
		"99999999999": math.MaxInt64, // the year 5138 in seconds is beyond nanoseconds
	} {
		d, err := ranking.ReadCSV(strings.NewReader("t,x\n"+text+",1\n"), ranking.CSVConfig{Time: "t"})
		if err != nil || d.Times[0] != want {
			t.Errorf("%s: %v, error %v; want %d", text, d, err, want)
		}
	}
}

func TestReadCSVErrorsNameFileLineColumnAndValue(t *testing.T) {
	for _, c := range []struct {
		text, want string
		cfg        ranking.CSVConfig
	}{
		{"", "t.csv: there is nothing", ranking.CSVConfig{}},
		{"a,b\n1,2\n3,four\n", `t.csv:3: field "b": "four": want a number`, ranking.CSVConfig{}},
		{"a\n1e39\n", `t.csv:2: field "a": "1e39": want a number that is finite as float32`, ranking.CSVConfig{}},
		{"a\n-inf\n", `t.csv:2: field "a": "-inf": want a number that is finite`, ranking.CSVConfig{}},
		{"a,b\n1\n", "t.csv:2: wrong number of fields", ranking.CSVConfig{}},
		{"a,b\n\"x\n", "t.csv:2: extraneous or missing", ranking.CSVConfig{}},
		{"a,a\n", `t.csv:1: column "a" comes twice`, ranking.CSVConfig{}},
		{"a,\n", `names that are not empty`, ranking.CSVConfig{}},
		{"a,y\n1,2\n", `t.csv:1: Labels: no column "z" (columns: a, y)`, ranking.CSVConfig{Labels: []string{"y", "z"}}},
		{"a,y\n1,2\n", `Drop: column "y" is among Labels already`, ranking.CSVConfig{Labels: []string{"y"}, Drop: []string{"y"}}},
		{"a,y\n1,2\n", `Positive: "a" is not among Labels (y)`, ranking.CSVConfig{Labels: []string{"y"}, Positive: map[string]string{"a": "1"}}},
		{"a,t\n1,soon\n", `t.csv:2: field "t": "soon": want Unix seconds`, ranking.CSVConfig{Time: "t"}},
		{"a,p\n1,-3\n", `t.csv:2: field "p": "-3": want an integer`, ranking.CSVConfig{Position: "p"}},
		{"a,p\n1,x\n", `t.csv:2: field "p": "x": want a number`, ranking.CSVConfig{Propensity: "p"}},
		{"a,p\n1,0\n", `t.csv: ranking: Dataset.Propensities: row 0 is 0; want`, ranking.CSVConfig{Propensity: "p"}},
		{"a,w\n1,-1\n", `t.csv: ranking: Dataset.Weights: row 0 is -1; want`, ranking.CSVConfig{Weight: "w"}},
		{"a\n" + strings.Repeat("9", 60) + "x\n", strings.Repeat("9", 37) + "...", ranking.CSVConfig{}},
	} {
		c.cfg.Name = "t.csv"
		d, err := ranking.ReadCSV(strings.NewReader(c.text), c.cfg)
		var typed *ranking.ParseError
		if d != nil || !errors.As(err, &typed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: error %v; want %q", c.text, err, c.want)
		}
	}
	broken := errors.New("broken pipe")
	if _, err := ranking.ReadCSV(io.MultiReader(strings.NewReader("a\n1\n"), failing{broken}), ranking.CSVConfig{}); !errors.Is(err, broken) {
		t.Errorf("error %v; want the reader's", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// writeCSV writes what FuzzReadCSV reads.
func writeCSV(d *ranking.Dataset) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := slices.Concat(d.Columns, d.IDColumns, d.Heads)
	w.Write(append(header, "w", "t"))
	for i := range d.Len() {
		var record []string
		for _, v := range d.FloatRow(i) {
			record = append(record, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		for _, v := range d.IDRow(i) {
			record = append(record, strconv.FormatUint(v, 10))
		}
		for _, v := range d.LabelRow(i) {
			record = append(record, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		record = append(record, strconv.FormatFloat(float64(d.Weight(i)), 'g', -1, 32), strconv.FormatInt(d.Times[i], 10))
		w.Write(record)
	}
	w.Flush()
	return b.Bytes()
}

func sameFloats(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

func FuzzReadCSV(f *testing.F) {
	cfg := ranking.CSVConfig{Labels: []string{"y"}, IDs: []string{"k"}, Weight: "w", Time: "t"}
	f.Add([]byte("x,k,y,w,t\n1,a,1,1,1700000000000000000\n?,\"b,\"\"c\",0,2,1700000000000000001\n"))
	f.Add([]byte("y,k,w,t\n0.5,3,,1600000000000000000\n"))
	f.Add([]byte("k,w,t,y, x\n,,2020-01-01T00:00:00Z,NA,\t3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ranking.ReadCSV(bytes.NewReader(text), cfg)
		if err != nil {
			var typed *ranking.ParseError
			if d != nil || !errors.As(err, &typed) {
				t.Errorf("dataset %v, error %v; want a ParseError alone", d, err)
			}
			return
		}
		for _, v := range d.Times {
			if max(v, -v) < 1e17 {
				return // does not read back as nanoseconds
			}
		}
		back, err := ranking.ReadCSV(bytes.NewReader(writeCSV(d)), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back.Columns, d.Columns) || !sameFloats(back.Floats, d.Floats) || !slices.Equal(back.IDs, d.IDs) ||
			!sameFloats(back.Labels, d.Labels) || !sameFloats(back.Weights, d.Weights) || !slices.Equal(back.Times, d.Times) {
			t.Errorf("written and read again it is %v; was %v", back, d)
		}
	})
}
