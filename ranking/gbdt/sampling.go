package gbdt

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
)

// Streams of the seed.
const (
	seedRows = iota + 1
	seedFeatures
	seedGOSS
	seedDrop
	seedLoss
	seedTree
)

// unit turns 64 random bits into a number in [0, 1).
func unit(bits uint64) float64 { return float64(bits>>11) * 0x1p-53 }

// sampler draws the rows and features of trees. What it draws depends on the seed, the round and
// the row alone, so that it is the same for each head and number of workers.
type sampler struct {
	cfg  *Config
	data *ranking.Dataset
	bag  []int32
	size []uint32 // scratch of GOSS
}

// rows returns those of all that the trees of a round learn from; all itself if there is no
// sampling. GOSS also multiplies gradients and hessians, output-major of n rows each.
func (s *sampler) rows(all []int32, round int, grad, hess []float32) []int32 {
	if s.cfg.GOSS.on() {
		if float64(round) < 1/s.cfg.learningRate() {
			return all
		}
		return s.goss(all, round, grad, hess)
	}
	fraction := s.cfg.RowFraction
	if fraction == 0 || fraction == 1 {
		return all
	}
	seed := hash.Combine(s.cfg.Seed, seedRows, uint64(round/orDefault(s.cfg.RowEvery, 1)))
	s.bag = s.bag[:0]
	for _, i := range all {
		key := uint64(i)
		if s.cfg.RowsByGroup {
			key = s.data.Group(int(i))
		}
		if unit(hash.Combine(seed, key)) < fraction {
			s.bag = append(s.bag, i)
		}
	}
	if len(s.bag) == 0 { // of few rows
		return all
	}
	return s.bag
}

// goss keeps the rows whose gradients are large and a sample of the others.
func (s *sampler) goss(all []int32, round int, grad, hess []float32) []int32 {
	n := s.data.Len()
	s.size = slices.Grow(s.size[:0], len(all))[:len(all)]
	for k, i := range all {
		sum := float32(0)
		for at := int(i); at < len(grad); at += n {
			sum += float32(math.Abs(float64(grad[at] * hess[at])))
		}
		s.size[k] = math.Float32bits(sum) // not negative: ordered as integers
	}
	top := max(1, int(s.cfg.GOSS.Top*float64(len(all))))
	other := max(1, int(s.cfg.GOSS.Other*float64(len(all))))
	if top+other >= len(all) {
		return all
	}
	least, ties := kthLargest(s.size, top)
	amplify := float32(float64(len(all)-top) / float64(other))
	r := rand.New(rand.NewPCG(s.cfg.Seed, hash.Combine(s.cfg.Seed, seedGOSS, uint64(round))))
	s.bag = s.bag[:0]
	rest := len(all) - top
	for k, i := range all {
		switch {
		case s.size[k] > least:
			s.bag = append(s.bag, i)
			continue
		case s.size[k] == least && ties > 0:
			ties--
			s.bag = append(s.bag, i)
			continue
		}
		// Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): exactly other of the rest.
		if r.Float64()*float64(rest) < float64(other) {
			other--
			s.bag = append(s.bag, i)
			for at := int(i); at < len(grad); at += n {
				grad[at] *= amplify
				hess[at] *= amplify
			}
		}
		rest--
	}
	return s.bag
}

// kthLargest returns the k-th largest of v, and how many that are equal to it are among the k largest.
func kthLargest(v []uint32, k int) (value uint32, ties int) {
	var high [1 << 16]int32
	for _, x := range v {
		high[x>>16]++
	}
	h := len(high) - 1
	for ; int(high[h]) < k; h-- {
		k -= int(high[h])
	}
	clear(high[h+1:])
	var low [1 << 16]int32
	for _, x := range v {
		if int(x>>16) == h {
			low[x&0xffff]++
		}
	}
	l := len(low) - 1
	for ; int(low[l]) < k; l-- {
		k -= int(low[l])
	}
	return uint32(h)<<16 | uint32(l), k
}

// features returns the features of a tree, ascending, out of all that have bins.
func (s *sampler) features(all []int32, round, output int) []int32 {
	fraction := s.cfg.FeatureFraction
	if fraction == 0 || fraction == 1 {
		return all
	}
	m := max(1, int(math.Round(fraction*float64(len(all)))))
	seed := hash.Combine(s.cfg.Seed, seedFeatures, uint64(round), uint64(output))
	r := rand.New(rand.NewPCG(s.cfg.Seed, seed))
	picked := slices.Clone(all)
	for i := range min(m, len(picked)) {
		j := i + r.IntN(len(picked)-i)
		picked[i], picked[j] = picked[j], picked[i]
	}
	picked = picked[:min(m, len(picked))]
	slices.Sort(picked)
	return picked
}

// drops returns the rounds, from 0, that DART leaves out of a round, given the weights of all
// before it. round counts those of an initial model too, for the draws.
func (c *Config) drops(round int, weights []float64) []int {
	r := rand.New(rand.NewPCG(c.Seed, hash.Combine(c.Seed, seedDrop, uint64(round))))
	if len(weights) == 0 || r.Float64() < c.SkipDrop {
		return nil
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	most := orDefault(c.MaxDrop, 50)
	n := float64(len(weights))
	rate := min(orDefault(c.DropRate, 0.1), float64(most)/n)
	var dropped []int
	for i, w := range weights {
		if r.Float64() < rate*w*n/sum && len(dropped) < most {
			dropped = append(dropped, i)
		}
	}
	return dropped
}
