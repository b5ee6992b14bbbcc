package main

import (
	"errors"
	"flag"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// options is what the command line says.
type options struct {
	common       *cli.Common
	source       *annset.Source
	json         bool
	kinds        []*annindex.Kind
	metric       retrieval.Metric
	quant        string // int8, none, pq; "" for the default of each kind
	links, efc   int    // -M, -efc
	lists        int
	recall       float64
	maxBytes     int64
	holdout      int
	k            int
	efforts      []int // nil: those of each kind
	threads      int
	rounds       int
	shares       []float64 // of the items that filters allow; 1 is no filter
	churn        int
	live         bool
	save, report string
}

// newFlags returns the flags of the program. Text that needs the other flags is checked by parse.
func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("ann", "ann -base F -query F -index NAME [flags] | ann -synthetic 100000x64 [flags]")
	o := &options{common: cli.AddCommon(fs), source: annset.AddSource(fs), shares: []float64{1}, kinds: []*annindex.Kind{annindex.Named("auto")}}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the results last")
	fs.Func("index", "`names` of the indexes: "+strings.Join(annindex.Names(), ", ")+" (default auto)", o.parseKinds)
	fs.Func("metric", "`metric`: ip, l2 or cos (default ip)", func(s string) (err error) {
		o.metric, err = retrieval.ParseMetric(s)
		return err
	})
	fs.StringVar(&o.quant, "quant", "", "`codes` that are searched, re-ranked by the float vectors: int8, none (flat, hnsw) or pq (ivf: 4 bits a dimension) (default int8)")
	fs.IntVar(&o.links, "M", 16, "`links` of a node of hnsw, twice as many on the ground level")
	fs.IntVar(&o.efc, "efc", 200, "candidate `pool` while hnsw is built")
	fs.IntVar(&o.lists, "lists", 0, "`lists` of ivf (default: from the number of items)")
	fs.Float64Var(&o.recall, "recall", 0, "`share` of the true neighbours that ivf and auto aim at (default: theirs)")
	fs.Int64Var(&o.maxBytes, "maxbytes", 0, "`bytes` that the index of auto may keep resident (default: no bound)")
	fs.IntVar(&o.holdout, "holdout", 0, "keep the first `N` queries out of what is measured and let ivf and auto tune themselves on them")
	fs.IntVar(&o.k, "k", 10, "`neighbours` per query")
	fs.Func("ef", "`efforts`, separated by commas: candidate pools of hnsw, lists read by ivf; flat and auto have none (default: a sweep)", o.parseEfforts)
	fs.IntVar(&o.threads, "threads", 1, "`threads` that search at once")
	fs.IntVar(&o.rounds, "rounds", 5, "`rounds` of timing; the median counts")
	fs.Func("filter", "`shares` of the items that searches may return, separated by commas; 1 is no filter", o.parseShares)
	fs.IntVar(&o.churn, "churn", 0, "replace all items so many `times`, then delete half of them")
	fs.BoolVar(&o.live, "live", false, "search while half of the items are inserted, and compare the latency with that of an idle index")
	fs.StringVar(&o.save, "save", "", "write the index to a `file`, map it and compare its answers")
	fs.StringVar(&o.report, "report", "", "write an HTML page with the curves to a `file`")
	return fs, o
}

// parse reads the command line. The error is a *[cli.UsageError] or [flag.ErrHelp].
func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	if err := o.source.Check(fs); err != nil {
		return err
	}
	for _, f := range []struct {
		name       string
		value, min int
		max        int
	}{
		{"M", o.links, 2, 128},
		{"efc", o.efc, 1, 1 << 16},
		{"lists", o.lists, 0, 1 << 24},
		{"holdout", o.holdout, 0, 1 << 30},
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
	case !(o.recall >= 0 && o.recall <= 1):
		return cli.Usagef("-recall is %v; want a share in [0, 1]", o.recall)
	case o.maxBytes < 0:
		return cli.Usagef("-maxbytes is %d; want 0 for no bound, or more", o.maxBytes)
	case o.quant != "" && o.quant != "int8" && o.quant != "none" && o.quant != "pq":
		return cli.Usagef("-quant is %q; want int8, none or pq", o.quant)
	case o.save != "" && len(o.kinds) > 1:
		return cli.Usagef("-save writes one index, and -index names %d", len(o.kinds))
	}
	for _, k := range o.kinds {
		if o.quant != "" && !slices.Contains(k.Quants, o.quant) {
			return cli.Usagef("-quant is %s, which %s does not have; want %s, or an -index without %s", o.quant, k.Name, strings.Join(k.Quants, " or "), k.Name)
		}
	}
	return nil
}

func (o *options) parseKinds(s string) error {
	o.kinds = nil
	for _, name := range strings.Split(s, ",") {
		k := annindex.Named(name)
		if k == nil {
			return errors.New("want names out of " + strings.Join(annindex.Names(), ", "))
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
		if err != nil || n < 1 || n > 1<<16 {
			return errors.New("want whole numbers from 1 to 65536 separated by commas")
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
