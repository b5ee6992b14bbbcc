package frame_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/internal/race"
)

func readCSV(t testing.TB, text string, cfg frame.CSVConfig) *frame.Frame {
	t.Helper()
	r, err := frame.NewCSVReader(strings.NewReader(text), cfg)
	require.NoError(t, err)
	f, err := frame.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, f.Validate())
	return f
}

// rows prints a frame, a line per row; missing values are "-".
func rows(f *frame.Frame) string {
	var b strings.Builder
	for i := range f.Rows {
		for j := range f.Columns {
			c := &f.Columns[j]
			if j > 0 {
				b.WriteByte(' ')
			}
			switch {
			case c.IsMissing(i):
				b.WriteByte('-')
			case c.Kind == frame.String:
				fmt.Fprintf(&b, "%q", c.String[i])
			case c.Kind == frame.Vector:
				fmt.Fprint(&b, c.VectorRow(i))
			case c.Kind == frame.Uint64:
				fmt.Fprint(&b, c.Uint64[i])
			case c.Kind == frame.Time:
				fmt.Fprint(&b, time.Unix(0, c.Int64[i]).UTC().Format(time.RFC3339Nano))
			case c.Kind == frame.Int64:
				fmt.Fprint(&b, c.Int64[i])
			default:
				fmt.Fprint(&b, c.Number(i))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestCSVDeclaredKinds(t *testing.T) {
	f := readCSV(t, "id,x,y,n,name,at,v\n"+
		"18446744073709551615,1.5,0.1,-3,ab,2023-11-14T22:13:20Z,1 2.5\n"+
		",,NA,null,?,,\n"+
		`"7"," inf",-Inf,"9",  "  spaced ""out"", " ,1700000000123,"[1, -2]"`+"\n",
		frame.CSVConfig{Fields: []frame.Field{
			{Name: "id", Kind: frame.Uint64},
			{Name: "x", Kind: frame.Float64},
			{Name: "y", Kind: frame.Float32},
			{Name: "n", Kind: frame.Int64},
			{Name: "name", Kind: frame.String},
			{Name: "at", Kind: frame.Time},
			{Name: "v", Kind: frame.Vector, Dim: 2},
		}})
	require.Equal(t, `18446744073709551615 1.5 0.10000000149011612 -3 "ab" 2023-11-14T22:13:20Z [1 2.5]
- - - - - - -
7 +Inf -Inf 9 "  spaced \"out\", " 2023-11-14T22:13:20.123Z [1 -2]
`, rows(f))
	require.True(t, math.IsNaN(f.Columns[1].Float64[1]), "the filler of a float is NaN")
	require.Equal(t, []float32{0, 0}, f.Columns[6].VectorRow(1))
}

// The rule of NewCSVReader, value by value.
func TestCSVInferenceFollowsTheRule(t *testing.T) {
	for cells, want := range map[string]frame.Kind{
		"1|-2|":                       frame.Int64,
		"9223372036854775807":         frame.Int64,
		"1|9223372036854775808":       frame.Uint64,
		"-1|9223372036854775808":      frame.String,
		"18446744073709551616":        frame.String,
		"-9223372036854775809":        frame.String,
		"1|2.5":                       frame.Float64,
		"1e3|0.5|-0.25|inf":           frame.Float64,
		"+5":                          frame.Float64,
		"007|1":                       frame.String,
		"0|-0":                        frame.Int64,
		"00.5":                        frame.Float64,
		"1|x":                         frame.String,
		"2023-11-14|2023-11-14 10:00": frame.String,
		"2023-11-14|2023-11-14 10:00:00|2023-11-14T10:00:00Z": frame.Time,
		"|NA": frame.String,
	} {
		text := "a,b\n"
		for _, c := range strings.Split(cells, "|") {
			text += c + ",x\n"
		}
		r, err := frame.NewCSVReader(strings.NewReader(text), frame.CSVConfig{})
		require.NoError(t, err)
		require.Equal(t, want.String(), r.Fields()[0].Kind.String(), cells)
		_, err = frame.ReadAll(r)
		require.NoError(t, err, cells)
	}
}

func TestCSVInferenceOfQuotedCells(t *testing.T) {
	f := readCSV(t, "a,b\n\"1\",\"NA\"\n\"\",NA\n", frame.CSVConfig{})
	require.Equal(t, "1 \"NA\"\n- -\n", rows(f), "quotes matter in strings alone")
}

func TestCSVInferenceThatTurnsOutWrongSaysSo(t *testing.T) {
	r, err := frame.NewCSVReader(strings.NewReader("a\n1\n2\nx\n"), frame.CSVConfig{Name: "t.csv", Sample: 2})
	require.NoError(t, err)
	var chunk frame.Frame
	err = r.Next(&chunk)
	require.EqualError(t, err, `t.csv:4: field "a": "x": want an integer: int64 was inferred from the first 2 rows; declare the column, or raise Sample`)
	require.Zero(t, chunk.Rows)
	require.Equal(t, err, r.Next(&chunk), "the error stays")
}

func TestCSVProjectionParsesNothingElse(t *testing.T) {
	f := readCSV(t, "a,b,c\n1,broken,3\n4,5,6\n", frame.CSVConfig{
		Columns: []string{"c", "a"},
		Fields:  []frame.Field{{Name: "b", Kind: frame.Int64}, {Name: "c", Kind: frame.Float32}},
	})
	require.Equal(t, "3 1\n6 4\n", rows(f))
	require.Equal(t, []frame.Field{{Name: "c", Kind: frame.Float32}, {Name: "a", Kind: frame.Int64}}, f.Fields())
}

func TestCSVWithoutHeader(t *testing.T) {
	f := readCSV(t, "1\tx\n2\ty\n", frame.CSVConfig{Comma: '\t', NoHeader: true})
	require.Equal(t, "1 \"x\"\n2 \"y\"\n", rows(f))
	require.Equal(t, "0", f.Columns[0].Name)
	f = readCSV(t, "1\tx\n", frame.CSVConfig{Comma: '\t', NoHeader: true, Names: []string{"n", "s"}, Columns: []string{"s"}})
	require.Equal(t, "\"x\"\n", rows(f))
	f = readCSV(t, "", frame.CSVConfig{NoHeader: true, Names: []string{"n"}})
	require.Equal(t, []frame.Field{{Name: "n", Kind: frame.String}}, f.Fields())
}

func TestCSVLiteralQuotesAreText(t *testing.T) {
	f := readCSV(t, "a\tb\n\"x\t5\"\n", frame.CSVConfig{Comma: '\t', Literal: true})
	require.Equal(t, `"\"x" "5\""`+"\n", rows(f))
}

func TestCSVLineEndsMarksAndEmptyLines(t *testing.T) {
	f := readCSV(t, "\ufeff\n\na,b\r\n1,\"x\r\ny\nz\"\r\n\r\n\n2,w", frame.CSVConfig{})
	require.Equal(t, "1 \"x\\r\\ny\\nz\"\n2 \"w\"\n", rows(f))
	require.Equal(t, "a", f.Columns[0].Name)
}

func TestCSVUnitOfTimes(t *testing.T) {
	at := []frame.Field{{Name: "t", Kind: frame.Time}}
	f := readCSV(t, "t\n100\n", frame.CSVConfig{Fields: at, Unit: time.Microsecond})
	require.Equal(t, int64(100_000), f.Columns[0].Int64[0])
	f = readCSV(t, "t\n100\n2023-11-14\n", frame.CSVConfig{Fields: at})
	require.Equal(t, "1970-01-01T00:01:40Z\n2023-11-14T00:00:00Z\n", rows(f))
}

func TestCSVReadsGzipAndNamesTheFile(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte("a\n1\nx\n"))
	z.Close()
	path := filepath.Join(t.TempDir(), "t.csv.gz")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	r, err := frame.NewCSVReader(file, frame.CSVConfig{Fields: []frame.Field{{Name: "a", Kind: frame.Int64}}})
	require.NoError(t, err)
	_, err = frame.ReadAll(r)
	require.EqualError(t, err, path+`:3: field "a": "x": want an integer`)

	torn := b.Bytes()[:b.Len()-3]
	_, err = readErr(torn, frame.CSVConfig{Fields: []frame.Field{{Name: "a", Kind: frame.String}}})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	var typed *recsys.ParseError
	require.ErrorAs(t, err, &typed)
}

func readErr(text []byte, cfg frame.CSVConfig) (*frame.Frame, error) {
	r, err := frame.NewCSVReader(bytes.NewReader(text), cfg)
	if err != nil {
		return nil, err
	}
	return frame.ReadAll(r)
}

func TestCSVErrorsNameFileLineFieldAndReason(t *testing.T) {
	field := func(k frame.Kind) frame.CSVConfig {
		return frame.CSVConfig{Fields: []frame.Field{{Name: "a", Kind: k}}}
	}
	vector := frame.CSVConfig{Fields: []frame.Field{{Name: "a", Kind: frame.Vector, Dim: 2}}}
	for _, c := range []struct {
		text, want string
		cfg        frame.CSVConfig
	}{
		{"", "t.csv: there is nothing; want a header", frame.CSVConfig{}},
		{"a,b\n1\n", "t.csv:2: 1 cells; want 2, as the first line has", frame.CSVConfig{}},
		{"a,b\n1,2,3\n", "t.csv:2: 3 cells; want 2", frame.CSVConfig{}},
		{"a,b,a\n", `t.csv:1: column "a" comes twice`, frame.CSVConfig{}},
		{"a,b\n", `t.csv: no column "c", "d" (columns: "a", "b")`, frame.CSVConfig{Columns: []string{"c", "a", "d"}}},
		{"x\n", `t.csv: no column "a" (columns: "x")`, field(frame.Int64)},
		{"a\n1.0\n", `t.csv:2: field "a": "1.0": want an integer`, field(frame.Int64)},
		{"a\n9223372036854775808\n", "want a number within the range of its type", field(frame.Int64)},
		{"a\n-1\n", `"-1": want an integer >= 0`, field(frame.Uint64)},
		{"a\n1e999\n", "want a number within the range", field(frame.Float64)},
		{"a\n1e39\n", "want a number within the range", field(frame.Float32)},
		{"a\nx\n", "want a number", field(frame.Float32)},
		{"a\nsoon\n", "want a time", field(frame.Time)},
		{"a\n99999999999\n", "want a time from 1677 to 2262", field(frame.Time)},
		{"a\n1\n", "want 2 numbers", vector},
		{"a\n1 2 3\n", "want 2 numbers", vector},
		{"a\n1 x\n", "value 2: want a number", vector},
		{"a,b\n1,\"x\n\ny\"z\n", "t.csv:4: text between the closing quote", frame.CSVConfig{}},
		{"a,b\n1,x\"y\n", "t.csv:2: a quote within a field", frame.CSVConfig{}},
		{"a,b\n1,\"x\n\n", "t.csv:2: the file ends within quotes", frame.CSVConfig{}},
		{"a,b\n\"1\n2\",\"3\n4\"\n5,\"\n\n7\",\n", "t.csv:7: 3 cells", frame.CSVConfig{}},
		{"a,b\n\"1\n2\",x\n", `t.csv:3: field "b": "x": want a number`, frame.CSVConfig{Fields: []frame.Field{{Name: "b"}}}},
		{"a\n" + strings.Repeat("x", 99), "t.csv:2: the record has more than MaxRecord, 80 bytes", frame.CSVConfig{MaxRecord: 80}},
	} {
		c.cfg.Name = "t.csv"
		_, err := readErr([]byte(c.text), c.cfg)
		require.ErrorContains(t, err, c.want, "%q", c.text)
		var typed *frame.ParseError
		var columns *frame.ColumnError
		require.True(t, errors.As(err, &typed) || errors.As(err, &columns), "%q: %v", c.text, err)
	}
}

func TestCSVConfigErrorsNameTheField(t *testing.T) {
	for want, cfg := range map[string]frame.CSVConfig{
		"Comma is '\"'":                       {Comma: '"'},
		"Sample is -1":                        {Sample: -1},
		"ChunkRows -1":                        {ChunkRows: -1},
		"MaxRecord -1":                        {MaxRecord: -1},
		"Unit is -1ns":                        {Unit: -1},
		"set NoHeader":                        {Names: []string{"a"}},
		`Columns names "a" twice`:             {Columns: []string{"a", "a"}},
		`column "a" comes twice`:              {Fields: []frame.Field{{Name: "a"}, {Name: "a"}}},
		`column "a" is of unknown kind 9`:     {Fields: []frame.Field{{Name: "a", Kind: 9}}},
		`column "a" is a vector of dimension`: {Fields: []frame.Field{{Name: "a", Kind: frame.Vector}}},
		"Dim is 2 for kind string; want 0":    {Fields: []frame.Field{{Name: "a", Kind: frame.String, Dim: 2}}},
	} {
		_, err := frame.NewCSVReader(strings.NewReader("a\n1\n"), cfg)
		require.ErrorContains(t, err, want)
	}
}

// A chunk is at most as long as asked for, and its memory is used again.
func TestCSVChunks(t *testing.T) {
	text := "a,s\n" + strings.Repeat("1,x\n", 10)
	r, err := frame.NewCSVReader(strings.NewReader(text), frame.CSVConfig{ChunkRows: 4})
	require.NoError(t, err)
	var sizes []int
	var chunk frame.Frame
	var first *int64
	for {
		if err = r.Next(&chunk); err != nil {
			break
		}
		sizes = append(sizes, chunk.Rows)
		if first == nil {
			first = &chunk.Columns[0].Int64[0]
		}
		require.Same(t, first, &chunk.Columns[0].Int64[0])
	}
	require.Equal(t, io.EOF, err)
	require.Equal(t, []int{4, 4, 2}, sizes)
	require.Zero(t, chunk.Rows)
}

// cutReader gives the rows of another reader and then an error that wraps io.EOF, as a damaged file may.
type cutReader struct{ frame.Reader }

func (r cutReader) Next(chunk *frame.Frame) error {
	if err := r.Reader.Next(chunk); err != nil {
		return fmt.Errorf("row group 7: %w", err)
	}
	return nil
}

// Only io.EOF itself is the end: a table that is cut off must not pass for a shorter one.
func TestAnErrorThatWrapsEOFIsNotTheEnd(t *testing.T) {
	r, err := frame.NewCSVReader(strings.NewReader("a\n1\n2\n"), frame.CSVConfig{})
	require.NoError(t, err)
	_, err = frame.ReadAll(cutReader{r})
	require.EqualError(t, err, "row group 7: EOF")
}

func TestCSVReadingDoesNotAllocatePerRow(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	var text strings.Builder
	text.WriteString("i,f,s,q\n")
	for i := range 40_000 {
		fmt.Fprintf(&text, "%d,%g,word%d,\"a \"\"b\"\"\"\n", i, float64(i)/7, i%3)
	}
	r, err := frame.NewCSVReader(strings.NewReader(text.String()), frame.CSVConfig{ChunkRows: 100})
	require.NoError(t, err)
	var chunk frame.Frame
	require.NoError(t, r.Next(&chunk))
	require.Zero(t, testing.AllocsPerRun(200, func() {
		if err := r.Next(&chunk); err != nil {
			t.Fatal(err)
		}
	}))
}
