package main

import (
	"errors"
	"flag"
	"strings"

	"github.com/recsyskit/recsys/examples/bench/internal/peer"
	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// options is what the command line says.
type options struct {
	common     *cli.Common
	source     *annset.Source
	json       bool
	metric     retrieval.Metric
	k          int
	links, efc int
	rounds     int
	holdout    int
	kinds      []*annindex.Kind
	quants     []string
	peers      []peer.Kind
	reference  string
	report     string
	svg        string
}

func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("indexes", "indexes -base F -query F [flags] | indexes -synthetic 100000x64 [flags]")
	o := &options{common: cli.AddCommon(fs), source: annset.AddSource(fs), kinds: annindex.Kinds(), quants: []string{"int8"}}
	for _, k := range peer.Kinds() {
		if !k.Slow {
			o.peers = append(o.peers, k)
		}
	}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, one for each index and effort")
	fs.Func("metric", "`metric`: ip, l2 or cos (default ip)", func(s string) (err error) {
		o.metric, err = retrieval.ParseMetric(s)
		return err
	})
	fs.IntVar(&o.k, "k", 10, "`neighbours` per query")
	fs.IntVar(&o.links, "M", 16, "`links` of a node of a graph, twice as many on the ground level")
	fs.IntVar(&o.efc, "efc", 200, "candidate `pool` while a graph is built")
	fs.IntVar(&o.rounds, "rounds", 5, "`rounds`; the median counts")
	fs.IntVar(&o.holdout, "holdout", 0, "keep the first `N` queries out of the race and let ivf and auto tune themselves on them")
	fs.Func("index", "`names` of our indexes, or none: "+strings.Join(annindex.Names(), ", ")+" (default all)", o.parseKinds)
	fs.Func("quant", "`codes` of ours: int8, none, pq, separated by commas, each as far as an index has it (default int8)", o.parseQuants)
	fs.Func("peers", "`names` of the peers, or none: "+strings.Join(peerNames(), ", ")+" (default all but the slow)", o.parsePeers)
	fs.StringVar(&o.reference, "reference", "hnswlib", "`name` of the index that others are compared with")
	fs.StringVar(&o.svg, "svg", "", "write the curves alone to an SVG `file`")
	fs.StringVar(&o.report, "report", "", "write an HTML page with the curves to a `file`")
	return fs, o
}

func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	for _, f := range []struct {
		name            string
		value, min, max int
	}{
		{"k", o.k, 1, 256},
		{"M", o.links, 2, 128},
		{"efc", o.efc, 1, 1 << 16},
		{"rounds", o.rounds, 1, 1 << 20},
		{"holdout", o.holdout, 0, 1 << 30},
	} {
		if f.value < f.min || f.value > f.max {
			return cli.Usagef("-%s is %d; want %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	return o.source.Check(fs)
}

func (o *options) parseKinds(s string) error {
	o.kinds = nil
	for _, name := range list(s) {
		k := annindex.Named(name)
		if k == nil {
			return errors.New("want none, or names out of " + strings.Join(annindex.Names(), ", "))
		}
		o.kinds = append(o.kinds, k)
	}
	return nil
}

func (o *options) parseQuants(s string) error {
	o.quants = strings.Split(s, ",")
	for _, q := range o.quants {
		if q != "int8" && q != "none" && q != "pq" {
			return errors.New("want int8, none and pq")
		}
	}
	return nil
}

func (o *options) parsePeers(s string) error {
	o.peers = nil
	for _, name := range list(s) {
		found := false
		for _, k := range peer.Kinds() {
			if k.Name == name {
				o.peers, found = append(o.peers, k), true
			}
		}
		if !found {
			return errors.New("this build has " + strings.Join(peerNames(), ", ") + "; build tags add others")
		}
	}
	return nil
}

func peerNames() []string {
	var names []string
	for _, k := range peer.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// list splits names at commas; "none" is no name.
func list(s string) []string {
	if s == "none" {
		return nil
	}
	return strings.Split(s, ",")
}
