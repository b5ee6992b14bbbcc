package calibrate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/ranking"
)

// Config configures [Fit]. The zero value is Platt's method on the scores as they are.
type Config struct {
	Method Method // Platt by default

	// LogOdds makes Platt work on log(s/(1-s)), for scores that are probabilities already. The
	// other methods have no use for it.
	LogOdds bool

	// Bins is the number of bins of Histogram, >= 1; 0 means 20. There are fewer where
	// scores are equal: those are never divided.
	Bins int
}

// Error says what is wrong with a slice of scores, labels, probabilities or weights.
type Error struct {
	Slice string // "scores", "labels", "weights", "probabilities"
	Row   int    // -1 when it is about the length
	Value string
	Want  string
}

// Error returns "calibrate: scores: row 3 is NaN; want a finite number".
func (e *Error) Error() string {
	if e.Row < 0 {
		return fmt.Sprintf("calibrate: %s: length %s; want %s", e.Slice, e.Value, e.Want)
	}
	return fmt.Sprintf("calibrate: %s: row %d is %s; want %s", e.Slice, e.Row, e.Value, e.Want)
}

// ErrNoData is returned when no row has a known label and a weight above 0.
var ErrNoData = errors.New("calibrate: no row with a known label and a weight above 0")

// Fit learns the map from scores to the probability of the label. The three slices are
// parallel, weights may be nil; see the package comment for what they hold. The rows
// must not be those that the model was trained on: there its scores are too good.
//
// Platt, Beta and Temperature minimise the log loss by Newton's method against labels
// that are pulled towards each other, (N₊+1)/(N₊+2) for 1 and 1/(N₋+2) for 0, which is Platt's
// prior: so one class alone, and classes that are apart, have an answer. Slopes that come out
// negative (the scores are of no use, or upside down) are 0. Isotonic is exact; its
// values, and Histogram's, are kept 1/(N+2) off 0 and 1, since N rows tell no more.
//
// The order of the rows does not matter. It costs O(n log n), and O(n) for each of about 8
// Newton steps. The errors are [ErrNoData] and [*Error]; scores must be finite, and in [0, 1] for Beta,
// Temperature and Platt with LogOdds. Fit keeps and changes nothing of its arguments.
func Fit(cfg Config, scores, labels, weights []float32) (*Calibrator, error) {
	switch {
	case cfg.Method >= methods:
		return nil, fmt.Errorf("calibrate: Config.Method is %v; want one of %v", cfg.Method, methodNames)
	case cfg.Bins < 0:
		return nil, fmt.Errorf("calibrate: Config.Bins is %d; want >= 1 (0 means 20)", cfg.Bins)
	case cfg.Bins > 0 && cfg.Method != Histogram:
		return nil, fmt.Errorf("calibrate: Config.Bins is %d, but the method is %v; leave it out", cfg.Bins, cfg.Method)
	case cfg.LogOdds && cfg.Method != Platt:
		return nil, fmt.Errorf("calibrate: Config.LogOdds is set, but the method is %v; leave it out", cfg.Method)
	}
	domain := finite
	if cfg.LogOdds || cfg.Method == Beta || cfg.Method == Temperature {
		domain = unit
	}
	rows, err := collect("scores", domain, scores, labels, weights)
	if err != nil {
		return nil, err
	}
	byScore(rows)
	c := &Calibrator{method: cfg.Method, logOdds: cfg.LogOdds}
	switch cfg.Method {
	case Isotonic:
		c.x, c.y = corners(rows)
	case Histogram:
		n := cfg.Bins
		if n == 0 {
			n = 20
		}
		c.x, c.y = bins(rows, n)
	default:
		c.par = parameters(cfg, rows)
	}
	return c.finish(), nil
}

// row is one example.
type row struct{ score, label, weight float64 }

// domain is the range of a score.
type domain struct {
	ok   func(float64) bool
	want string
}

var (
	finite = domain{func(x float64) bool { return x-x == 0 }, "a finite number"}
	unit   = domain{func(x float64) bool { return x >= 0 && x <= 1 }, "a number in [0, 1]"}
)

// collect checks the slices and returns the rows that count.
func collect(name string, d domain, scores, labels, weights []float32) ([]row, error) {
	n := len(scores)
	want := fmt.Sprintf("%d, that of %s", n, name)
	if len(labels) != n {
		return nil, &Error{"labels", -1, fmt.Sprint(len(labels)), want}
	}
	if weights != nil && len(weights) != n {
		return nil, &Error{"weights", -1, fmt.Sprint(len(weights)), want + ", or none"}
	}
	rows := make([]row, 0, n)
	for i := range scores {
		s, y, w := float64(scores[i]), float64(labels[i]), 1.0
		if weights != nil {
			w = float64(weights[i])
		}
		if !d.ok(s) {
			return nil, &Error{name, i, fmt.Sprint(s), d.want}
		}
		if y == y && !unit.ok(y) {
			return nil, &Error{"labels", i, fmt.Sprint(y), "a number in [0, 1], or NaN"}
		}
		if !(w >= 0 && finite.ok(w)) {
			return nil, &Error{"weights", i, fmt.Sprint(w), "a finite number >= 0"}
		}
		if y == y && w > 0 {
			rows = append(rows, row{s, y, w})
		}
	}
	if len(rows) == 0 {
		return nil, ErrNoData
	}
	return rows, nil
}

// byScore orders rows by all their fields, so that no sum depends on the order they came in.
func byScore(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.label, b.label), cmp.Compare(a.weight, b.weight))
	})
}

// parameters fits Platt, Beta and Temperature.
func parameters(cfg Config, rows []row) (par [3]float64) {
	k := 1
	if cfg.Method == Beta {
		k = 2
	}
	positives, negatives := 0.0, 0.0
	for _, r := range rows {
		positives += float64(r.weight * r.label)
		negatives += float64(r.weight * (1 - r.label))
	}
	high, low := (positives+1)/(positives+2), 1/(negatives+2)
	p := newProblem(len(rows), k, cfg.Method != Temperature)
	for i, r := range rows {
		p.target[i] = float64(r.label*high) + float64((1-r.label)*low)
		p.weight[i] = r.weight
		x := p.row(i)
		switch lp, lq := logs(r.score); {
		case cfg.Method == Beta:
			x[0], x[1] = lp, -lq
		case cfg.Method == Temperature || cfg.LogOdds:
			x[0] = lp - lq
		default:
			x[0] = r.score
		}
	}
	beta := p.fit()
	copy(par[:], beta)
	return par
}

// bins returns bins of about equal mass of sorted rows: upper ends, but for the last, and mean labels.
func bins(rows []row, n int) (x, y []float64) {
	margin, _ := marginOf(rows)
	divide(rows, n, func(from, to int) {
		sum, mass := 0.0, 0.0
		for _, r := range rows[from:to] {
			sum += float64(r.weight * r.label)
			mass += r.weight
		}
		y = append(y, inside(sum/mass, margin))
		if to < len(rows) {
			x = append(x, rows[to-1].score+float64((rows[to].score-rows[to-1].score)/2))
		}
	})
	return x, y
}

// divide calls f for up to n ranges of sorted rows of about equal mass; equal scores stay together.
func divide(rows []row, n int, f func(from, to int)) {
	_, total := marginOf(rows)
	quantile := func(mass float64) int { return int(float64(mass/total*float64(n)) + 1e-9) }
	from, begun, mass := 0, 0, 0.0
	for i, r := range rows {
		mass += r.weight
		last := i+1 == len(rows)
		if last || r.score != rows[i+1].score && quantile(mass) > begun {
			f(from, i+1)
			from, begun = i+1, quantile(mass)
		}
	}
}

// marginOf returns how far off 0 and 1 a share of the rows is kept, and their weight.
func marginOf(rows []row) (margin, total float64) {
	for _, r := range rows {
		total += r.weight
	}
	return 1 / (total + 2), total
}

func inside(p, margin float64) float64 { return min(max(p, margin), 1-margin) }

// Predictor is a model with heads that scores a dataset; [*ranking.Linear] is one.
type Predictor interface {
	// Heads names the heads.
	Heads() []string
	// Predict appends the heads of each row of d to dst, row-major.
	Predict(dst []float32, d *ranking.Dataset) ([]float32, error)
}

// FitHeads fits a calibrator for each of the named heads of a model, or for all without
// names, on a dataset that the model was not trained on. The labels of a head are those of
// the dataset's head of that name. The errors are those of [Fit], with the head, and those of
// names that model or dataset do not have.
func FitHeads(cfg Config, model Predictor, d *ranking.Dataset, heads ...string) (Heads, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	all := model.Heads()
	if len(heads) == 0 {
		heads = all
	}
	predicted, err := model.Predict(nil, d)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	if len(predicted) != d.Len()*len(all) {
		return nil, fmt.Errorf("calibrate: the model predicts %d values for %d rows of %d heads", len(predicted), d.Len(), len(all))
	}
	out := Heads{}
	for _, head := range heads {
		h := slices.Index(all, head)
		if h < 0 {
			return nil, fmt.Errorf("calibrate: the model has no head %q (heads: %q)", head, all)
		}
		labels, err := d.LabelColumn(nil, head)
		if err != nil {
			return nil, fmt.Errorf("calibrate: %w", err)
		}
		scores := make([]float32, d.Len())
		for i := range scores {
			scores[i] = predicted[i*len(all)+h]
		}
		var weights []float32
		if len(d.Weights) > 0 {
			weights = d.Weights
		}
		c, err := Fit(cfg, scores, labels, weights)
		if err != nil {
			return nil, fmt.Errorf("calibrate: head %q: %w", head, err)
		}
		out[head] = c
	}
	return out, nil
}

// sumOf adds up in order.
func sumOf(values []float64) float64 {
	s := 0.0
	for _, v := range values {
		s += v
	}
	return s
}
