package gbdt

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// headTrainer grows the forest of one head.
type headTrainer struct {
	t       *trainer
	name    string
	params  loss.Params
	obj     loss.Objective
	renew   loss.Renewer // nil: leaves are -G/H
	outputs int
	rows    []int32 // that count

	init    *tree.Forest // what training goes on from; nil: nothing
	earlier int          // its rounds
	base    []float64

	trees   []tree.Tree // grown, their leaves without weight
	weights []float64   // of the rounds
	at      []float64   // score at which gradients are taken, output-major
	raw     []float64   // sum of the trees: at, but for a random forest
	checked []float64   // raw scores of the validation rows

	metric      Metric
	trainMetric *loss.Metric
	stop        stopper
	done        bool
}

// setHeads checks the labels of each head and makes its objective.
func (t *trainer) setHeads(v *ranking.Dataset) error {
	data, err := t.labels(t.data, v)
	if err != nil {
		return err
	}
	var errs []error
	for i, name := range t.data.Heads {
		h := &headTrainer{t: t, name: name}
		if err := h.set(i, data); err != nil {
			errs = append(errs, err)
		}
		t.heads = append(t.heads, h)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := unique("head", t.headNames()); err != nil {
		return fmt.Errorf("gbdt: %w; a head of Softmax has one of each class", err)
	}
	return nil
}

// headNames returns the names of all predictions.
func (t *trainer) headNames() []string {
	var names []string
	for _, h := range t.heads {
		if h.outputs == 1 {
			names = append(names, h.name)
			continue
		}
		for k := range h.outputs {
			names = append(names, fmt.Sprintf("%s=%d", h.name, k))
		}
	}
	return names
}

// labels returns what objectives and metrics see of the two datasets, without labels; the second may be nil.
func (t *trainer) labels(d, v *ranking.Dataset) (*[2]loss.Data, error) {
	ranks := false
	for _, name := range d.Heads {
		o := t.cfg.objective(name)
		ranks = ranks || lossKinds[o.Loss].Ranks() || metricOf[o.metric()].Groups()
	}
	var out [2]loss.Data
	for k, d := range [2]*ranking.Dataset{d, v} {
		if d == nil {
			continue
		}
		out[k] = loss.Data{Weights: d.Weights, Positions: d.Positions, Workers: t.cfg.workers()}
		if ranks {
			out[k].Order, out[k].Starts = d.GroupRows()
		}
	}
	return &out, nil
}

func (h *headTrainer) set(head int, data *[2]loss.Data) error {
	cfg, d := h.t.cfg, data[0]
	o := cfg.objective(h.name)
	h.params, h.metric = o.params(hash.Combine(cfg.Seed, seedLoss)), o.metric()
	var err error
	if d.Labels, err = h.t.data.LabelColumn(nil, h.name); err != nil {
		return err
	}
	h.rows = d.Rows()
	if len(h.rows) == 0 {
		return fmt.Errorf("gbdt: head %q: %w", h.name, ranking.ErrNoRows)
	}
	if h.obj, err = loss.New(h.params, d); err != nil {
		return datasetError(h.name, err)
	}
	h.renew, _ = h.obj.(loss.Renewer)
	h.outputs, h.base = h.obj.Outputs(), h.obj.Base()
	h.params.Classes = h.outputs
	if err := h.setInit(head); err != nil {
		return err
	}
	cutoff := orDefault(o.Cutoff, 10)
	if cfg.Progress != nil {
		if h.trainMetric, err = loss.NewMetric(metricOf[h.metric], cutoff, h.params, d); err != nil {
			return h.metricError(err)
		}
	}
	h.stop = stopper{higher: metricOf[h.metric].Higher(), patience: cfg.Patience, least: cfg.MinImprovement}
	if cfg.Validation == nil {
		return nil
	}
	v := data[1]
	labels, err := cfg.Validation.LabelColumn(nil, h.name)
	if err != nil {
		return err
	}
	v.Labels = labels
	if h.stop.metric, err = loss.NewMetric(metricOf[h.metric], cutoff, h.params, v); err != nil {
		return fmt.Errorf("gbdt: Config.Validation: %w", h.metricError(err))
	}
	return nil
}

func (h *headTrainer) metricError(err error) error {
	if errors.Is(err, loss.ErrMetric) {
		return fmt.Errorf("gbdt: head %q: metric %v does not fit %v; leave it at DefaultMetric, or see Metric",
			h.name, h.metric, h.t.cfg.objective(h.name).Loss)
	}
	return datasetError(h.name, err)
}

// setInit takes the forest of the initial model that belongs to the head.
func (h *headTrainer) setInit(head int) error {
	m := h.t.cfg.Init
	if m == nil {
		return nil
	}
	f := &m.forests[head]
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("gbdt: Config.Init: head %q: "+format, append([]any{h.name}, args...)...)
	}
	name := m.heads[f.head]
	if f.Outputs > 1 {
		name = h.name
	}
	average := h.t.cfg.Boosting == RandomForest
	switch {
	case name != h.name:
		return refuse("the model has %q in its place", name)
	case f.Outputs != h.outputs:
		return refuse("the model has %d outputs; the labels ask for %d", f.Outputs, h.outputs)
	case !sameLink(f.Link, h.obj.Link()):
		return refuse("%v makes other predictions of raw scores than the model does", h.t.cfg.objective(h.name).Loss)
	case f.Average != average:
		return refuse("the model averages its trees: %v; %v does: %v", f.Average, h.t.cfg.Boosting, average)
	case f.Parallel > 1:
		return refuse("the model has %d trees per round and output; want 1", f.Parallel)
	case len(f.Trees)%f.Outputs != 0:
		return refuse("the last round of the model is not complete")
	}
	at := m.positions()
	place := make([]int32, len(m.features))
	for j, feature := range h.t.features {
		place[at[feature.Name]] = int32(j)
	}
	h.init = moved(f.Forest, place)
	h.init.Float32, h.init.Features = false, h.t.features
	h.earlier = h.init.Rounds()
	return nil
}

func sameLink(a, b tree.Link) bool {
	return a.Kind == b.Kind && (orDefault(a.Slope, 1) == orDefault(b.Slope, 1) || a.Kind != tree.Sigmoid)
}

// start sets scores to the base, or to those of the initial model.
func (h *headTrainer) start() error {
	h.at = h.scores(h.t.x)
	h.raw = h.at
	if h.forest() {
		// Gradients are always taken at the base; trees carry it in their leaves.
		h.raw = h.at
		h.at = make([]float64, len(h.raw))
		fill(h.at, h.base, h.t.x.rows)
	}
	if h.stop.metric == nil {
		return nil
	}
	h.checked = h.scores(h.t.valid)
	value := h.stop.metric.Value(h.averaged(h.checked))
	if math.IsNaN(value) {
		return fmt.Errorf("gbdt: Config.Validation: head %q: %v is not defined: the labels are of one class", h.name, h.metric)
	}
	if h.init != nil {
		h.stop.judge(0, value, nil)
	}
	return nil
}

// forest tells whether the trees are averaged.
func (h *headTrainer) forest() bool { return h.t.cfg.Boosting == RandomForest }

// scores returns the raw scores of the rows of x before the first round.
func (h *headTrainer) scores(x *matrix) []float64 {
	s := make([]float64, h.outputs*x.rows)
	switch {
	case h.init != nil:
		x.raw(s, h.init)
	case !h.forest():
		fill(s, h.base, x.rows)
	}
	return s
}

func fill(s, base []float64, n int) {
	for k, b := range base {
		for i := range n {
			s[k*n+i] = b
		}
	}
}

// averaged returns the raw scores that predictions are made of.
func (h *headTrainer) averaged(raw []float64) []float64 {
	rounds := h.earlier + len(h.weights)
	if !h.forest() {
		return raw
	}
	if rounds == 0 {
		base := make([]float64, len(raw))
		fill(base, h.base, len(raw)/h.outputs)
		return base
	}
	return scaled(raw, 1/float64(rounds))
}

// judge computes the validation metric after a round, from 1, NaN without validation, and tells whether the
// head is done.
func (h *headTrainer) judge(round, rounds, grown int) float64 {
	h.done = h.done || round == rounds
	if h.stop.metric == nil {
		return math.NaN()
	}
	value := h.stop.metric.Value(h.averaged(h.checked))
	if grown > 0 && h.stop.judge(round, value, h.weights) {
		h.done = true
	}
	return value
}

// result returns the forest; that of the best round if training stopped early or finished.
func (h *headTrainer) result(finished bool) *tree.Forest {
	f := &tree.Forest{Outputs: h.outputs, Base: slices.Clone(h.base), Link: h.obj.Link(), Objective: h.obj.Text(), Average: h.forest()}
	if h.forest() {
		f.Base = nil
	}
	if h.init != nil {
		f.Base, f.Trees = h.init.Base, h.init.Trees
	}
	weights := h.weights
	if h.stop.any {
		f.Best = h.earlier + h.stop.best
		if finished && h.t.cfg.Patience > 0 {
			weights = h.stop.weights
		}
	}
	for i := range len(weights) * h.outputs {
		one, w := h.trees[i], weights[i/h.outputs]
		one.Leaves, one.Shrinkage = scaled(one.Leaves, w), w
		one.NodeStats = slices.Clone(one.NodeStats)
		for j := range one.NodeStats {
			one.NodeStats[j].Value *= w
		}
		f.Trees = append(f.Trees, one)
	}
	return f
}
