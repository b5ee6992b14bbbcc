package materialize_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/materialize"
)

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, b, 0o644))
}

// sampleLines makes lines of sizes around those of the reader's buffers.
func sampleLines(rng *rand.Rand) []string {
	var lines []string
	for i := range 200 {
		n := rng.IntN(100)
		switch rng.IntN(40) {
		case 0:
			n = 4090 + rng.IntN(12)
		case 1:
			n = 65_530 + rng.IntN(12)
		case 2:
			n = 0
		}
		lines = append(lines, strings.Repeat(fmt.Sprintf("%d,", i), n)[:n])
	}
	return lines
}

func TestLogGoesOnFromEveryPosition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	var want []string
	for k := range 3 {
		lines := sampleLines(rng)
		text := []byte(strings.Join(lines, "\n") + "\n")
		if k == 1 {
			text = zipped(t, string(text))
		}
		write(t, filepath.Join(dir, fmt.Sprintf("part-%d.jsonl", k)), text)
		want = append(want, lines...)
	}
	whole := strings.Join(want, "\n") + "\n"
	for name, log := range map[string]func() materialize.Log{
		"pattern":    func() materialize.Log { return materialize.Log{Paths: []string{filepath.Join(dir, "part-*.jsonl")}} },
		"reader":     func() materialize.Log { return materialize.Log{Reader: strings.NewReader(whole)} },
		"compressed": func() materialize.Log { return materialize.Log{Reader: bytes.NewReader(zipped(t, whole)), Name: "z"} },
		"halves":     func() materialize.Log { return materialize.Log{Reader: iotest.HalfReader(strings.NewReader(whole))} },
	} {
		var at []materialize.Position
		lines, torn, end := materialize.Lines(log(), materialize.Position{}, func(p materialize.Position) { at = append(at, p) })
		require.Equal(t, io.EOF, end, name)
		require.False(t, torn)
		require.Equal(t, want, lines, name)
		step := 40
		if testing.Short() {
			step = 150
		}
		for i := 0; i < len(at); i += 1 + rng.IntN(step) {
			var next []materialize.Position
			lines, _, end := materialize.Lines(log(), at[i], func(p materialize.Position) { next = append(next, p) })
			require.Equal(t, io.EOF, end)
			require.Equal(t, want[i+1:], lines, "%s from %v", name, at[i])
			require.Equal(t, at[i+1:], next, "positions do not depend on where the reading began")
		}
	}
}

func TestChangedLogIsFound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.jsonl")
	text := strings.Repeat("some line of the log\n", 1000)
	write(t, path, []byte(text))
	log := materialize.Log{Paths: []string{path}}
	var at []materialize.Position
	_, _, end := materialize.Lines(log, materialize.Position{}, func(p materialize.Position) { at = append(at, p) })
	require.Equal(t, io.EOF, end)
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"appended":    {text + "more\n", ""},
		"shorter":     {text[:500*21], "it is shorter"},
		"other head":  {"S" + text[1:], "it has other bytes"},
		"other tail":  {text[:600*21-2] + "G" + text[600*21-1:], "it has other bytes"},
		"other lines": {strings.Repeat("some line of the lag\n", 1000), "it has other bytes"},
	} {
		for _, packed := range []bool{false, true} {
			b := []byte(c.text)
			if packed {
				b = zipped(t, c.text)
			}
			write(t, path, b)
			_, _, end := materialize.Lines(log, at[599], nil)
			if c.want == "" {
				require.Equal(t, io.EOF, end, name)
				continue
			}
			require.ErrorIs(t, end, materialize.ErrLogChanged, name)
			require.ErrorContains(t, end, c.want)
			require.ErrorContains(t, end, path)
		}
	}
	require.NoError(t, os.Rename(path, filepath.Join(dir, "b.jsonl")))
	_, _, end = materialize.Lines(materialize.Log{Paths: []string{filepath.Join(dir, "*.jsonl")}}, at[599], nil)
	require.ErrorIs(t, end, materialize.ErrLogChanged)
}

func TestFollowedLogGrowsAndRotatesByName(t *testing.T) {
	dir := t.TempDir()
	log := materialize.Log{Paths: []string{filepath.Join(dir, "*.jsonl")}, Follow: true}
	from := materialize.Position{}
	more := func(want ...string) {
		t.Helper()
		lines, _, end := materialize.Lines(log, from, func(p materialize.Position) { from = p })
		require.Equal(t, materialize.ErrIdle, end)
		require.Equal(t, want, lines)
	}
	a, b := filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "b.jsonl")
	more()
	write(t, a, []byte("1\n2\n3"))
	more("1", "2")
	write(t, a, []byte("1\n2\n345"))
	more()
	write(t, a, []byte("1\n2\n345\n"))
	more("345")
	write(t, b, nil)
	more()
	write(t, b, []byte("6"))
	more()
	write(t, b, []byte("6\n"))
	more("6")
	write(t, filepath.Join(dir, "c.jsonl"), zipped(t, "7\n8"))
	more("7", "8")
	require.Equal(t, "c.jsonl:3", from.String())
}

func TestFollowedFileThatIsReplacedIsAnError(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"renamed":   func(path string) error { return os.Rename(path, path+".1") },
		"truncated": func(path string) error { return os.Truncate(path, 1) },
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", []byte("1\n2\n3\n"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		path := filepath.Join(t.TempDir(), "a.jsonl")
		write(t, path, []byte("1\n2\n"))
		n := 0
		_, _, end := materialize.Lines(materialize.Log{Paths: []string{path}, Follow: true}, materialize.Position{}, func(materialize.Position) {
			if n++; n == 2 {
				require.NoError(t, change(path))
			}
		})
		require.ErrorIs(t, end, materialize.ErrLogChanged, name)
	}
}

func TestLineLongerThanTheBoundIsPassedOver(t *testing.T) {
	long := strings.Repeat("x", 300_000)
	for _, text := range []string{"a\n" + long + "\nb\n", "a\n" + long + "\nb", "a\n" + long} {
		lines, _, end := materialize.Lines(materialize.Log{Reader: strings.NewReader(text), MaxLine: 1000}, materialize.Position{}, nil)
		require.Equal(t, io.EOF, end)
		want := []string{"a", "(too long)"}
		if strings.Contains(text, "b") {
			want = append(want, "b")
		}
		require.Equal(t, want, lines)
	}
}

func TestDamagedLogIsAnErrorOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.gz")
	packed := zipped(t, strings.Repeat("line\n", 1000))
	write(t, path, packed[:len(packed)-9])
	_, _, end := materialize.Lines(materialize.Log{Paths: []string{path}}, materialize.Position{}, nil)
	require.ErrorIs(t, end, io.ErrUnexpectedEOF)
	require.ErrorContains(t, end, path)
	_, _, end = materialize.Lines(materialize.Log{Paths: []string{dir}}, materialize.Position{}, nil)
	require.ErrorContains(t, end, "is a folder")
	_, _, end = materialize.Lines(materialize.Log{Paths: []string{filepath.Join(dir, "b*")}}, materialize.Position{}, nil)
	require.ErrorIs(t, end, fs.ErrNotExist)
}

// A log that is rotated by renaming, under a pattern that the renamed file matches too: the file after the open one is the open one.
func TestRotationByRenamingIsNotReadTwice(t *testing.T) {
	for _, follow := range []bool{true, false} {
		dir := t.TempDir()
		path := filepath.Join(dir, "events.log")
		write(t, path, []byte("1\n2\n"))
		n := 0
		lines, _, end := materialize.Lines(materialize.Log{Paths: []string{path + "*"}, Follow: follow}, materialize.Position{}, func(materialize.Position) {
			if n++; n == 2 {
				require.NoError(t, os.Rename(path, path+".1"))
				write(t, path, []byte("3\n"))
			}
		})
		require.ErrorIs(t, end, materialize.ErrLogChanged)
		require.ErrorContains(t, end, path)
		require.Equal(t, []string{"1", "2"}, lines)
	}
}

func TestFollowedFileThatIsWrittenAnewIsAnError(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.jsonl")
	for name, c := range map[string]struct{ before, after string }{
		"lines":     {"1\n2\n", "3\n4\n5\n6\n7\n"},
		"long":      {strings.Repeat("before\n", 3000), strings.Repeat("behind\n", 4000)},
		"torn line": {"1\n2\n345", "1\n2\n678901\n"},
	} {
		write(t, path, []byte(c.before))
		f := materialize.Follow(materialize.Log{Paths: []string{path}, Follow: true})
		_, end := f()
		require.Equal(t, materialize.ErrIdle, end, name)
		write(t, path, []byte(c.after)) // truncates it
		lines, end := f()
		require.ErrorIs(t, end, materialize.ErrLogChanged, name)
		require.ErrorContains(t, end, path)
		require.Empty(t, lines)
	}
}

// A file that sorts before the open one would never be read.
func TestFileThatComesUpBeforeTheOpenOneIsAnError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "log-8"), []byte("1\n"))
	write(t, filepath.Join(dir, "log-9"), []byte("2\n"))
	f := materialize.Follow(materialize.Log{Paths: []string{filepath.Join(dir, "log-*")}, Follow: true})
	lines, end := f()
	require.Equal(t, materialize.ErrIdle, end)
	require.Equal(t, []string{"1", "2"}, lines)
	require.NoError(t, os.Remove(filepath.Join(dir, "log-8")))
	_, end = f()
	require.Equal(t, materialize.ErrIdle, end, "what was read may go")
	write(t, filepath.Join(dir, "log-10"), []byte("3\n"))
	_, end = f()
	require.ErrorIs(t, end, materialize.ErrLogChanged)
	require.ErrorContains(t, end, "log-10 came up before")
}

// burst is a reader that gives some bytes and an error at once, and then says that it is at its end.
type burst struct {
	text string
	err  error
}

func (b *burst) Read(p []byte) (n int, err error) {
	n, err = copy(p, b.text), io.EOF
	if b.text = b.text[n:]; b.text == "" && n > 0 {
		err = b.err
	}
	if n > 0 && b.text != "" {
		err = nil
	}
	return n, err
}

func TestErrorOfAReaderIsNoEndOfTheLog(t *testing.T) {
	for _, fail := range []error{errDown, fmt.Errorf("connection reset: %w", io.EOF)} {
		for _, text := range []string{"1", "12", "1\n2\n"} {
			_, _, end := materialize.Lines(materialize.Log{Reader: &burst{text, fail}}, materialize.Position{}, nil)
			require.ErrorIs(t, end, fail, "%q", text)
			_, _, end = materialize.Lines(materialize.Log{Reader: io.MultiReader(strings.NewReader(text), iotest.ErrReader(fail))}, materialize.Position{}, nil)
			require.ErrorIs(t, end, fail, "%q", text)
			require.NotEqual(t, io.EOF, end)
		}
	}
	lines, _, end := materialize.Lines(materialize.Log{Reader: &burst{"1\n2", io.EOF}}, materialize.Position{}, nil)
	require.Equal(t, io.EOF, end)
	require.Equal(t, []string{"1", "2"}, lines)
}
