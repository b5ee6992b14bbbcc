// Towers times the training step of the two-tower model: samples a second of CPU time of one
// thread.
//
//	go run ./towers
//	OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 go run ./towers -peer 'python3 towers/step.py'
//
// With -peer, a program that does the same step takes turns with ours, epoch by epoch, in
// one run. It is started with the sizes as arguments, reads lines "epoch" from standard
// input, and answers each with a line "samples seconds loss" of an epoch, where seconds
// are those of its CPU. step.py is that with numpy, scipy.sparse and their BLAS.
//
// The data are synthetic: each of the users takes as many items of one fortieth of the catalogue, so
// that the loss falls, and the losses of the two, on the same kind of data, tell whether they did the same
// work. A step gathers ids and histories, runs both towers forward and back, compares the
// batch with its own items and even draws by a cosine with temperature and logQ correction, and
// updates by Adam what it has touched.
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
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/twotower"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	users, items, length int
	dim, hidden          int
	batch, negatives     int
	rounds               int
	peer                 string
	seed                 uint64
	json                 bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := &options{}
	fs := cli.NewFlagSet("towers", "towers [-peer COMMAND] [flags]")
	fs.IntVar(&o.users, "users", 4000, "`users`")
	fs.IntVar(&o.items, "items", 10_000, "`items`, a multiple of 40")
	fs.IntVar(&o.length, "length", 21, "`items` of a user; a history has one less")
	fs.IntVar(&o.dim, "dim", 64, "`dimension` of the vectors")
	fs.IntVar(&o.hidden, "hidden", 128, "`width` of the hidden layer of each tower, 0 for none")
	fs.IntVar(&o.batch, "batch", 1024, "`examples` per step")
	fs.IntVar(&o.negatives, "negatives", 1024, "even `draws` per step")
	fs.IntVar(&o.rounds, "rounds", 5, "`epochs`; the median of their times counts")
	fs.StringVar(&o.peer, "peer", "", "`command` of a program that takes turns")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the data and the model")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && (min(o.users, o.length, o.rounds, o.batch, o.negatives) < 1 || o.items < 40 || o.length > o.items/40) {
		err = cli.Usagef("-users, -length, -rounds, -batch and -negatives want numbers >= 1, -items 40 × length at least")
	}
	if err == nil {
		err = o.race(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// data returns the interactions: user u takes items of one group in forty.
func (o *options) data() (*retrieval.Interactions, error) {
	rng := rand.New(rand.NewPCG(o.seed, 1))
	var r retrieval.Records
	size := o.items / 40
	group := make([]int, size)
	for u := range o.users {
		for i := range group {
			group[i] = i*40 + u%40
		}
		rng.Shuffle(size, func(a, b int) { group[a], group[b] = group[b], group[a] })
		for _, i := range group[:o.length] {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i))
		}
	}
	return retrieval.NewInteractions(r, retrieval.SumWeights)
}

// lap is an epoch.
type lap struct {
	samples, seconds, loss float64
}

func (o *options) race(ctx context.Context, out, log io.Writer) error {
	in, err := o.data()
	if err != nil {
		return err
	}
	var p *command.Peer
	if o.peer != "" {
		args := []any{o.users, o.items, o.length, o.dim, o.hidden, o.batch, o.negatives}
		if p, err = command.Start[float32](ctx, log, o.peer, args); err != nil {
			return err
		}
		defer p.Stop()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var ours, theirs []lap
	var failed error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var clock annset.Clock
	cfg := twotower.Config{
		Dim: o.dim, Last: o.length - 1, LearningRate: 0.003, Batch: o.batch, Negatives: o.negatives,
		Epochs: o.rounds + 1, Seed: o.seed, Workers: 1,
	}
	if o.hidden > 0 {
		cfg.Hidden = []int{o.hidden}
	}
	cfg.Progress = func(e twotower.Progress) {
		if e.Epoch > 1 { // the first one sets up
			ours = append(ours, lap{float64(in.Len()), clock.Elapsed().Seconds(), e.Loss})
		}
		if p != nil {
			l, err := epoch(p)
			if err != nil {
				failed = err
				cancel()
				return
			}
			if e.Epoch > 1 {
				theirs = append(theirs, l)
			}
		}
		clock = annset.StartClock()
	}
	_, err = twotower.Train(ctx, in, cfg)
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return o.print(out, ours, theirs)
}

// rate returns the median of samples a second.
func rate(laps []lap) float64 {
	rates := make([]float64, len(laps))
	for i, l := range laps {
		rates[i] = l.samples / l.seconds
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}

func (o *options) print(out io.Writer, ours, theirs []lap) error {
	fields := cli.Object{
		cli.F("dim", o.dim), cli.F("hidden", o.hidden), cli.F("batch", o.batch), cli.F("negatives", o.negatives),
		cli.F("samples_per_s", rate(ours)), cli.F("loss", ours[len(ours)-1].loss),
	}
	if len(theirs) > 0 {
		fields = append(fields,
			cli.F("peer_samples_per_s", rate(theirs)), cli.F("peer_loss", theirs[len(theirs)-1].loss),
			cli.F("ratio", rate(ours)/rate(theirs)))
	}
	if o.json {
		return cli.WriteJSON(out, fields)
	}
	for _, f := range fields {
		if _, err := fmt.Fprintf(out, "%-20s %v\n", f.Key, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// epoch lets the peer work for an epoch.
func epoch(p *command.Peer) (lap, error) {
	answer, err := p.Ask(3, "epoch")
	if err != nil {
		return lap{}, err
	}
	return lap{samples: answer[0], seconds: answer[1], loss: answer[2]}, nil
}
