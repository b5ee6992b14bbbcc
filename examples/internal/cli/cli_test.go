package cli_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// pack returns text as gzip.
func pack(text string) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	io.WriteString(zw, text)
	zw.Close()
	return b.Bytes()
}

// file writes data to a file of its own and returns its name.
func file(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadLinesPlainAndGzip(t *testing.T) {
	text := "\xef\xbb\xbfa b\r\n\nlast"
	for name, data := range map[string][]byte{"plain": []byte(text), "gzip": pack(text)} {
		var got []string
		err := cli.ReadLines(file(t, data), func(line int, text []byte) error {
			got = append(got, fmt.Sprintf("%d:%s", line, text))
			return nil
		})
		if want := "1:a b|2:|3:last"; err != nil || strings.Join(got, "|") != want {
			t.Errorf("%s: read %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestInputErrorsNameFileLineAndReason(t *testing.T) {
	bad := errors.New("field 2 is x")
	failAt := func(n int) func(int, []byte) error {
		return func(line int, _ []byte) error {
			if line == n {
				return bad
			}
			return nil
		}
	}
	folder := t.TempDir()
	packed := pack(strings.Repeat("a line of text\n", 1000))
	cut := file(t, packed[:len(packed)-9])
	noGzip := file(t, []byte("\x1f\x8bneither text nor gzip"))
	plain := file(t, []byte("a\nb\nc\n"))
	tests := []struct {
		name, file, want string
	}{
		{"malformed", plain, plain + ":3: field 2 is x"},
		{"missing", folder + "/none", folder + "/none: no such file or directory"},
		{"folder", folder, folder + ": is a folder, want a file"},
		{"not gzip", noGzip, noGzip + ": gzip: invalid header"},
		{"cut", cut, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := cli.ReadLines(tt.file, failAt(3))
			if tt.name == "cut" {
				err = cli.ReadLines(tt.file, failAt(-1))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if code := cli.ExitCode(err); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
		})
	}
	if err := cli.ReadLines(plain, failAt(1)); !errors.Is(err, bad) {
		t.Errorf("error %v does not wrap the reason", err)
	}
}

func TestLinesKeepsCancellationApart(t *testing.T) {
	err := cli.Lines("f", strings.NewReader("a\n"), func(int, []byte) error { return context.Canceled })
	if code := cli.ExitCode(err); code != 1 {
		t.Errorf("a cancelled run exits with %d, want 1", code)
	}
}

func TestLinesBoundsALine(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MiB")
	}
	endless := io.MultiReader(strings.NewReader("short\n"), io.LimitReader(zeros{}, 65<<20))
	err := cli.Lines("f", endless, func(int, []byte) error { return nil })
	if err == nil || !strings.HasPrefix(err.Error(), "f:2: longer than") {
		t.Errorf("error %v, want one naming line 2 and its length", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestFieldsSplitsAtASCIISpaceOnly(t *testing.T) {
	got := cli.Fields(nil, []byte(" a\t b\u00a0c\v\r"))
	if want := `["a" "b\u00a0c"]`; fmt.Sprintf("%+q", got) != want {
		t.Errorf("Fields = %+q, want %s", got, want)
	}
	if got := cli.Fields(nil, []byte(" \t")); len(got) != 0 {
		t.Errorf("Fields of white space = %q, want none", got)
	}
}

func TestWriteJSONHasFullPrecisionAndNull(t *testing.T) {
	third := 1.0 / 3
	o := cli.Object{
		cli.F("model", "a\"b"),
		cli.F("recall@20", third),
		cli.F("f32", float32(0.1)),
		cli.F("nan", math.NaN()),
		cli.F("list", []float64{1, math.Inf(1), 1e-9, 1e300}),
		cli.F("nested", []any{cli.Object{cli.F("x", math.Inf(-1))}, nil, [2]float32{1, 2}}),
		cli.F("seed", uint64(math.MaxUint64)),
		cli.F("empty", []int{}),
		cli.F("none", []int(nil)),
		cli.F("bytes", []byte("hi")),
		cli.F("time", time.Unix(0, 0).UTC()),
	}
	var b strings.Builder
	if err := cli.WriteJSON(&b, o); err != nil {
		t.Fatal(err)
	}
	want := `{"model":"a\"b","recall@20":0.3333333333333333,"f32":0.1,"nan":null,"list":[1,null,1e-09,1e+300],` +
		`"nested":[{"x":null},null,[1,2]],"seed":18446744073709551615,"empty":[],"none":null,"bytes":"aGk=",` +
		`"time":"1970-01-01T00:00:00Z"}` + "\n"
	if b.String() != want {
		t.Errorf("wrote %s\nwant  %s", b.String(), want)
	}
	if !json.Valid([]byte(b.String())) {
		t.Error("not valid JSON")
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back["recall@20"] != third {
		t.Errorf("read back %v, %v, want %v", back["recall@20"], err, third)
	}
	if err := cli.WriteJSON(io.Discard, cli.Object{cli.F("f", func() {})}); err == nil {
		t.Error("a function was written as JSON")
	}
}

func TestProgressIsRateLimitedAndTellsWhatIsLeft(t *testing.T) {
	clock := time.Unix(0, 0)
	now := func() time.Time { return clock }
	var b strings.Builder
	p := cli.NewProgress(&b, "train", 100, now)
	for range 100 {
		clock = clock.Add(300 * time.Millisecond)
		p.Add(1)
	}
	p.Done()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if want := "train: 4/100 4%, 29s left"; lines[0] != want {
		t.Errorf("first line %q, want %q", lines[0], want)
	}
	if want := "train: 100 in 30s"; lines[len(lines)-1] != want {
		t.Errorf("last line %q, want %q", lines[len(lines)-1], want)
	}
	if len(lines) != 25 { // every 1.2 s of 30 s but the last, which is Done's
		t.Errorf("%d lines in 30 s, want 25", len(lines))
	}
}

func TestProgressIsConcurrentAndNilIsSilent(t *testing.T) {
	var b strings.Builder
	p := cli.NewProgress(&b, "work", 1000, nil)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 100 {
				p.Add(1)
			}
		})
	}
	wg.Wait()
	p.Done()
	if !strings.Contains(b.String(), "work: 1000 in ") {
		t.Errorf("reported %q, want 1000 steps", b.String())
	}
	var none *cli.Progress
	none.Add(1)
	none.Done()
}

// program is a run function around Parse and Exit.
func program(args []string, result error) (code int, stdout, stderr string, c *cli.Common) {
	var out, errs strings.Builder
	fs := cli.NewFlagSet("prog", "prog -data F [flags]")
	c = cli.AddCommon(fs)
	cli.AddJSON(fs)
	fs.String("data", "", "input `file`")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "data")
	}
	if err == nil {
		err = result
	}
	return cli.Exit(fs, err, &out, &errs), out.String(), errs.String(), c
}

func TestFlagsAndExitCodes(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		result error
		code   int
		stdout string // contained
		stderr string
	}{
		{"success", "-data f", nil, 0, "", ""},
		{"help", "-help", nil, 0, "usage: prog -data F [flags]", ""},
		{"unknown flag", "-data f -nope", nil, 2, "", "prog: flag provided but not defined: -nope\nprog: -help lists the flags\n"},
		{"argument", "-data f extra", nil, 2, "", `prog: unexpected argument "extra"`},
		{"missing", "", nil, 2, "", "prog: -data is missing"},
		{"no number", "-data f -seed x", nil, 2, "", `invalid value "x" for flag -seed`},
		{"workers", "-data f -workers 0", nil, 2, "", "-workers: want a number >= 1"},
		{"input", "-data f", fmt.Errorf("load: %w", cli.Inputf("f", 7, "no number")), 2, "", "prog: load: f:7: no number\n"},
		{"failed", "-data f", errors.New("did not converge"), 1, "", "prog: did not converge\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr, _ := program(strings.Fields(tt.args), tt.result)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout, tt.stdout) || (tt.stdout == "") != (stdout == "") {
				t.Errorf("stdout %q, want %q", stdout, tt.stdout)
			}
			if !strings.Contains(stderr, tt.stderr) || (tt.stderr == "") != (stderr == "") {
				t.Errorf("stderr %q, want %q", stderr, tt.stderr)
			}
		})
	}
}

func TestCanSaveAsksBeforeTheWork(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]string{
		"":                               "",
		filepath.Join(folder, "new"):     "",
		file(t, []byte("old")):           "",
		folder:                           "is a folder, want a file",
		filepath.Join(folder, "no", "x"): "there is no folder " + filepath.Join(folder, "no"),
	} {
		err := cli.CanSave("save", path)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || cli.ExitCode(err) != 2 {
			t.Errorf("%s: error %v, want a usage error with %q", path, err, want)
		}
	}
}

func TestCommonDefaults(t *testing.T) {
	_, _, _, c := program([]string{"-data", "f"}, nil)
	if c.Seed != 1 || c.Workers < 1 {
		t.Errorf("defaults are seed %d, workers %d, want 1 and the cores", c.Seed, c.Workers)
	}
	_, _, _, c = program([]string{"-data", "f", "-seed", "42", "-workers", "3"}, nil)
	if c.Seed != 42 || c.Workers != 3 {
		t.Errorf("seed %d, workers %d, want 42 and 3", c.Seed, c.Workers)
	}
}

func TestExitCodeOfHelpIsZero(t *testing.T) {
	if code := cli.ExitCode(fmt.Errorf("x: %w", flag.ErrHelp)); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestExitNamesTheFlagOfAField(t *testing.T) {
	fs := cli.NewFlagSet("prog", "prog [flags]")
	for _, name := range []string{"learning-rate", "negatives", "train-negatives"} {
		fs.Int(name, 0, "a number")
	}
	for text, want := range map[string]string{
		"sasrec: Config.LearningRate is 0":                       "prog: sasrec: Config.LearningRate (-learning-rate) is 0\n",
		"Config.Negatives, Config.MaxBytes and Architecture.Dim": "prog: Config.Negatives (-train-negatives), Config.MaxBytes and Architecture.Dim\n",
		"lower LearningRate":                                     "prog: lower LearningRate\n",
	} {
		var out, errs bytes.Buffer
		if code := cli.Exit(fs, errors.New(text), &out, &errs); code != 1 || errs.String() != want {
			t.Errorf("%s: exit %d with %q; want 1 with %q", text, code, errs.String(), want)
		}
	}
}
