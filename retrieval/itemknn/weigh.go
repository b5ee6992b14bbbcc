package itemknn

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// weigher applies a weighting to interactions.
type weigher struct {
	weighting Weighting
	k1        float32
	length    []float32 // of BM25, per item: K1 (1-B + B len/mean len)
}

// newWeigher reads the lengths of the items off the matrix items × users.
func newWeigher(cfg *Config, byItem *retrieval.CSR) *weigher {
	w := &weigher{weighting: cfg.Weighting, k1: float32(cfg.K1)}
	if w.weighting != BM25 {
		return w
	}
	lengths, total := make([]float64, byItem.Rows()), 0.0
	for i := range lengths {
		_, weights := byItem.Row(i)
		for _, x := range weights {
			lengths[i] += float64(x)
		}
		total += lengths[i]
	}
	w.length = make([]float32, len(lengths))
	mean := total / float64(max(len(lengths), 1))
	for i, l := range lengths {
		relative := 0.0
		if mean > 0 {
			relative = l / mean
		}
		w.length[i] = float32(cfg.K1 * (float64(cfg.B*relative) + (1 - cfg.B)))
	}
	return w
}

// weigh returns what an interaction of weight x >= 0 with an item counts, but for the
// factor of the user.
func (w *weigher) weigh(item int32, x float32) float32 {
	switch w.weighting {
	case TFIDF:
		return float32(math.Sqrt(float64(x)))
	case BM25:
		if x == 0 {
			return 0
		}
		// x (K1+1) / (x + length), in a form that no x overflows.
		return (w.k1 + 1) / (1 + w.length[item]/x)
	}
	return x
}

// damping returns how histories count at serving: as the interactions do, but for what
// scales all scores of a request alike.
func (w *weigher) damping() itemsim.Damping {
	switch w.weighting {
	case TFIDF:
		return itemsim.SquareRoot
	case BM25:
		return itemsim.Saturating
	}
	return itemsim.Linear
}

// matrices returns the weighted interactions by user and by item. They share their
// structure with those of in.
func (w *weigher) matrices(in *retrieval.Interactions) (byUser, byItem *retrieval.CSR) {
	idf := w.idf(in.ByUser())
	byUser, byItem = reweighed(in.ByUser()), reweighed(in.ByItem())
	for u := range byUser.Rows() {
		items, weights := byUser.Row(u)
		for k, i := range items {
			weights[k] = w.weigh(i, weights[k]) * idf[u]
		}
	}
	for i := range byItem.Rows() {
		users, weights := byItem.Row(i)
		for k, u := range users {
			weights[k] = w.weigh(int32(i), weights[k]) * idf[u]
		}
	}
	return byUser, byItem
}

// check refuses weighted interactions whose products overflow: no product of two items is larger
// than both squares.
func check(byItem *retrieval.CSR, items []recsys.ItemID) error {
	for i, id := range items {
		_, weights := byItem.Row(i)
		if square(weights) > math.MaxFloat32 {
			return fmt.Errorf("itemknn: the squares of the weights of item %d add up to more than a float32 holds; divide all weights by a number", id)
		}
	}
	return nil
}

// square returns the sum of the squares.
func square(weights []float32) float64 {
	sum := 0.0
	for _, x := range weights {
		sum += float64(float64(x) * float64(x))
	}
	return sum
}

// idf returns the factor of each user, >= 0. A user who took every item tells nothing and
// gets 0.
func (w *weigher) idf(byUser *retrieval.CSR) []float32 {
	idf := make([]float32, byUser.Rows())
	for u := range idf {
		idf[u] = 1
		if w.weighting == Cosine {
			continue
		}
		_, weights := byUser.Row(u)
		taken := 0
		for _, x := range weights {
			if x > 0 {
				taken++
			}
		}
		idf[u] = float32(fmath.Log(float64(1+byUser.Cols) / float64(1+taken)))
	}
	return idf
}

// reweighed returns m with a copy of its weights.
func reweighed(m *retrieval.CSR) *retrieval.CSR {
	c := *m
	c.Weight = append([]float32(nil), m.Weight...)
	return &c
}
