package twotower

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// state is what going on takes beside the model: how far the training is, the moments of the
// optimiser and the estimates of frequencies.
type state struct {
	at       position
	moments  [][]float32 // of userWeights, itemWeights and the tables: m, v, m, v, …; m is empty for AdaGrad
	last     []int32
	interval []float32
	vectors  []float32 // of items after the last epoch, for hard negatives; empty without
}

// moments lists the optimiser's state in the order of [trainer.everything].
func (t *trainer) moments() [][]float32 {
	all := [][]float32{t.userWeights.M, t.userWeights.V, t.itemWeights.M, t.itemWeights.V}
	for _, u := range t.updaters {
		m, v := u.State()
		all = append(all, m, v)
	}
	return all
}

func (t *trainer) checkpoint() *state {
	s := &state{at: t.at, moments: t.moments(), last: t.freq.last, interval: t.freq.interval, vectors: t.vectors.Data}
	return s
}

// resume goes on from a model. What it does not have, new users and items, stays as it was
// drawn.
func (t *trainer) resume(m *Model) error {
	same := len(t.users) == len(m.users) && slices.Equal(t.users, m.users) && slices.Equal(t.items, m.Items())
	c := &m.config
	switch {
	case c.Dim != t.cfg.Dim || !slices.Equal(c.Hidden, t.cfg.Hidden) || c.Pooling != t.cfg.Pooling ||
		c.Anonymous != t.cfg.Anonymous || c.Untied != t.cfg.Untied || c.UserBuckets != t.cfg.UserBuckets ||
		c.ItemBuckets != t.cfg.ItemBuckets || c.CategoryBuckets != t.cfg.CategoryBuckets || c.CategoryDim != t.cfg.CategoryDim:
		return fmt.Errorf("twotower: Config.Start has other dimensions, layers or buckets than the configuration: %+v", m.config)
	}
	copy(t.net.userWeights, m.net.userWeights)
	copy(t.net.itemWeights, m.net.itemWeights)
	into, _ := t.net.tables()
	from, _ := m.net.tables()
	for i, table := range into {
		switch {
		case table.Rows == from[i].Rows && (same || table != t.net.users && table != t.net.items && table != t.net.history):
			copy(table.W, from[i].W)
		case table == t.net.users:
			carry(table, from[i], t.users, m.users, t.net.userPlaces.k)
		default:
			carry(table, from[i], t.items, m.Items(), t.net.itemPlaces.k)
		}
	}
	t.at.Epoch, t.at.From = m.epochs, m.epochs // a finished model gets as many more
	s := m.state
	if s == nil {
		return nil
	}
	if !same || c.Optimizer != t.cfg.Optimizer || len(t.stream.items) < s.at.Example {
		return fmt.Errorf("twotower: Config.Start is an interrupted training of other users, items, interactions or optimizer")
	}
	t.at = s.at
	if t.held != nil { // the best epoch went with the process
		t.at.Best, t.at.Recall = 0, 0
	}
	for i, moment := range t.moments() {
		copy(moment, s.moments[i])
	}
	copy(t.freq.last, s.last)
	copy(t.freq.interval, s.interval)
	if len(s.vectors) > 0 {
		t.vectors.Data, t.vectors.Rows, t.vectors.Dim, t.vectors.Stride = slices.Clone(s.vectors), len(t.items), t.cfg.Dim, t.cfg.Dim
	}
	return nil
}

// carry copies the rows of the ids that both have. With k places, rows belong to hashes of
// ids, which stay.
func carry[ID ~uint64](to, from *nn.Table, ids, old []ID, k int) {
	if k > 1 {
		copy(to.W, from.W)
		return
	}
	for i, id := range ids {
		if at, ok := slices.BinarySearch(old, id); ok {
			copy(to.Row(int32(i)), from.Row(int32(at)))
		}
	}
}
