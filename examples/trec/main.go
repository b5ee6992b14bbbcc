// Trec prints what "trec_eval -q" prints: the measures of every query of a run
// that has judgements, in order of the query, then the summary over all.
//
//	go run ./examples/trec -qrels qrels.txt -run run.txt [-c] [-M n] [-l n] [-gain linear|exp]
//
// The files are in TREC format, plain or gzip:
//
//	qrels: query iteration document relevance
//	run:   query Q0 document rank score tag
//
// As in trec_eval 9.0.8 the rank column is ignored: documents are ranked by
// score, ties by document in descending order of bytes. The measures are those
// of package metrics, printed with 12 decimals.
//
// With -gain exp, ndcg and ndcg_cut take the gain 2^g-1 of relevance g, and
// ndcg is printed a second time under the name that trec_eval gives it for
// those gains, ndcg_1=1,2=3,3=7,4=15.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

// options are the flags that change the measures.
type options struct {
	complete bool // -c
	limit    int  // -M
	level    int  // -l
	exp      bool // -gain exp
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("trec", "trec -qrels F -run F [flags]")
	cli.AddCommon(fs) // no measure is random, and one core is enough
	var opt options
	qrels := fs.String("qrels", "", "judgements, a `file` in TREC format")
	results := fs.String("run", "", "results, a `file` in TREC format")
	fs.BoolVar(&opt.complete, "c", false, "average over all judged queries; those without results count as 0")
	fs.IntVar(&opt.limit, "M", 0, "use the first `n` documents of each query, 0 for all")
	fs.IntVar(&opt.level, "l", 1, "`relevance` from which on a document is relevant (ndcg takes all)")
	gain := fs.String("gain", "linear", "`gain` of relevance g in ndcg: linear for g, exp for 2^g-1")
	err := parse(fs, args, &opt, gain)
	if err == nil {
		err = evaluateFiles(ctx, *qrels, *results, opt, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func parse(fs *flag.FlagSet, args []string, opt *options, gain *string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	switch *gain {
	case "linear":
	case "exp":
		opt.exp = true
	default:
		return cli.Usagef("-gain is %q; want linear or exp", *gain)
	}
	if opt.limit < 0 {
		return cli.Usagef("-M is %d; want >= 0", opt.limit)
	}
	if opt.level < 1 {
		return cli.Usagef("-l is %d; want >= 1", opt.level)
	}
	return cli.Require(fs, "qrels", "run")
}

// evaluateFiles reads both files before it prints a line, so that a malformed
// one leaves standard output empty.
func evaluateFiles(ctx context.Context, qrels, results string, opt options, stdout io.Writer) error {
	judged, err := load(qrels, readQrels)
	if err != nil {
		return err
	}
	found, err := load(results, readRun)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(stdout)
	return errors.Join(evaluate(ctx, w, judged, found, opt), w.Flush())
}

// load opens a file and reads it by read.
func load[T any](name string, read func(name string, r io.Reader) (T, error)) (T, error) {
	in, err := cli.Open(name)
	if err != nil {
		var none T
		return none, err
	}
	defer in.Close()
	return read(name, in)
}
