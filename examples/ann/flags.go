package main

import (
	"errors"
	"flag"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// options is what the command line says.
type options struct {
	common             *cli.Common
	json               bool
	base, query, truth string
	raw                int
	rows               annset.Range
	synthetic          annset.Synthetic // Rows is 0 without -synthetic
	kinds              []*kind
	metric             retrieval.Metric
	quant              string // int8, none
	links, efc         int    // -M, -efc
	lists              int
	k                  int
	efforts            []int // nil: those of each kind
	threads            int
	rounds             int
	shares             []float64 // of the items that filters allow; 1 is no filter
	churn              int
	save, report       string
}

// newFlags returns the flags of the program. Text that needs the other flags is checked by parse.
func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("ann", "ann -base F -query F -index NAME [flags] | ann -synthetic 100000x64 [flags]")
	o := &options{common: cli.AddCommon(fs), shares: []float64{1}, kinds: []*kind{kindNamed("auto")}}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the results last")
	fs.StringVar(&o.base, "base", "", "`file` of item vectors")
	fs.StringVar(&o.query, "query", "", "`file` of query vectors")
	fs.StringVar(&o.truth, "truth", "", "`file` of true neighbours, best first (default: computed)")
	fs.IntVar(&o.raw, "raw", 0, "files are raw rows of `D` values, not fvecs and ivecs")
	fs.Func("rows", "`A:B`: rows A to B-1 of the base alone, under the ids that they have in the file", o.parseRows)
	fs.Func("synthetic", "make a clustered, norm-skewed set in place of files: `NxD`, or NxDxQ for other than 1000 queries", o.parseSynthetic)
	fs.Func("index", "`names` of the indexes: "+strings.Join(kindNames(), ", ")+" (default auto)", o.parseKinds)
	fs.Func("metric", "`metric`: ip, l2 or cos (default ip)", func(s string) (err error) {
		o.metric, err = retrieval.ParseMetric(s)
		return err
	})
	fs.StringVar(&o.quant, "quant", "int8", "`codes` that are searched: int8, re-ranked by the float vectors, or none")
	fs.IntVar(&o.links, "M", 16, "`links` of a node of hnsw, twice as many on the ground level")
	fs.IntVar(&o.efc, "efc", 200, "candidate `pool` while hnsw is built")
	fs.IntVar(&o.lists, "lists", 0, "`lists` of ivf (default: from the number of items)")
	fs.IntVar(&o.k, "k", 10, "`neighbours` per query")
	fs.Func("ef", "`efforts`, separated by commas: candidate pools of hnsw, lists read by ivf (default: a sweep)", o.parseEfforts)
	fs.IntVar(&o.threads, "threads", 1, "`threads` that search at once")
	fs.IntVar(&o.rounds, "rounds", 5, "`rounds` of timing; the median counts")
	fs.Func("filter", "`shares` of the items that searches may return, separated by commas; 1 is no filter", o.parseShares)
	fs.IntVar(&o.churn, "churn", 0, "replace all items so many `times`, then delete half of them")
	fs.StringVar(&o.save, "save", "", "write the index to a `file`, map it and compare its answers")
	fs.StringVar(&o.report, "report", "", "write an HTML page with the curves to a `file`")
	return fs, o
}

// parse reads the command line. The error is a *[cli.UsageError] or [flag.ErrHelp].
func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	if o.synthetic.Rows > 0 {
		if o.base != "" || o.query != "" || o.truth != "" || o.raw != 0 || o.rows != (annset.Range{}) {
			return cli.Usagef("-synthetic makes the vectors; leave -base, -query, -truth, -raw and -rows out")
		}
		o.synthetic.Seed = o.common.Seed
	} else if err := cli.Require(fs, "base", "query"); err != nil {
		return err
	}
	for _, f := range []struct {
		name       string
		value, min int
		max        int
	}{
		{"raw", o.raw, 0, 1 << 16},
		{"M", o.links, 2, 1 << 10},
		{"efc", o.efc, 1, 1 << 20},
		{"lists", o.lists, 0, 1 << 24},
		{"k", o.k, 1, 1 << 20},
		{"threads", o.threads, 1, 1 << 10},
		{"rounds", o.rounds, 1, 1 << 20},
		{"churn", o.churn, 0, 1 << 10},
	} {
		if f.value < f.min || f.value > f.max {
			return cli.Usagef("-%s is %d; want %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	switch {
	case o.quant != "int8" && o.quant != "none":
		return cli.Usagef("-quant is %q; want int8 or none", o.quant)
	case o.save != "" && len(o.kinds) > 1:
		return cli.Usagef("-save writes one index, and -index names %d", len(o.kinds))
	}
	return nil
}

func (o *options) parseRows(s string) error {
	from, to, ok := strings.Cut(s, ":")
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil || a < 0 || b <= a {
		return errors.New("want A:B with 0 <= A < B")
	}
	o.rows = annset.Range{From: a, To: b}
	return nil
}

func (o *options) parseSynthetic(s string) error {
	n := []int{0, 0, 1000}
	parts := strings.Split(s, "x")
	bad := len(parts) < 2 || len(parts) > 3
	for i := 0; i < len(parts) && !bad; i++ {
		var err error
		n[i], err = strconv.Atoi(parts[i])
		bad = err != nil || n[i] < 1 || n[i] > []int{1 << 31, 1 << 16, 1 << 24}[i]
	}
	if bad {
		return errors.New("want rows and dimension like 100000x64, or rows, dimension and queries like 100000x64x1000")
	}
	o.synthetic = annset.Synthetic{Rows: n[0], Dim: n[1], Queries: n[2]}
	return nil
}

func (o *options) parseKinds(s string) error {
	o.kinds = nil
	for _, name := range strings.Split(s, ",") {
		k := kindNamed(name)
		if k == nil {
			return errors.New("want names out of " + strings.Join(kindNames(), ", "))
		}
		for _, other := range o.kinds {
			if other == k {
				return errors.New("it names " + name + " twice")
			}
		}
		o.kinds = append(o.kinds, k)
	}
	return nil
}

func (o *options) parseEfforts(s string) error {
	o.efforts = nil
	for _, text := range strings.Split(s, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1<<20 {
			return errors.New("want whole numbers >= 1 separated by commas")
		}
		o.efforts = append(o.efforts, n)
	}
	return nil
}

func (o *options) parseShares(s string) error {
	o.shares = nil
	for _, text := range strings.Split(s, ",") {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x > 0 && x <= 1) {
			return errors.New("want shares in (0, 1] separated by commas")
		}
		o.shares = append(o.shares, x)
	}
	return nil
}
