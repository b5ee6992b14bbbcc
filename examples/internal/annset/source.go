package annset

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Source says on the command line where vectors come from: from files, or from a seed.
type Source struct {
	base, query, truth string
	raw                int
	rows               Range
	synthetic          Synthetic // Rows is 0 without -synthetic
}

// AddSource defines -base, -query, -truth, -raw, -rows and -synthetic on fs. The source is
// valid after Check.
func AddSource(fs *flag.FlagSet) *Source {
	s := new(Source)
	fs.StringVar(&s.base, "base", "", "`file` of item vectors")
	fs.StringVar(&s.query, "query", "", "`file` of query vectors")
	fs.StringVar(&s.truth, "truth", "", "`file` of true neighbours, best first (default: computed)")
	fs.IntVar(&s.raw, "raw", 0, "files are raw rows of `D` values, not fvecs and ivecs")
	fs.Func("rows", "`A:B`: rows A to B-1 of the base alone, under the ids that they have in the file", s.parseRows)
	fs.Func("synthetic", "make a clustered, norm-skewed set in place of files: `NxD`, or NxDxQ for other than 1000 queries", s.parseSynthetic)
	return s
}

// Check returns a *[cli.UsageError] unless the flags, once parsed, name one source.
func (s *Source) Check(fs *flag.FlagSet) error {
	if s.raw < 0 || s.raw > maxWidth {
		return cli.Usagef("-raw is %d; want 1 to %d", s.raw, maxWidth)
	}
	if s.synthetic.Rows == 0 {
		return cli.Require(fs, "base", "query")
	}
	if s.base != "" || s.query != "" || s.truth != "" || s.raw != 0 || s.rows != (Range{}) {
		return cli.Usagef("-synthetic makes the vectors; leave -base, -query, -truth, -raw and -rows out")
	}
	return nil
}

func (s *Source) parseRows(text string) error {
	from, to, ok := strings.Cut(text, ":")
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil || a < 0 || b <= a {
		return errors.New("want A:B with 0 <= A < B")
	}
	s.rows = Range{From: a, To: b}
	return nil
}

func (s *Source) parseSynthetic(text string) error {
	n := [3]int{2: 1000}
	limits := [3]int{1<<31 - 1, maxWidth, 1 << 24}
	parts := strings.Split(text, "x")
	bad := len(parts) < 2 || len(parts) > 3
	for i := 0; i < len(parts) && !bad; i++ {
		var err error
		n[i], err = strconv.Atoi(parts[i])
		bad = err != nil || n[i] < 1 || n[i] > limits[i]
	}
	if bad {
		return errors.New("want rows and dimension like 100000x64, or rows, dimension and queries like 100000x64x1000")
	}
	s.synthetic = Synthetic{Rows: n[0], Dim: n[1], Queries: n[2]}
	return nil
}

// Set is vectors to search in and vectors to search for.
type Set struct {
	Name          string
	Base, Queries vector.Matrix
	Items         []recsys.ItemID // of the rows of Base: their rows in the file, ascending by 1
	Truth         Lists           // items, as read; the zero Lists without a file
}

// Load reads or makes the vectors. A file of true neighbours must have k of them for each
// query; those outside of -rows stay, and are counted on log.
func (s *Source) Load(ctx context.Context, k int, seed uint64, workers int, log io.Writer) (*Set, error) {
	var set *Set
	var err error
	if y := s.synthetic; y.Rows > 0 {
		y.Seed = seed
		set = &Set{Name: fmt.Sprintf("synthetic %d × %d, seed %d", y.Rows, y.Dim, seed)}
		set.Base, set.Queries, err = y.Make(ctx, workers)
	} else {
		set, err = s.read(k, log)
	}
	if err != nil {
		return nil, err
	}
	set.Items = make([]recsys.ItemID, set.Base.Rows)
	for i := range set.Items {
		set.Items[i] = recsys.ItemID(s.rows.From + i)
	}
	return set, nil
}

func (s *Source) read(k int, log io.Writer) (*Set, error) {
	set := &Set{Name: s.base}
	var total int
	var err error
	if set.Base, total, err = ReadVectors(s.base, s.raw, s.rows); err != nil {
		return nil, err
	}
	if set.Queries, _, err = ReadVectors(s.query, s.raw, Range{}); err != nil {
		return nil, err
	}
	if set.Queries.Dim != set.Base.Dim {
		return nil, cli.Inputf(s.query, 0, "rows have %d values, but those of %s have %d", set.Queries.Dim, s.base, set.Base.Dim)
	}
	if s.truth == "" {
		return set, nil
	}
	lists := 0
	if s.raw > 0 {
		lists = set.Queries.Rows
	}
	if set.Truth, err = ReadLists(s.truth, lists, total); err != nil {
		return nil, err
	}
	switch {
	case set.Truth.Len() != set.Queries.Rows:
		return nil, cli.Inputf(s.truth, 0, "%d lists, but %s has %d queries", set.Truth.Len(), s.query, set.Queries.Rows)
	case set.Truth.Width < min(k, set.Base.Rows):
		return nil, cli.Inputf(s.truth, 0, "lists of %d ids; want at least -k, which is %d", set.Truth.Width, k)
	}
	from, to := s.rows.From, s.rows.From+set.Base.Rows
	strange := 0
	for _, id := range set.Truth.IDs {
		if int(id) < from || int(id) >= to {
			strange++
		}
	}
	if strange > 0 {
		fmt.Fprintf(log, "%s: %d of %d ids are not among the rows %d:%d and count as not found\n", s.truth, strange, len(set.Truth.IDs), from, to)
	}
	return set, nil
}

// HoldOut takes the first n queries, with what is known of them, out of the set and returns
// them. It panics if there are fewer.
func (s *Set) HoldOut(n int) vector.Matrix {
	out := s.Queries.Slice(0, n)
	s.Queries = s.Queries.Slice(n, s.Queries.Rows)
	s.Truth.IDs = s.Truth.IDs[n*s.Truth.Width:]
	return out
}

// TrueItems returns the true neighbours among the rows that allow is true for; nil allows
// all, and then those of a file are taken if there is one. Otherwise they are computed, as by
// [Truth], which goes on log.
func (s *Set) TrueItems(ctx context.Context, metric retrieval.Metric, k, workers int, allow func(row int) bool, log io.Writer) (Lists, error) {
	if allow == nil && s.Truth.Width > 0 {
		return s.Truth, nil
	}
	base, queries := s.Base, s.Queries
	if metric == retrieval.Cosine {
		base, queries = Normalized(base), Normalized(queries)
	}
	progress := cli.NewProgress(log, "truth", queries.Rows, nil)
	t, err := Truth(ctx, base, queries, metric, k, workers, allow, progress.Add)
	if err != nil {
		return t, err
	}
	progress.Done()
	for i, row := range t.IDs {
		t.IDs[i] = int32(s.Items[row])
	}
	return t, nil
}

// Normalized returns a copy with rows of length 1; rows of zeros stay.
func Normalized(m vector.Matrix) vector.Matrix {
	n := vector.NewMatrix(m.Rows, m.Dim)
	for i := range m.Rows {
		copy(n.Row(i), m.Row(i))
		vector.Normalize(n.Row(i))
	}
	return n
}
