package twotower

import (
	"math"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// learnUsers goes back from the gradients of the users' vectors to what they are made of.
func (t *trainer) learnUsers(s *shard, key uint64) {
	n, b, dim := t.net, &t.batch, t.cfg.Dim
	tower := n.user
	clear(s.weights)
	tower.backward(s.grad, &s.activations, b.duser[s.from*dim:s.to*dim], b.user[s.from*dim:s.to*dim],
		!t.cfg.Dot, t.cfg.Dropout, hash.Combine(key, uint64(s.from), 2))
	at := 0
	s.ids.Reset(s.din, tower.width)
	if n.users != nil {
		for r, at := range s.places {
			touch(&s.ids, at, int32(r), 1)
		}
		at = dim
	}
	s.pooled.Reset(s.din[at:], tower.width)
	s.attended.Reset(tower.context, dim)
	for r := range s.rows {
		from, to := s.past(r)
		for k := from; k < to; k++ {
			touch(&s.pooled, n.itemAt[s.history[k]], int32(r), s.share[k])
		}
		if tower.context != nil {
			t.attend(s, s.din[r*tower.width+at:][:dim], from, to)
		}
	}
	at += dim
	s.learnCategories(s.din, tower.width, at, t.userFeatures, t.cfg.CategoryDim, func(r int) []int32 {
		_, cats := t.userFeatures.row(t.userRow[t.stream.user[b.examples[s.from+r]]])
		return cats
	})
}

// attend adds what the gradient d of a history's vector says of its attention: with shares a,
// g_k = d·e_k and s_k = c·e_k / √dim, ds_k = a_k (g_k - Σ a g).
func (t *trainer) attend(s *shard, d []float32, from, to int32) {
	n := t.net
	root := float32(1 / math.Sqrt(float64(len(d))))
	mean := float32(0)
	s.slopes = grow(s.slopes, int(to-from))
	for k := from; k < to; k++ {
		g := n.dot(d, s.history[k])
		s.slopes[k-from] = g
		mean += float32(s.share[k] * g)
	}
	for k := from; k < to; k++ {
		ds := float32(s.share[k]*(s.slopes[k-from]-mean)) * root
		at := n.itemAt[s.history[k]]
		touch(&s.attended, at, 0, ds)
		simd.Axpy(ds, n.history.Row(at[0]), s.grad.context)
		if at[1] >= 0 {
			simd.Axpy(ds, n.history.Row(at[1]), s.grad.context)
		}
	}
}

// touch adds a touch for each of the places.
func touch(g *nn.Grads, at [2]int32, from int32, scale float32) {
	if at[0] < 0 {
		return
	}
	g.Add(at[0], from, scale)
	if at[1] >= 0 {
		g.Add(at[1], from, scale)
	}
}

// learnItems is learnUsers for the candidates.
func (t *trainer) learnItems(s *shard, key uint64) {
	n, b, dim := t.net, &t.batch, t.cfg.Dim
	clear(s.weights)
	n.item.backward(s.grad, &s.activations, b.ditem[s.from*dim:s.to*dim], b.item[s.from*dim:s.to*dim],
		!t.cfg.Dot, t.cfg.Dropout, hash.Combine(key, uint64(s.from), 3))
	s.ids.Reset(s.din, n.item.width)
	for r, at := range s.places {
		touch(&s.ids, at, int32(r), 1)
	}
	s.learnCategories(s.din, n.item.width, dim, t.itemFeatures, t.cfg.CategoryDim, func(r int) []int32 {
		_, cats := t.itemFeatures.row(b.candidates[s.from+r])
		return cats
	})
}

// learnCategories lists the gradients of the categories of each row, which begin at value at
// of the input, after the numbers.
func (s *shard) learnCategories(din []float32, width, at int, f *inputs, dim int, row func(r int) []int32) {
	s.cats.Reset(nil, 0)
	if f.cats == 0 {
		return
	}
	// Rows are no multiple of dim wide: the stride is one value.
	s.cats.Reset(din, 1)
	for r := range s.rows {
		for i, bucket := range row(r) {
			if bucket >= 0 {
				s.cats.Add(bucket, int32(r*width+at+f.dense+i*dim), 1)
			}
		}
	}
}

// rate returns the rate of the step under way.
func (t *trainer) rate() float32 {
	if !t.cfg.Anneal {
		return float32(t.cfg.LearningRate)
	}
	n := float64(len(t.stream.items))
	done := (float64(t.at.Epoch-t.at.From) + float64(t.at.Example)/n) / float64(t.epochs-t.at.From)
	return float32(t.cfg.LearningRate * max(1-done, 1./20))
}

// update applies all gradients.
func (t *trainer) update(users, items []*shard, step int) {
	rate := t.rate()
	sum := func(to *nn.Weights, shards []*shard) {
		if len(to.W) == 0 {
			return
		}
		parts := t.batch.parts[:0]
		for _, s := range shards {
			parts = append(parts, s.weights)
		}
		nn.Reduce(t.workers, to.G, parts...)
		to.Step(t.workers, step, rate)
		t.batch.parts = parts
	}
	sum(t.userWeights, users)
	sum(t.itemWeights, items)
	for _, u := range t.updaters {
		u.Step(t.workers, step, rate, t.listsOf(u.table, users, items)...)
	}
}

// listsOf returns the gradients of a table. The memory is used again.
func (t *trainer) listsOf(table *nn.Table, users, items []*shard) []*nn.Grads {
	lists := t.lists[:0]
	for _, s := range items {
		switch table {
		case t.net.items:
			lists = append(lists, &s.ids)
		case t.net.itemCats:
			lists = append(lists, &s.cats)
		}
	}
	for _, s := range users {
		if table == t.net.history {
			lists = append(lists, &s.pooled, &s.attended)
		}
		switch table {
		case t.net.users:
			lists = append(lists, &s.ids)
		case t.net.userCats:
			lists = append(lists, &s.cats)
		}
	}
	t.lists = lists
	return lists
}
