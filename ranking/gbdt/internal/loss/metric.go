package loss

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/fmath"
)

// MetricKind is a figure by which training is judged.
type MetricKind uint8

// The metrics.
const (
	Loss MetricKind = iota // the objective's own, of pointwise objectives
	RMSE
	MAE
	Pinball // at the objective's level
	PoissonDeviance
	BinaryLoss // log loss of labels in [0, 1]
	AUC
	NDCG
	MultiLoss
	PairAccuracy // of the pairs of a query
	metrics
)

// Default returns the metric of an objective that is asked for none.
func (k Kind) Default() MetricKind {
	switch k {
	case L2:
		return RMSE
	case L1:
		return MAE
	case Quantile:
		return Pinball
	case LogLoss, CrossEntropy:
		return BinaryLoss
	case Poisson:
		return PoissonDeviance
	case Softmax:
		return MultiLoss
	case LambdaMART, XENDCG:
		return NDCG
	case Pairwise:
		return PairAccuracy // whose labels may be any numbers, too
	}
	return Loss
}

// Higher tells whether larger is better.
func (m MetricKind) Higher() bool { return m == AUC || m == NDCG || m == PairAccuracy }

// Groups tells whether the metric compares the rows of a group.
func (m MetricKind) Groups() bool { return m == NDCG || m == PairAccuracy }

// Metric computes a figure of raw scores on some data. It is immutable and safe for concurrent use.
type Metric struct {
	kind  MetricKind
	d     Data
	rows  []int32
	point *pointwise
	multi *softmax
	rank  *ndcg
	pairs *pairAccuracy
}

// NewMetric returns a metric of the raw scores of an objective of the parameters, on other
// data than it learns from: labels may be of one class. The cutoff k is NDCG's, > 0; Softmax
// needs Classes.
func NewMetric(kind MetricKind, k int, p Params, d Data) (*Metric, error) {
	if !fits(kind, p.Kind) {
		return nil, fmt.Errorf("%w of the objective", ErrMetric)
	}
	m := &Metric{kind: kind, d: d, rows: d.Rows()}
	want, ok := "a number", func(float64) bool { return true }
	switch kind {
	case NDCG:
		var err error
		if m.rank, err = newNDCG(p, d, k); err != nil {
			return nil, err
		}
	case MultiLoss:
		want = fmt.Sprintf("a class: 0, 1, … %d", p.Classes-1)
		ok = func(y float64) bool { return y >= 0 && y < float64(p.Classes) && y == math.Trunc(y) }
		m.multi = &softmax{Data: d, classes: p.Classes}
	case AUC, BinaryLoss:
		want, ok = "0 to 1", func(y float64) bool { return y >= 0 && y <= 1 }
	case PoissonDeviance:
		want, ok = ">= 0", func(y float64) bool { return y >= 0 }
	case Loss:
		f := formOf(p)
		want, ok = f.want, f.ok
	}
	if kind == PairAccuracy {
		var err error
		if m.pairs, err = newPairAccuracy(d); err != nil {
			return nil, err
		}
	}
	if kind != NDCG {
		if err := d.check(want, ok); err != nil {
			return nil, err
		}
	}
	if len(m.rows) == 0 {
		return nil, ErrNoRows
	}
	m.point = &pointwise{Data: d, form: judge(kind, p)}
	return m, nil
}

var (
	// ErrMetric is wrapped when a metric does not fit the scores.
	ErrMetric = errors.New("the metric does not fit the raw scores")
	// ErrNoRows is wrapped when there is nothing to judge by.
	ErrNoRows = errors.New("no row has a label and a weight above 0")
)

// fits tells whether the metric means something for raw scores of the objective.
func fits(m MetricKind, k Kind) bool {
	switch m {
	case MultiLoss:
		return k == Softmax
	case BinaryLoss:
		return k == LogLoss || k == CrossEntropy
	case PoissonDeviance:
		return k == Poisson || k == Gamma || k == Tweedie
	case Loss:
		return k != Softmax && !k.Ranks()
	case RMSE, MAE, Pinball:
		return k != Softmax && !k.Ranks()
	}
	return m < metrics && k != Softmax
}

// judge returns the loss that a pointwise metric averages, of raw scores.
func judge(kind MetricKind, p Params) form {
	switch kind {
	case Loss:
		return formOf(p)
	case BinaryLoss:
		return form{loss: logisticLoss}
	case PoissonDeviance:
		return form{loss: func(s, y float64) float64 {
			if y == 0 {
				return 2 * fmath.Exp(s)
			}
			return 2 * (fmath.Exp(s) - y - float64(y*(s-fmath.Log(y))))
		}}
	case RMSE, MAE, Pinball:
		link := formOf(p).link
		loss := func(x, y float64) float64 { return (x - y) * (x - y) }
		switch kind {
		case MAE:
			loss = func(x, y float64) float64 { return math.Abs(x - y) }
		case Pinball:
			alpha := p.Alpha
			if p.Kind != Quantile {
				alpha = 0.5
			}
			_, loss = quantileOf(alpha, false)
		}
		return form{loss: func(s, y float64) float64 {
			x := [1]float64{s}
			link.Apply(x[:])
			return loss(x[0], y)
		}}
	}
	return form{}
}

// Value returns the figure of raw scores, output-major; NaN where it is not defined, such as AUC
// without positives.
func (m *Metric) Value(score []float64) float64 {
	switch m.kind {
	case NDCG:
		return m.rank.value(score)
	case PairAccuracy:
		return m.pairs.value(score)
	case AUC:
		return m.auc(score)
	case MultiLoss:
		return m.multiLoss(score)
	case RMSE:
		return math.Sqrt(m.point.Loss(score))
	}
	return m.point.Loss(score)
}

// multiLoss is the log loss of the probabilities of the classes.
func (m *Metric) multiLoss(score []float64) float64 {
	o := m.multi
	p := make([]float64, o.classes)
	v, _ := m.d.mean(func(i int) float64 {
		o.probabilities(p, score, i)
		return -fmath.Log(max(p[int(m.d.Labels[i])], rare))
	})
	return v
}

// auc is the probability that a positive scores above a negative, ties half, weighted; a
// label y in between is y of a positive and 1-y of a negative.
func (m *Metric) auc(score []float64) float64 {
	rows := slices.Clone(m.rows)
	slices.SortFunc(rows, func(a, b int32) int { return cmp.Compare(score[a], score[b]) })
	below, wins, positives := 0.0, 0.0, 0.0
	for from := 0; from < len(rows); {
		to, pos, neg := from, 0.0, 0.0
		for ; to < len(rows) && cmp.Compare(score[rows[to]], score[rows[from]]) == 0; to++ { // NaN too
			i := int(rows[to])
			w, y := m.d.weight(i), float64(m.d.Labels[i])
			pos += float64(w * y)
			neg += float64(w * (1 - y))
		}
		wins += float64(pos * (below + neg/2))
		below += neg
		positives += pos
		from = to
	}
	return wins / (positives * below)
}

// ndcg is the mean over queries of NDCG at k; a query without gain counts 1.
type ndcg struct {
	rows      [][]int32
	gain      []float64
	ideal     []float64
	discounts []float64
	workers   int
}

func newNDCG(p Params, d Data, k int) (*ndcg, error) {
	p.Kind, p.Examination, p.Truncation = LambdaMART, nil, k
	if err := checkGrades(p, &d); err != nil {
		return nil, err
	}
	r := ranked{Data: d, rows: d.queries()}
	for _, rows := range r.rows {
		r.longest = max(r.longest, len(rows))
	}
	o, err := newPairs(p, r)
	if err != nil {
		return nil, err
	}
	return &ndcg{rows: r.rows, gain: o.gain, ideal: o.inverse, discounts: o.discounts[:min(k, r.longest)], workers: d.Workers}, nil
}

func (m *ndcg) value(score []float64) float64 {
	values := make([]float64, len(m.rows))
	overQueries(m.workers, m.rows, func(q int, s *pairScratch) {
		values[q] = 1
		if m.ideal[q] == 0 {
			return
		}
		s.load(m.rows[q], score)
		sum := 0.0
		for k := range min(len(s.order), len(m.discounts)) {
			sum += float64(m.gain[s.order[k]] * m.discounts[k])
		}
		values[q] = sum * m.ideal[q]
	})
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
