package ranking

import "fmt"

// WeightsError says that a dataset was to get weights and has some already.
type WeightsError struct {
	Have string // what those there correct for; empty: not known
	Want string // what the others would
}

// Error names both.
func (e *WeightsError) Error() string {
	have := fmt.Sprintf("weights by %q", e.Have)
	if e.Have == "" {
		have = "weights of unknown origin (Dataset.WeightedBy is empty)"
	}
	return fmt.Sprintf("ranking: the dataset has %s; weights by %q would replace them or be multiplied with them, which are two different things: "+
		"clear Dataset.Weights, or multiply the two and name the product yourself", have, e.Want)
}

// WithWeights returns a dataset with the weights, which by names: what they correct for. All else is
// shared with d. A dataset that has weights is a [*WeightsError], also where they are all 1:
// corrections for different things are not multiplied silently. A wrong length, and a
// weight that is not a finite number >= 0, is a [*DatasetError]; so is an empty name.
func (d *Dataset) WithWeights(by string, weights []float32) (*Dataset, error) {
	if len(d.Weights) > 0 {
		return nil, &WeightsError{Have: d.WeightedBy, Want: by}
	}
	if by == "" {
		return nil, &DatasetError{Field: "WeightedBy", Row: -1, Value: `""`, Want: "a name for what the weights correct for"}
	}
	if len(weights) != d.Len() {
		return nil, &DatasetError{Field: "Weights", Row: -1, Value: fmt.Sprintf("of length %d", len(weights)), Want: fmt.Sprintf("%d, for that many rows", d.Len())}
	}
	if err := checkWeights(weights); err != nil {
		return nil, err
	}
	out := *d
	out.Weights, out.WeightedBy = weights, by
	return &out, nil
}

func checkWeights(weights []float32) error {
	return checkValues("Weights", weights, "a finite number >= 0", func(w float32) bool { return w >= 0 && isFinite(float64(w)) })
}
