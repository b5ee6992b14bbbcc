package gbdt

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/ranking"
)

// ImportanceKind says what [Model.Importance] counts.
type ImportanceKind uint8

// The kinds of importance.
const (
	// Gain sums by how much the splits on a feature lowered the loss: LightGBM's "gain", XGBoost's "total_gain".
	Gain ImportanceKind = iota
	// Split counts the splits on a feature: LightGBM's "split", XGBoost's "weight".
	Split
)

// String returns "gain" or "split".
func (k ImportanceKind) String() string {
	switch k {
	case Gain:
		return "gain"
	case Split:
		return "split"
	}
	return fmt.Sprintf("ImportanceKind(%d)", uint8(k))
}

// Importance returns all features of the forest that gives a head, the most important first, equal
// ones by name. As in LightGBM, a split without gain does not count, unless the file says
// nothing of gains. The error lists the heads when there is no such head, or says that the kind is unknown.
func (m *Model) Importance(head string, by ImportanceKind) ([]ranking.Importance, error) {
	f, _, err := m.head(head)
	if err != nil {
		return nil, err
	}
	if by > Split {
		return nil, fmt.Errorf("gbdt: %v; want Gain or Split", by)
	}
	out := make([]ranking.Importance, len(m.features))
	for j := range out {
		out[j].Column = m.features[j].Name
	}
	for k := range f.Trees {
		t := &f.Trees[k]
		for i, n := range t.Nodes {
			v := 1.0
			if len(t.NodeStats) > 0 {
				gain := t.NodeStats[i].Gain
				if !(gain > 0) {
					continue
				}
				if by == Gain {
					v = gain
				}
			} else if by == Gain {
				continue
			}
			out[n.Feature].Value += v
		}
	}
	slices.SortFunc(out, func(a, b ranking.Importance) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Column, b.Column))
	})
	return out, nil
}
