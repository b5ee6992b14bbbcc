package debias

import (
	"fmt"

	"github.com/recsyskit/recsys/ranking"
)

// LoggedWeights returns d with each row weighed by 1/propensity, as the explorer logged it in [ranking.Dataset].Propensities, and each
// click of the head by 1/P(examined | position) on top, named [ByPropensity]. seen nil means that all places were examined.
//
// The propensity of a row is that of its place given the rows above, so the expectation of its weight is one for every row that might
// have come there: the weighted rows of each place stand for all candidates of the explorer's window alike, whatever the old
// ranker thought of them. A log without exploration has propensities of 1, and weights cannot tell what it never showed.
//
// cfg.Floor bounds the propensities and not the examination, which [Examination.Clipped] does. The default of 0.01 lets a row weigh a
// hundred times as much as one without choice; for windows of hundreds of rows choose it by the median of the
// propensities. Summary counts rows, and its Largest and Effective are those of the products.
//
// The errors are those of [ClickWeights], and that of a dataset without Propensities or with one that is NaN (not known) or outside (0, 1].
//
// Source: Horvitz, Thompson, JASA 1952; Strehl et al., NeurIPS 2010 (clipping); Joachims, Swaminathan, Schnabel, WSDM 2017, equation 5.
func LoggedWeights(d *ranking.Dataset, head string, seen Examination, cfg WeightConfig) (*ranking.Dataset, Summary, error) {
	if err := cfg.check(); err != nil {
		return nil, Summary{}, err
	}
	if len(d.Weights) > 0 {
		return nil, Summary{}, &ranking.WeightsError{Have: d.WeightedBy, Want: ByPropensity}
	}
	if err := d.Validate(); err != nil {
		return nil, Summary{}, fmt.Errorf("debias: %w", err)
	}
	if len(d.Propensities) == 0 {
		return nil, Summary{}, fmt.Errorf("debias: the dataset has no Propensities")
	}
	for i, p := range d.Propensities {
		if !(p > 0 && p <= 1) {
			return nil, Summary{}, fmt.Errorf("debias: row %d: the propensity is %v; want a number in (0, 1]", i, p)
		}
	}
	clicks := make([]float32, d.Len())
	for i := range clicks {
		clicks[i] = 1
	}
	if seen != nil {
		weighted, _, err := ClickWeights(d, head, seen, WeightConfig{Floor: 1e-6, Raw: true})
		if err != nil {
			return nil, Summary{}, err
		}
		clicks = weighted.Weights
	}
	w, s := inverse(d.Propensities, WeightConfig{Floor: cfg.Floor, Raw: true})
	sum, square := 0.0, 0.0
	for i := range w {
		w[i] = float64(w[i] * float64(clicks[i]))
		sum += w[i]
		square += float64(w[i] * w[i])
	}
	scale := 1.0
	if !cfg.Raw && s.Rows > 0 {
		scale = float64(s.Rows) / sum
	}
	s.Largest = 0
	weights := make([]float32, len(w))
	for i, v := range w {
		weights[i] = float32(v * scale)
		s.Largest = max(s.Largest, float64(v*scale))
	}
	if s.Rows > 0 {
		s.Effective = sum * (sum / square)
	}
	out, err := d.WithWeights(ByPropensity, weights)
	return out, s, err
}
