package gbdt

import "github.com/recsyskit/recsys/ranking"

// checkWeights refuses weights that correct for something beside an Examination, which would be
// multiplied with them. Weights without a name count rows, and may be.
func (c *Config) checkWeights(d *ranking.Dataset) error {
	if d.WeightedBy == "" {
		return nil
	}
	for _, head := range d.Heads {
		o, ok := c.Heads[head]
		if !ok {
			o = c.Objective
		}
		if len(o.Examination) > 0 {
			return &ranking.WeightsError{Have: d.WeightedBy, Want: "examination, of Objective.Examination"}
		}
	}
	return nil
}
