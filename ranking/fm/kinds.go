package fm

import "github.com/recsyskit/recsys"

var (
	_ recsys.HeadKinder = (*Model)(nil)
	_ recsys.HeadKinder = (*Online)(nil)
)

// HeadKinds says that the heads are probabilities under the logistic loss, values under the squared one.
func (m *Model) HeadKinds() []recsys.HeadKind {
	kinds := make([]recsys.HeadKind, len(m.heads))
	for h := range kinds {
		kinds[h] = recsys.HeadProbability
		if m.loss == Squared {
			kinds[h] = recsys.HeadValue
		}
	}
	return kinds
}

// HeadKinds returns what the heads of the model are.
func (o *Online) HeadKinds() []recsys.HeadKind { return o.state.base.HeadKinds() }
