package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
	"github.com/recsyskit/recsys/ranking/fm"
)

// setting is a pair of hyper-parameters with the error that it has in cross-validation.
type setting struct {
	lambda, floor float64 // floor 0: no weights
	mse           float64
}

// outcome is a model's error on the test.
type outcome struct {
	name     string
	chosen   setting
	mae, mse float64
	summary  string // of the weights
}

// predict trains on chosen ratings and judges by random ones.
func predict(ctx context.Context, o *options, p printer, stderr io.Writer) error {
	data, test, err := o.read(ctx)
	if err != nil {
		return err
	}
	s := study{o: o, train: data.ratings, test: test, users: data.users, items: data.items}
	s.split()
	mean, fair := 0.0, 0.0
	values, shown := make([]float64, len(s.train)), make([]float64, len(s.train))
	for i, r := range s.train {
		values[i], shown[i] = r.value, r.shown
		mean += r.value / float64(len(s.train))
	}
	for _, r := range test {
		fair += r.value / float64(len(test))
	}
	weighted, err := debias.Mean(values, shown, 0)
	if err != nil {
		return err
	}
	if err := p.line(
		fmt.Sprintf("%d users, %d items; %d ratings train, %d test\nmean rating: %.3f in training, %.3f weighted by 1/P(shown), %.3f in the test", s.users, s.items, len(s.train), len(test), mean, weighted, fair),
		cli.F("users", s.users), cli.F("items", s.items), cli.F("train", len(s.train)), cli.F("test", len(test)),
		cli.F("train_mean", mean), cli.F("weighted_mean", weighted), cli.F("test_mean", fair),
	); err != nil {
		return err
	}
	steps := cli.Steps(stderr, "choose")
	var outcomes []outcome
	for _, c := range []struct {
		name   string
		floors []float64
	}{{"naive", []float64{0}}, {"weighted by 1/P(shown)", o.floors}} {
		best, err := s.choose(ctx, c.floors, steps)
		if err != nil {
			return err
		}
		out, err := s.judge(ctx, c.name, best)
		if err != nil {
			return err
		}
		outcomes = append(outcomes, out)
		if err := p.line(out.String(), cli.F("model", out.name), cli.F("lambda", best.lambda), cli.F("floor", best.floor),
			cli.F("validation_mse", best.mse), cli.F("mae", out.mae), cli.F("mse", out.mse)); err != nil {
			return err
		}
	}
	if o.report == "" {
		return nil
	}
	return s.page(outcomes, mean, weighted, fair).Save(o.report)
}

// String prints the outcome on a line.
func (o outcome) String() string {
	text := fmt.Sprintf("%-24s MAE %.3f, MSE %.3f (lambda %g", o.name, o.mae, o.mse, o.chosen.lambda)
	if o.chosen.floor > 0 {
		text += fmt.Sprintf(", floor %g; %s", o.chosen.floor, o.summary)
	}
	return text + ")"
}

// ratingData is the training file.
type ratingData struct {
	ratings      []rating
	users, items int
}

// read reads the files and finds the probability of each training rating.
func (o *options) read(ctx context.Context) (data ratingData, test []rating, err error) {
	finite := func(v float64) bool { return v-v == 0 }
	train, err := readMatrix(o.train, finite, "a rating, or 0 for none")
	if err != nil {
		return data, nil, err
	}
	tests, err := readMatrix(o.test, finite, "a rating, or 0 for none")
	if err != nil {
		return data, nil, err
	}
	data.users, data.items, data.ratings = train.rows, train.columns, ratings(train)
	test = ratings(tests)
	if tests.rows != train.rows || tests.columns != train.columns {
		return data, nil, cli.Inputf(o.test, tests.rows, "%d x %d numbers; %s has %d x %d", tests.rows, tests.columns, o.train, train.rows, train.columns)
	}
	if len(data.ratings) < 2 || len(test) == 0 {
		return data, nil, cli.Inputf(o.train, 1, "%d ratings to train on, %d in %s", len(data.ratings), len(test), o.test)
	}
	if o.propensities == "" {
		return data, test, data.estimate(ctx, train, o.common)
	}
	p, err := readMatrix(o.propensities, func(v float64) bool { return v > 0 && v <= 1 }, "a probability above 0")
	if err != nil {
		return data, nil, err
	}
	if p.rows != train.rows || p.columns != train.columns {
		return data, nil, cli.Inputf(o.propensities, p.rows, "%d x %d numbers; %s has %d x %d", p.rows, p.columns, o.train, train.rows, train.columns)
	}
	for i := range data.ratings {
		r := &data.ratings[i]
		r.shown = p.at(r.user, r.item)
	}
	return data, test, nil
}

// estimate gives each rating the probability that a regression on user and item gives its cell.
func (d *ratingData) estimate(ctx context.Context, train *matrix, common *cli.Common) error {
	cells := &ranking.Dataset{IDColumns: []string{"user", "item"}, Heads: []string{"shown"}}
	for i := range d.users {
		for j := range d.items {
			y := float32(0)
			if train.at(i, j) != 0 {
				y = 1
			}
			cells.IDs, cells.Labels = append(cells.IDs, uint64(i+1), uint64(j+1)), append(cells.Labels, y)
		}
	}
	p, _, err := debias.Shown(ctx, ranking.LinearConfig{Seed: common.Seed, Workers: common.Workers}, cells)
	if err != nil {
		return err
	}
	for i := range d.ratings {
		r := &d.ratings[i]
		r.shown = p[r.user*d.items+r.item]
	}
	return nil
}

// study chooses and judges models.
type study struct {
	o            *options
	train, test  []rating
	users, items int
	folds        [][2][]rating // the rest, and the part
	tried        []setting
}

// split divides the training ratings at random into parts.
func (s *study) split() {
	s.folds = make([][2][]rating, s.o.folds)
	for _, r := range s.train {
		part := recsys.HashID(fmt.Sprint(s.o.common.Seed, r.user, r.item)) % uint64(s.o.folds)
		for f := range s.folds {
			side := 0
			if uint64(f) == part {
				side = 1
			}
			s.folds[f][side] = append(s.folds[f][side], r)
		}
	}
}

// weigh returns the ratings as a dataset, with weights, and what these look like; floor 0 means none.
func weigh(data []rating, floor float64) (*ranking.Dataset, string, error) {
	d := &ranking.Dataset{IDColumns: []string{"user", "item"}, Heads: []string{"rating"}}
	shown := make([]float64, len(data))
	for i, r := range data {
		d.IDs = append(d.IDs, uint64(r.user+1), uint64(r.item+1))
		d.Labels = append(d.Labels, float32(r.value))
		shown[i] = r.shown
	}
	if floor == 0 {
		return d, "", nil
	}
	d, summary, err := debias.RatingWeights(d, shown, debias.WeightConfig{Floor: floor})
	if err != nil {
		return nil, "", err
	}
	return d, summary.String(), nil
}

// fit trains a model and returns its predictions of cells, and what the weights look like.
func (s *study) fit(ctx context.Context, data []rating, c setting, cells []rating) (predicted []float64, summary string, err error) {
	d, summary, err := weigh(data, c.floor)
	if err != nil {
		return nil, "", err
	}
	if s.o.model == "fm" {
		predicted, err := s.machine(ctx, d, c.lambda, cells)
		return predicted, summary, err
	}
	weighted := slices.Clone(data)
	for i := range weighted {
		weighted[i].weight = float64(d.Weight(i))
	}
	m, err := trainFactors(ctx, factorConfig{
		users: s.users, items: s.items, factors: s.o.factors, lambda: c.lambda,
		epochs: s.o.epochs, seed: s.o.common.Seed,
	}, weighted)
	if err != nil {
		return nil, "", err
	}
	for _, r := range cells {
		predicted = append(predicted, m.predict(r.user, r.item))
	}
	return predicted, summary, nil
}

// machine trains a factorisation machine and returns its predictions of cells.
func (s *study) machine(ctx context.Context, d *ranking.Dataset, lambda float64, cells []rating) ([]float64, error) {
	m, err := fm.Train(ctx, fm.Config{
		Loss: fm.Squared, Factors: s.o.factors, L2: lambda, LearningRate: 0.1, Epochs: s.o.epochs,
		Seed: s.o.common.Seed, Workers: s.o.common.Workers,
	}, d)
	if err != nil {
		return nil, err
	}
	d, _, err = weigh(cells, 0)
	if err != nil {
		return nil, err
	}
	values, err := m.Predict(nil, d)
	predicted := make([]float64, len(values))
	for i, v := range values {
		predicted[i] = float64(v)
	}
	return predicted, err
}

// choose returns the setting with the least error in cross-validation on the training ratings. That of weighted
// models is weighted too, without a floor: it stands for the error on all cells.
func (s *study) choose(ctx context.Context, floors []float64, steps func(done, all int)) (setting, error) {
	best := setting{mse: math.Inf(1)}
	done, all := 0, len(floors)*len(s.o.lambdas)
	for _, floor := range floors {
		for _, lambda := range s.o.lambdas {
			c := setting{lambda: lambda, floor: floor}
			n := 0.0
			for _, fold := range s.folds {
				if len(fold[0]) == 0 || len(fold[1]) == 0 {
					continue
				}
				predicted, _, err := s.fit(ctx, fold[0], c, fold[1])
				if err != nil {
					return best, err
				}
				squares, shown := make([]float64, len(fold[1])), make([]float64, len(fold[1]))
				for i, r := range fold[1] {
					e := predicted[i] - r.value
					squares[i], shown[i] = e*e, 1
					if floor > 0 {
						shown[i] = r.shown
					}
				}
				e, err := debias.Mean(squares, shown, 0)
				if err != nil {
					return best, err
				}
				c.mse += e
				n++
			}
			c.mse /= n
			s.tried = append(s.tried, c)
			if c.mse < best.mse {
				best = c
			}
			done++
			steps(done, all)
		}
	}
	return best, nil
}

// judge trains on all training ratings and predicts the test.
func (s *study) judge(ctx context.Context, name string, c setting) (outcome, error) {
	out := outcome{name: name, chosen: c}
	predicted, summary, err := s.fit(ctx, s.train, c, s.test)
	if err != nil {
		return out, err
	}
	out.summary = summary
	for i, r := range s.test {
		e := predicted[i] - r.value
		out.mae += math.Abs(e) / float64(len(s.test))
		out.mse += e * e / float64(len(s.test))
	}
	return out, nil
}

// page returns the report.
func (s *study) page(outcomes []outcome, mean, weighted, fair float64) *page.Page {
	p := &page.Page{Title: "Ratings that users chose to give", Subtitle: fmt.Sprintf("%d users, %d items", s.users, s.items)}
	table := page.Table{Columns: []page.Column{{Name: "Model"}, {Name: "MAE", Best: page.Lowest}, {Name: "MSE", Best: page.Lowest}}}
	for _, o := range outcomes {
		table.Rows = append(table.Rows, []any{o.name, o.mae, o.mse})
	}
	p.Add("Errors on ratings that chance chose", table)
	p.Add("Mean rating", page.KeyFigures{
		{Label: "in training", Value: page.Fixed(3)(mean)},
		{Label: "weighted by 1/P(shown)", Value: page.Fixed(3)(weighted)},
		{Label: "in the test", Value: page.Fixed(3)(fair)},
	})
	chart := page.LineChart{
		Title: "Error in cross-validation", Note: "The naive model is judged by plain errors, the others by weighted ones.",
		X: page.Axis{Title: "lambda", Log: true}, Y: page.Axis{Title: "MSE"},
	}
	at := map[float64]int{}
	for _, c := range s.tried {
		k, ok := at[c.floor]
		if !ok {
			k = len(chart.Series)
			at[c.floor] = k
			name := fmt.Sprintf("floor %g", c.floor)
			if c.floor == 0 {
				name = "naive"
			}
			chart.Series = append(chart.Series, page.Series{Name: name})
		}
		chart.Series[k].X, chart.Series[k].Y = append(chart.Series[k].X, c.lambda), append(chart.Series[k].Y, c.mse)
	}
	p.Add("Choice of settings", chart)
	return p
}
