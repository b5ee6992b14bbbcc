// Kernels times our vector kernels beside those of vek, gonum and OpenBLAS, in one
// process and in turn.
//
//	go run ./kernels
//	OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 go run -tags openblas ./kernels -run 'gemm|solve'
//
// A row is a kernel at a size; times are medians over the rounds of the CPU time of the
// process, and a ratio above 1 means that ours is faster.
package main

import (
	"context"
	"fmt"
	"io"
	"regexp"

	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("kernels", "kernels [-run REGEXP] [-rounds N] [-json]")
	json := fs.Bool("json", false, "write one JSON object per line")
	pattern := fs.String("run", "", "`regexp` of the kernels to time, such as dot/d=64")
	rounds := fs.Int("rounds", 21, "`rounds`; the median counts")
	seed := fs.Uint64("seed", 1, "`seed` of the vectors")
	err := cli.Parse(fs, args)
	if err == nil && *rounds < 1 {
		err = cli.Usagef("-rounds is %d; want >= 1", *rounds)
	}
	var match *regexp.Regexp
	if err == nil {
		if match, err = regexp.Compile(*pattern); err != nil {
			err = cli.Usagef("-run: %w", err)
		}
	}
	if err == nil {
		err = race(ctx, match, *rounds, *seed, *json, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// event is one kernel at one size. Ours is the first lane.
type event struct {
	name string
	// lanes makes the data and the lanes.
	lanes func(g *generator) []lap.Lane
	// bytes read by an execution, for a rate; 0 for none.
	bytes float64
	// flops of an execution, for a rate; 0 for none.
	flops float64
}

func race(ctx context.Context, match *regexp.Regexp, rounds int, seed uint64, json bool, out io.Writer) error {
	if !json {
		if _, err := fmt.Fprintf(out, "kernels: %s\n%-24s %12s %10s  %s\n", vector.Info().Tier, "kernel", "ours ns", "rate", "peers: ns, ours is … times as fast"); err != nil {
			return err
		}
	}
	for _, e := range events() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !match.MatchString(e.name) {
			continue
		}
		times := lap.Run(rounds, e.lanes(newGenerator(seed)))
		if err := e.print(times, json, out); err != nil {
			return err
		}
	}
	return nil
}

// rate returns the speed of ours as text: bytes or flops per second.
func (e *event) rate(nanos float64) string {
	switch {
	case e.bytes > 0:
		return fmt.Sprintf("%.1f GB/s", e.bytes/nanos)
	case e.flops > 0:
		return fmt.Sprintf("%.1f GF/s", e.flops/nanos)
	}
	return ""
}

func (e *event) print(times []lap.Time, json bool, out io.Writer) error {
	ours := times[0].Nanos
	if json {
		o := cli.Object{cli.F("kernel", e.name), cli.F("ns", ours)}
		for _, t := range times[1:] {
			o = append(o, cli.F(t.Name+"_ns", t.Nanos), cli.F(t.Name+"_ratio", t.Nanos/ours))
		}
		return cli.WriteJSON(out, o)
	}
	line := fmt.Sprintf("%-24s %12.1f %10s ", e.name, ours, e.rate(ours))
	for _, t := range times[1:] {
		line += fmt.Sprintf(" %s %.1f, %.2f×;", t.Name, t.Nanos, t.Nanos/ours)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}
