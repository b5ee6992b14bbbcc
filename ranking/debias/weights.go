package debias

import (
	"fmt"

	"github.com/recsyskit/recsys/ranking"
)

// The names that the weights of this package carry in [ranking.Dataset].WeightedBy.
const (
	ByExamination = "examination" // of clicks, by 1/P(examined | position)
	ByExposure    = "exposure"    // of ratings, by 1/P(shown)
	ByPropensity  = "propensity"  // of logged rows, by 1/P(chosen | rows above), and of clicks by 1/P(examined | position)
)

// WeightConfig configures [ClickWeights], [RatingWeights] and [LoggedWeights].
type WeightConfig struct {
	// Floor is the least probability: a smaller one counts as Floor, so that no weight is above 1/Floor
	// before it is normalised. In (0, 1]; 0 means 0.01. A higher floor has less variance and more bias.
	Floor float64

	// Raw leaves the weights as they are. Else they are self-normalised: divided by their mean, over the clicks
	// for ClickWeights and over all rows for the others, so that they add up to the rows that
	// they stand for, and regularisation and base rates keep their meaning.
	Raw bool
}

func (c WeightConfig) check() error {
	if c.Floor != 0 && !(c.Floor > 0 && c.Floor <= 1) {
		return fmt.Errorf("debias: WeightConfig.Floor is %v; want a number in (0, 1] (0 means 0.01)", c.Floor)
	}
	return nil
}

func (c WeightConfig) floor() float64 {
	if c.Floor == 0 {
		return 0.01
	}
	return c.Floor
}

// Summary says what weights look like.
type Summary struct {
	Rows    int // that were weighed: clicks, or ratings
	Clipped int // of them, those whose probability was below the floor
	Largest float64
	// Effective is how many rows of equal weight have as little variance, (Σw)²/Σw², by Kish.
	Effective float64
}

// String prints the summary.
func (s Summary) String() string {
	return fmt.Sprintf("%d rows weighed, worth %.0f of equal weight; largest weight %.3g; %d clipped", s.Rows, s.Effective, s.Largest, s.Clipped)
}

// inverse returns 1/p for each probability, clipped and normalised.
func inverse(p []float64, cfg WeightConfig) (w []float64, s Summary) {
	floor, sum, square := cfg.floor(), 0.0, 0.0
	w = make([]float64, len(p))
	for i, v := range p {
		if v < floor {
			v = floor
			s.Clipped++
		}
		w[i] = 1 / v
		sum += w[i]
		square += float64(w[i] * w[i])
	}
	if s.Rows = len(p); s.Rows == 0 {
		return w, s
	}
	s.Effective = sum * (sum / square)
	scale := 1.0
	if !cfg.Raw {
		scale = float64(len(p)) / sum
	}
	for i := range w {
		w[i] *= scale
		s.Largest = max(s.Largest, w[i])
	}
	return w, s
}

// ClickWeights returns d with each click of the head weighed by 1/P(examined | position), all other
// rows by 1, named [ByExamination]. A label of 0 to 1 is a click to that part. The error is a
// [*ranking.WeightsError] when d has weights; or that of a dataset with other heads, which
// the weights would count for as well ([ranking.Dataset.Select] keeps columns, so give each
// head a dataset of its own); of a click without position, or at one that seen does not have; or
// of a label that is no probability.
//
// A pairwise or listwise loss that weighs pairs by their clicked row is unbiased with these
// weights. A pointwise loss counts an unexamined row as disliked still, so that its
// probabilities are those of a click, and its order is nearer to that of relevance than without.
//
// Source: Joachims, Swaminathan, Schnabel, WSDM 2017, equation 5; clipping: Strehl et al., NeurIPS
// 2010; self-normalisation: Swaminathan, Joachims, NeurIPS 2015.
func ClickWeights(d *ranking.Dataset, head string, seen Examination, cfg WeightConfig) (*ranking.Dataset, Summary, error) {
	fail := func(format string, args ...any) (*ranking.Dataset, Summary, error) {
		return nil, Summary{}, fmt.Errorf("debias: "+format, args...)
	}
	if err := cfg.check(); err != nil {
		return nil, Summary{}, err
	}
	if len(d.Weights) > 0 {
		return nil, Summary{}, &ranking.WeightsError{Have: d.WeightedBy, Want: ByExamination}
	}
	if err := d.Validate(); err != nil {
		return fail("%w", err)
	}
	if len(d.Heads) != 1 || d.Heads[0] != head {
		return fail("weights of the clicks of %q would count for all heads of the dataset, %q; give it this head alone", head, d.Heads)
	}
	if len(d.Positions) == 0 {
		return fail("the dataset has no Positions")
	}
	for k, p := range seen {
		if !(p >= 0 && p <= maxExamination) {
			return fail("the examination of position %d is %v; want a number >= 0", k, p)
		}
	}
	var rows []int
	var p []float64
	for i, y := range d.Labels {
		if y != y || y == 0 {
			continue
		}
		if !(y > 0 && y <= 1) {
			return fail("row %d: label is %v; want a click of 0 to 1, or NaN", i, y)
		}
		k := int(d.Positions[i])
		if k < 0 || k >= len(seen) {
			return fail("row %d: a click at position %d; examination is known of positions 0 to %d", i, k, len(seen)-1)
		}
		rows, p = append(rows, i), append(p, seen[k])
	}
	w, s := inverse(p, cfg)
	weights := make([]float32, d.Len())
	for i := range weights {
		weights[i] = 1
	}
	for n, i := range rows {
		y := float64(d.Labels[i])
		weights[i] = float32(1 + float64(y*(w[n]-1)))
	}
	out, err := d.WithWeights(ByExamination, weights)
	return out, s, err
}

// maxExamination is beyond what noise can lift an examination to.
const maxExamination = 1e6

// RatingWeights returns d with each row weighed by 1/P(shown), named [ByExposure]. shown[i] is the
// probability that the label of row i is known, whatever it is, in (0, 1]: how likely this user rates
// this item. The error is a [*ranking.WeightsError] when d has weights, or that of a wrong
// length or value.
//
// Source: Schnabel et al., ICML 2016, equation 10; clipping and self-normalisation as in [ClickWeights].
func RatingWeights(d *ranking.Dataset, shown []float64, cfg WeightConfig) (*ranking.Dataset, Summary, error) {
	if err := cfg.check(); err != nil {
		return nil, Summary{}, err
	}
	if len(d.Weights) > 0 {
		return nil, Summary{}, &ranking.WeightsError{Have: d.WeightedBy, Want: ByExposure}
	}
	if len(shown) != d.Len() {
		return nil, Summary{}, fmt.Errorf("debias: %d probabilities for %d rows", len(shown), d.Len())
	}
	if err := checkShown(shown); err != nil {
		return nil, Summary{}, err
	}
	w, s := inverse(shown, cfg)
	weights := make([]float32, len(w))
	for i, v := range w {
		weights[i] = float32(v)
	}
	out, err := d.WithWeights(ByExposure, weights)
	return out, s, err
}

func checkShown(shown []float64) error {
	for i, p := range shown {
		if !(p > 0 && p <= 1) {
			return fmt.Errorf("debias: row %d: the probability of being shown is %v; want a number in (0, 1]", i, p)
		}
	}
	return nil
}
