package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// scoring is what the command line of score says.
type scoring struct {
	training   training
	rows       int
	categories bool
	rounds     int
	json       bool

	model *gbdt.Model
	peer  *lightgbm.Booster
	data  *ranking.Dataset
	turns int // batches of rows in data
	turn  int
}

func runScore(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	s := &scoring{}
	fs := cli.NewFlagSet("trees score", "trees score [flags]")
	fs.IntVar(&s.rows, "rows", 500, "`rows` of a call, besides calls of a single row")
	fs.IntVar(&s.training.rows, "train", 100_000, "`rows` that the model is trained on")
	fs.IntVar(&s.training.features, "features", 28, "`features`")
	fs.IntVar(&s.training.leaves, "leaves", 31, "`leaves` of a tree")
	fs.IntVar(&s.training.trees, "trees", 100, "`trees`")
	fs.BoolVar(&s.categories, "categories", false, "every fifth feature holds categories: 8, 40, 200 or 1000 of them; one in five has missing values in any case")
	fs.IntVar(&s.rounds, "rounds", 21, "`rounds`, in each of which all lanes have their turn; the median counts")
	fs.Uint64Var(&s.training.seed, "seed", 1, "`seed` of the data and the model")
	fs.BoolVar(&s.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	s.training.held, s.training.rate, s.training.rounds = 100, 0.1, 1
	if err == nil {
		err = s.training.check()
	}
	if err == nil && min(s.rows, s.rounds) < 1 {
		err = cli.Usagef("-rows and -rounds are %d and %d; want >= 1", s.rows, s.rounds)
	}
	if err == nil {
		err = s.race(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (s *scoring) race(ctx context.Context, out, log io.Writer) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if s.peer != nil {
		defer s.peer.Close()
	} else {
		fmt.Fprintln(log, "trees:", lightgbm.ErrNotLinked)
	}
	for _, size := range []int{s.rows, 1} {
		lanes, closers, err := s.lanes(size)
		if err != nil {
			return err
		}
		times := lap.Run(s.rounds, lanes)
		for _, c := range closers {
			c()
		}
		for _, t := range times {
			if err := s.print(t, times[0], size, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// batchBytes bounds the rows that calls take turns on: they have just been written, as a rule,
// and lie in the second cache.
const batchBytes = 900 << 10

// prepare trains the model, gives it to LightGBM and draws rows that neither has seen.
func (s *scoring) prepare(ctx context.Context) error {
	t := &s.training
	data := s.draw(t.rows, 1)
	cfg := t.config()
	for j, name := range data.Columns {
		if s.categories && j%5 == 2 {
			cfg.Categorical = append(cfg.Categorical, name)
		}
	}
	var err error
	if s.model, err = gbdt.Train(ctx, cfg, data); err != nil {
		return err
	}
	s.turns = max(2, batchBytes/(4*t.features*s.rows))
	s.data = s.draw(s.turns*s.rows, 2)
	if !lightgbm.Linked {
		return nil
	}
	var text bytes.Buffer
	if err := s.model.WriteLightGBM(&text, s.model.Heads()[0]); err != nil {
		return err
	}
	s.peer, err = lightgbm.Parse(text.String())
	return err
}

// draw returns rows, with categories if there shall be some.
func (s *scoring) draw(n int, stream uint64) *ranking.Dataset {
	d := draw(n, s.training.features, s.training.seed, stream)
	if !s.categories {
		return d
	}
	// A category stands for what a number was: the label still depends on it.
	for i := range n {
		row := d.FloatRow(i)
		for j := 2; j < len(row); j += 5 {
			count := [...]float64{8, 40, 200, 1000}[j/5%4]
			bin := math.Floor(count / (1 + math.Exp(-float64(row[j]))))
			row[j] = float32(math.Mod(bin*37, count+1))
		}
	}
	return d
}

// batch returns the features of the next batch.
func (s *scoring) batch() int {
	s.turn = (s.turn + 1) % s.turns
	return s.turn
}

// lanes returns ours, as a pipeline calls it, and LightGBM; calls are of size rows, and a lane's work is
// s.rows of them in any case.
func (s *scoring) lanes(size int) ([]lap.Lane, []func(), error) {
	d := s.training.features
	ours, err := s.ours(size)
	if err != nil || s.peer == nil {
		return []lap.Lane{ours}, nil, err
	}
	params := "num_threads=1 verbosity=-1"
	dst := make([]float64, s.rows)
	rows := func() []float32 {
		at := s.batch() * s.rows * d
		return s.data.Floats[at : at+s.rows*d]
	}
	var failed error
	peer := lap.Lane{Name: "LightGBM", Do: func() { failed = s.peer.Predict(dst, rows(), d, params, lightgbm.Score) }}
	var closers []func()
	if size == 1 {
		fast, err := s.peer.NewFast(d, params, lightgbm.Score)
		if err != nil {
			return nil, nil, err
		}
		closers = append(closers, fast.Close)
		peer = lap.Lane{Name: "LightGBM, single row fast", Do: func() { failed = fast.Predict(dst, rows()) }}
	}
	if peer.Do(); failed != nil {
		return nil, nil, failed
	}
	return []lap.Lane{ours, peer}, closers, s.compare(dst)
}

// compare checks that LightGBM's predictions for the batch just taken are ours.
func (s *scoring) compare(dst []float64) error {
	all, err := s.model.Predict(nil, s.data)
	if err != nil {
		return err
	}
	for i, p := range all[s.turn*s.rows : (s.turn+1)*s.rows] {
		if math.Abs(float64(p)-dst[i]) > 1e-6 {
			return fmt.Errorf("row %d: LightGBM predicts %v, ours is %v", i, dst[i], p)
		}
	}
	return nil
}

// ours ranks tables of size candidates.
func (s *scoring) ours(size int) (lap.Lane, error) {
	config := recsys.SchemaConfig{}
	for _, name := range s.data.Columns {
		config.Columns = append(config.Columns, recsys.Column{Name: name})
	}
	schema, err := recsys.NewSchema(config)
	if err != nil {
		return lap.Lane{}, err
	}
	ranker, err := s.model.Bind(schema)
	if err != nil {
		return lap.Lane{}, err
	}
	// Tables side by side, as the rows are for the peer: copying is not part of the race.
	tables := make([]*recsys.Candidates, s.turns*s.rows/size)
	for i := range tables {
		tables[i] = recsys.NewCandidates(schema, make([]recsys.ItemID, size))
		copy(tables[i].Floats(), s.data.Floats[i*size*s.training.features:])
	}
	scores := recsys.NewScores(size, 1)
	query := recsys.NewQuery(&recsys.Request{}, schema, "rank")
	calls := s.rows / size
	ctx := context.Background()
	return lap.Lane{Name: "ours, " + vector.Info().Tier, Do: func() {
		first := s.batch() * calls
		for _, t := range tables[first : first+calls] {
			if err := ranker.Rank(ctx, query, t, scores); err != nil {
				panic(err)
			}
		}
	}}, nil
}

// print writes the lane's row; ratio is its time over that of ours.
func (s *scoring) print(t, ours lap.Time, size int, out io.Writer) error {
	nanos, ratio := t.Nanos/float64(s.rows), t.Nanos/ours.Nanos
	if s.json {
		return cli.WriteJSON(out, cli.Object{
			cli.F("scorer", t.Name), cli.F("features", s.training.features), cli.F("leaves", s.training.leaves), cli.F("trees", s.training.trees),
			cli.F("categories", s.categories), cli.F("rows", size), cli.F("row_ns", nanos), cli.F("ratio", ratio),
		})
	}
	_, err := fmt.Fprintf(out, "%-28s %4d rows a call: %8.1f ns a row, %5.2f× ours\n", t.Name, size, nanos, ratio)
	return err
}
