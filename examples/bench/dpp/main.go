// Dpp times greedy inference for determinantal point processes: microseconds of CPU time of one thread for a list.
//
//	go run ./dpp
//	OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 go run ./dpp -peer '/usr/bin/python3 dpp/greedy.py'
//
// Ours is the re-ranker on a candidate table, from vectors to the order and the utilities of the list, and the generic
// core in float64 on a kernel that is given. With -peer, a program that does the same takes turns with them in one run; greedy.py is that with
// numpy. It says how it is started and what it answers. The lists that it chooses are compared with ours.
//
// Vectors are normal draws, relevances even ones in [0, 1]; -clusters makes vectors of a few directions with noise.
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/bench/internal/command"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/rerank"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	n, dim, k, clusters int
	theta               float64
	rounds, times       int
	peer                string
	seed                uint64
	json                bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := &options{}
	fs := cli.NewFlagSet("dpp", "dpp [-peer COMMAND] [flags]")
	fs.IntVar(&o.n, "n", 1000, "`candidates`")
	fs.IntVar(&o.dim, "dim", 64, "`dimension` of the vectors")
	fs.IntVar(&o.k, "k", 50, "`places`")
	fs.IntVar(&o.clusters, "clusters", 0, "`directions` of the vectors, 0 for as many as there are candidates")
	fs.Float64Var(&o.theta, "theta", 0.5, "`weight` of relevance, in (0, 1)")
	fs.IntVar(&o.rounds, "rounds", 7, "`rounds`; the median of their times counts")
	fs.IntVar(&o.times, "times", 20, "`lists` of each lane in a round")
	fs.StringVar(&o.peer, "peer", "", "`command` of a program that takes turns")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the data")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && (min(o.n, o.dim, o.k, o.rounds, o.times) < 1 || o.clusters < 0 || !(o.theta > 0 && o.theta < 1)) {
		err = cli.Usagef("-n, -dim, -k, -rounds and -times want numbers >= 1, -clusters >= 0, -theta in (0, 1)")
	}
	if err == nil {
		err = o.race(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// lane is one implementation: do makes a list some times and returns the seconds of one and the items.
type lane struct {
	name  string
	do    func(times int) (seconds float64, chosen []int, err error)
	times []float64
}

func (o *options) race(ctx context.Context, out, log io.Writer) error {
	rel, vectors := o.data()
	stage, err := o.stage(rel, vectors)
	if err != nil {
		return err
	}
	core, err := o.core(rel, vectors)
	if err != nil {
		return err
	}
	lanes := []*lane{{name: "re-ranker", do: stage}, {name: "core, float64, kernel given", do: core}}
	if o.peer != "" {
		p, err := command.Start(ctx, log, o.peer, []any{o.n, o.dim, o.k, o.alpha()}, rel, vectors)
		if err != nil {
			return err
		}
		defer p.Stop()
		for _, name := range []string{"built", "matrix", "rows", "rows32"} {
			lanes = append(lanes, &lane{name: "peer " + name, do: func(times int) (float64, []int, error) { return ask(p, name, times) }})
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var want []int
	for round := range o.rounds + 1 { // the first one warms up
		for i := range lanes {
			l := lanes[(i+round)%len(lanes)]
			seconds, chosen, err := l.do(o.times)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if want == nil {
				want = chosen
			}
			if !slices.Equal(chosen, want) {
				return fmt.Errorf("%s chose %v; another lane %v", l.name, chosen, want)
			}
			if round > 0 {
				l.times = append(l.times, seconds)
			}
		}
	}
	return o.print(out, lanes)
}

// data draws the relevances and the vectors.
func (o *options) data() (rel, vectors []float32) {
	r := rand.New(rand.NewPCG(o.seed, 1))
	rel, vectors = make([]float32, o.n), make([]float32, o.n*o.dim)
	for i := range rel {
		rel[i] = r.Float32()
	}
	for i := range vectors {
		vectors[i] = float32(r.NormFloat64())
	}
	if o.clusters > 0 {
		for i := o.clusters * o.dim; i < len(vectors); i++ {
			vectors[i] = vectors[i%(o.clusters*o.dim)] + 0.3*vectors[i]
		}
	}
	return rel, vectors
}

// stopwatch returns the seconds of CPU time that do takes.
func stopwatch(times int, do func() error) (float64, error) {
	clock := annset.StartClock()
	for range times {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return clock.Elapsed().Seconds() / float64(times), nil
}

// stage returns the re-ranker on a table of the candidates.
func (o *options) stage(rel, vectors []float32) (func(int) (float64, []int, error), error) {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "embedding", Kind: recsys.Vector, Dim: o.dim}}})
	if err != nil {
		return nil, err
	}
	items, order := make([]recsys.ItemID, o.n), make([]int32, o.n)
	for i := range items {
		items[i], order[i] = recsys.ItemID(i), int32(i)
	}
	c := recsys.NewCandidates(s, items)
	f, _ := s.Field("embedding")
	data, _ := c.Vectors(f.Index)
	copy(data, vectors)
	for i := range items {
		c.Missing(f.Group).Clear(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		if rel[a] > rel[b] {
			return -1
		} else if rel[a] < rel[b] {
			return 1
		}
		return 0
	})
	x, err := recsys.Bind[recsys.ReRanker](rerank.DPP{Theta: o.theta, Depth: o.n, Relevance: rerank.AsIs}, s)
	if err != nil {
		return nil, err
	}
	q := recsys.NewQuery(&recsys.Request{ID: "r", K: o.k, Seed: 1}, s, "dpp")
	work := make([]int32, o.n)
	return func(times int) (float64, []int, error) {
		seconds, err := stopwatch(times, func() error {
			copy(work, order)
			copy(c.Utility(), rel)
			_, err := x.ReRank(context.Background(), q, c, work)
			return err
		})
		chosen := make([]int, min(o.k, o.n))
		for i := range chosen {
			chosen[i] = int(work[i])
		}
		return seconds, chosen, err
	}, nil
}

// alpha is the exponent of relevance that does what theta does.
func (o *options) alpha() float64 { return o.theta / (2 * (1 - o.theta)) }

// core returns the generic core on a kernel that is there already.
func (o *options) core(rel, vectors []float32) (func(int) (float64, []int, error), error) {
	wide := func(x []float32) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = float64(v)
		}
		return out
	}
	cosine, err := rerank.Cosine(wide(vectors), o.dim)
	if err != nil {
		return nil, err
	}
	kernel, err := rerank.QualityKernel(wide(rel), func(i, j int) float64 { return (1 + cosine(i, j)) / 2 }, o.alpha())
	if err != nil {
		return nil, err
	}
	matrix := make([]float64, o.n*o.n)
	for i := range o.n {
		for j := range o.n {
			matrix[i*o.n+j] = kernel(i, j)
		}
	}
	return func(times int) (seconds float64, chosen []int, err error) {
		var order []int32
		seconds, err = stopwatch(times, func() error {
			var err error
			order, _, err = rerank.SelectDPP(o.n, func(i, j int) float64 { return matrix[i*o.n+j] }, o.k, 0)
			return err
		})
		for _, i := range order {
			chosen = append(chosen, int(i))
		}
		return seconds, chosen, err
	}, nil
}

// median returns the median of times.
func median(times []float64) float64 {
	slices.Sort(times)
	return times[len(times)/2]
}

func (o *options) print(out io.Writer, lanes []*lane) error {
	ours := median(lanes[0].times)
	if !o.json {
		fmt.Fprintf(out, "%d candidates, dimension %d, %d places, theta %v\n", o.n, o.dim, o.k, o.theta)
	}
	for _, l := range lanes {
		t := median(l.times)
		var err error
		if o.json {
			err = cli.WriteJSON(out, cli.Object{cli.F("lane", l.name), cli.F("us", t*1e6), cli.F("ratio", t/ours)})
		} else {
			_, err = fmt.Fprintf(out, "%-28s %8.0f us  %6.2f\n", l.name, t*1e6, t/ours)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask lets the peer make lists.
func ask(p *command.Peer, lane string, times int) (seconds float64, chosen []int, err error) {
	answer, err := p.Ask(2, lane, times)
	if err != nil {
		return 0, nil, err
	}
	for _, item := range answer[1:] {
		chosen = append(chosen, int(item))
	}
	return answer[0], chosen, nil
}
