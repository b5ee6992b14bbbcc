package twotower

import (
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// A batch is cut into shards of about rowsPerShard rows, at most maxShards, whatever the
// number of workers. Each keeps gradients of its own, so that more of them cost memory.
const (
	rowsPerShard = 128
	maxShards    = 16
)

func shardsOf(rows int) int { return min(max((rows+rowsPerShard-1)/rowsPerShard, 1), maxShards) }

// batch is one step's work and its memory.
type batch struct {
	examples   []int32 // of the stream
	target     []int32 // of each example: the place of its item among the candidates
	candidates []int32 // rows of the catalogue, each once
	logq       []float32
	place      []int32 // by row of the catalogue: 1 + its place among the candidates; 0 is none

	user, item   []float32 // vectors: examples × dim, candidates × dim
	duser, ditem []float32 // gradients
	scaled       []float32 // item / temperature
	toItems      simd.Packed
	fromItems    simd.Packed
	users, items []*shard
	parts        [][]float32
}

// shard is the work on some rows of a batch: examples on the user's side, candidates on the
// item's.
type shard struct {
	from, to int
	activations
	places  [][2]int32 // of the id of each row; nobody where it is not seen
	weights []float32  // gradient of the tower's dense weights
	grad    *tower

	// Of examples.
	history []int32 // the items of all histories
	ends    []int32 // of each
	share   []float32
	slopes  []float32
	logits  []float32
	scaled  []float32 // user / temperature
	ditem   []float32 // candidates × dim
	packed  simd.Packed
	loss    float64

	ids, pooled, attended, cats nn.Grads
}

// begin fills the batch of step t: its examples, the candidates and the logQ of each.
func (t *trainer) begin(examples []int32, step int) {
	b := &t.batch
	for _, item := range b.candidates {
		b.place[item] = 0
	}
	b.examples, b.candidates = examples, b.candidates[:0]
	b.target = grow(b.target, len(examples))
	for i, e := range examples {
		b.target[i] = b.add(t.stream.items[e])
	}
	for _, item := range b.candidates {
		t.freq.see(item, step)
	}
	rng := rand.New(rand.NewPCG(t.cfg.Seed, hash.Combine(stepSeed, uint64(step))))
	n := len(t.items)
	for range max(t.cfg.Negatives, 0) {
		b.add(int32(rng.IntN(n)))
	}
	b.logq = grow(b.logq, len(b.candidates))
	absent := fmath.Pow(1-1/float64(n), float64(max(t.cfg.Negatives, 0)))
	for i, item := range b.candidates {
		b.logq[i] = t.logq(item, absent)
	}
	b.scaled = grow(b.scaled, len(b.candidates)*t.cfg.Dim)
}

// add returns the place of an item among the candidates, to which it is added if need be.
func (b *batch) add(item int32) int32 {
	if b.place[item] == 0 {
		b.candidates = append(b.candidates, item)
		b.place[item] = int32(len(b.candidates))
	}
	return b.place[item] - 1
}

// logq returns what is subtracted from the logit of an item: the logarithm of the probability
// that it is among the candidates, when the other draws leave it out with the probability
// absent.
func (t *trainer) logq(item int32, absent float64) float32 {
	p := 1 - float64((1-t.freq.probability(item))*absent)
	return float32((1 - t.cfg.Debias) * fmath.Log(max(p, 1e-30)))
}

// layout returns the shards of so many rows, with their bounds.
func layout(list *[]*shard, rows int, create func() *shard) []*shard {
	n := shardsOf(rows)
	for len(*list) < n {
		*list = append(*list, create())
	}
	for i, s := range (*list)[:n] {
		s.from, s.to = nn.Bounds(i, n, rows)
	}
	return (*list)[:n]
}

// step trains on the examples as step number step and returns the sum of their losses. When
// that is no number the weights stay as they were.
func (t *trainer) step(examples []int32, step int) float64 {
	loss, users, items := t.gradients(examples, step)
	if nn.Finite(loss) {
		t.update(users, items, step)
	}
	return loss
}

// gradients returns the sum of the losses of the examples, and the shards, which then hold the
// gradients of the mean.
func (t *trainer) gradients(examples []int32, step int) (loss float64, users, items []*shard) {
	b, dim := &t.batch, t.cfg.Dim
	key := hash.Combine(t.cfg.Seed, stepSeed, uint64(step))
	t.begin(examples, step)
	t.net.pack(true)
	b.user, b.duser = grow(b.user, len(examples)*dim), grow(b.duser, len(examples)*dim)
	users = layout(&b.users, len(examples), func() *shard { return newShard(t.buildUser) })
	nn.Each(t.workers, len(users), func(i int) { t.seeUsers(users[i], key) })
	t.mine(step)

	b.item = grow(b.item, len(b.candidates)*dim)
	items = layout(&b.items, len(b.candidates), func() *shard { return newShard(t.buildItem) })
	nn.Each(t.workers, len(items), func(i int) { t.seeItems(items[i], key) })
	nn.Each(t.workers, 2, func(i int) {
		if i == 0 {
			b.toItems.PackT(b.scaled, dim, len(b.candidates), dim)
		} else {
			b.fromItems.Pack(b.scaled, dim, len(b.candidates), dim)
		}
	})
	nn.Each(t.workers, len(users), func(i int) { t.compare(users[i]) })
	b.parts = b.parts[:0]
	for _, s := range users {
		loss += s.loss
		b.parts = append(b.parts, s.ditem)
	}
	b.ditem = grow(b.ditem, len(b.candidates)*dim)
	nn.Reduce(t.workers, b.ditem, b.parts...)
	nn.Each(t.workers, len(users)+len(items), func(i int) {
		if i < len(users) {
			t.learnUsers(users[i], key)
		} else {
			t.learnItems(items[i-len(users)], key)
		}
	})
	return loss, users, items
}

func newShard(build func(*nn.Slab) *tower) *shard {
	s := &shard{weights: make([]float32, nn.Size(build))}
	s.grad = build(nn.NewSlab(s.weights))
	return s
}

// seeUsers computes the vectors of the shard's users.
func (t *trainer) seeUsers(s *shard, key uint64) {
	n, b, dim := t.net, &t.batch, t.cfg.Dim
	n.user.resize(&s.activations, s.to-s.from, true)
	s.history, s.ends, s.places = s.history[:0], s.ends[:0], s.places[:0]
	for _, e := range b.examples[s.from:s.to] {
		s.history = t.stream.history(s.history, e, key)
		s.ends = append(s.ends, int32(len(s.history)))
		s.places = append(s.places, t.seen(t.userAt[t.stream.user[e]], hash.Combine(key, uint64(e), 1)))
	}
	s.share = grow(s.share, len(s.history))
	for i := range s.share {
		s.share[i] = 1
	}
	for r, e := range b.examples[s.from:s.to] {
		from, to := s.past(r)
		user := t.stream.user[e]
		values, cats := t.userFeatures.row(t.userRow[user])
		n.userInput(s.in[r*n.user.width:(r+1)*n.user.width], s.places[r], s.history[from:to], s.share[from:to], t.userFeatures, values, cats)
	}
	n.user.forward(&s.activations, b.user[s.from*dim:s.to*dim], !t.cfg.Dot, t.cfg.Dropout, hash.Combine(key, uint64(s.from), 2))
}

// seen returns the places of an id, or nobody where the draw hides it.
func (t *trainer) seen(at [2]int32, draw uint64) [2]int32 {
	if float64(draw>>11)*0x1p-53 < t.cfg.IDDropout {
		return nobody
	}
	return at
}

// past returns where the history of row r is.
func (s *shard) past(r int) (from, to int32) {
	if r > 0 {
		from = s.ends[r-1]
	}
	return from, s.ends[r]
}

// seeItems computes the vectors of the shard's candidates.
func (t *trainer) seeItems(s *shard, key uint64) {
	n, b, dim := t.net, &t.batch, t.cfg.Dim
	n.item.resize(&s.activations, s.to-s.from, true)
	s.places = s.places[:0]
	for r, item := range b.candidates[s.from:s.to] {
		at := n.itemAt[item]
		if n.item.width > dim { // without features an id is all there is
			at = t.seen(at, hash.Combine(key, uint64(item), 4))
		}
		s.places = append(s.places, at)
		n.itemInput(s.in[r*n.item.width:(r+1)*n.item.width], item, at, t.itemFeatures)
	}
	out := b.item[s.from*dim : s.to*dim]
	n.item.forward(&s.activations, out, !t.cfg.Dot, t.cfg.Dropout, hash.Combine(key, uint64(s.from), 3))
	scaled := b.scaled[s.from*dim : s.to*dim]
	copy(scaled, out)
	simd.Scale(float32(1/t.cfg.Temperature), scaled)
}

// compare computes the loss of the shard's examples and the gradients of the vectors: of its
// users, and its part of those of the candidates.
func (t *trainer) compare(s *shard) {
	b, dim, n := &t.batch, t.cfg.Dim, len(t.batch.candidates)
	s.ditem = grow(s.ditem, n*dim)
	s.scaled = grow(s.scaled, rowsPerShard*dim)
	s.logits = grow(s.logits, min(rowsPerShard, s.rows)*n)
	s.loss = 0
	scale := 1 / float32(len(b.examples))
	for from := s.from; from < s.to; from += rowsPerShard {
		rows := min(rowsPerShard, s.to-from)
		user, logits := b.user[from*dim:(from+rows)*dim], s.logits[:rows*n]
		simd.Gemm(logits, n, user, dim, rows, &b.toItems, false)
		s.loss += nn.CorrectedRows(logits, b.logq, b.target[from:from+rows], scale)
		simd.Gemm(b.duser[from*dim:], dim, logits, n, rows, &b.fromItems, false)
		scaled := s.scaled[:rows*dim]
		copy(scaled, user)
		simd.Scale(float32(1/t.cfg.Temperature), scaled)
		s.packed.Pack(scaled, dim, rows, dim)
		simd.GemmTN(s.ditem, dim, logits, n, n, &s.packed, from > s.from)
	}
}
