package asof

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
)

// SamplerConfig says what a [Sampler] draws from.
type SamplerConfig struct {
	// Items is the catalogue; required, each once.
	Items []recsys.ItemID
	// Counts says how often each item was taken, >= 0. What was never taken counts as taken
	// once, or no model would learn of it. Nil: all once.
	Counts []int64
	// Alpha in [0, 1]: an item is drawn in proportion to its count to this power. The default is 0, all alike; 1 is as often as it
	// was taken, and 0.75 lies between (Mikolov et al., NIPS 2013, who found it by trial for words).
	Alpha float64
	// Draws is how many negatives to draw for a positive. The default is 4.
	Draws int
	// Seed decides what is drawn, with the number of the example.
	Seed uint64
}

// Negative is an item that was drawn. An item drawn several times is one negative.
type Negative struct {
	Item recsys.ItemID
	// Draws is how many of the draws gave it.
	Draws int
	// Probability is that of one draw giving the item, given that the excluded ones never come.
	Probability float64
	// Weight is Draws / (all draws × Probability): the correction that a trainer needs. In a loss
	// that is a sum over items (logistic, BPR) the negative's term is multiplied by it: the sum over the negatives is then, in
	// expectation, the sum over all items that are not excluded. In a softmax over the positive and
	// its negatives log(Weight) is added to the negative's logit: the sum of exponentials is then that of all items that
	// are not excluded, in expectation, which is the importance sampling of Bengio and Senécal, IEEE Transactions on Neural
	// Networks 2008.
	Weight float32
}

// Sampler draws negatives, with replacement. It is immutable and safe for concurrent use.
//
// What is drawn for an example depends on the seed and the example's number alone, so that any division of the work
// gives the same. Probabilities are ratios of integers and exact.
//
// A draw takes O(log e + log n) time, O(log e) in the mean, with e excluded items, and an example O(e log n) more. Nothing is allocated
// for up to 64 of them where dst has room. An item takes about 30 bytes.
type Sampler struct {
	items  []recsys.ItemID // ascending
	upto   []uint64        // the weights of the items before and of this one
	guide  []int32         // by u >> shift: the first item that it may be
	shift  uint
	counts []uint64 // what in-batch negatives are drawn by; nil: all 1
	taken  uint64   // sum of counts
	draws  int
	seed   uint64
}

// weightBits is how fine the weights of items are, as powers of counts: relative to the mean to this many bits, so that a
// catalogue of 2^24 items fits.
const weightBits = 38

// NewSampler returns a sampler. The error names the field that is wrong.
func NewSampler(cfg SamplerConfig) (*Sampler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Sampler{draws: cmp.Or(cfg.Draws, 4), seed: cfg.Seed}
	order := make([]int, len(cfg.Items))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(cfg.Items[a], cfg.Items[b]) })
	count := func(i int) uint64 {
		if cfg.Counts == nil {
			return 1
		}
		return uint64(max(cfg.Counts[i], 1))
	}
	powers, total := make([]float64, len(order)), 0.0
	for k, i := range order {
		if k > 0 && cfg.Items[i] == s.items[k-1] {
			return nil, fmt.Errorf("asof: SamplerConfig.Items has item %d twice", cfg.Items[i])
		}
		s.items = append(s.items, cfg.Items[i])
		s.counts = append(s.counts, count(i))
		if over := s.taken+count(i) < s.taken; over {
			return nil, errors.New("asof: SamplerConfig.Counts: the sum is 2^64 or more")
		}
		s.taken += count(i)
		powers[k] = 1
		if cfg.Alpha > 0 {
			powers[k] = fmath.Pow(float64(count(i)), cfg.Alpha)
		}
		total += powers[k]
	}
	s.weigh(powers, total)
	return s, nil
}

func (cfg *SamplerConfig) check() error {
	switch {
	case len(cfg.Items) == 0 || len(cfg.Items) > 1<<24:
		return fmt.Errorf("asof: SamplerConfig.Items has %d items; want 1 to %d", len(cfg.Items), 1<<24)
	case cfg.Counts != nil && len(cfg.Counts) != len(cfg.Items):
		return fmt.Errorf("asof: SamplerConfig.Counts has %d values for %d items; want one for each, or none", len(cfg.Counts), len(cfg.Items))
	case !(cfg.Alpha >= 0 && cfg.Alpha <= 1):
		return fmt.Errorf("asof: SamplerConfig.Alpha is %v; want 0 to 1", cfg.Alpha)
	case cfg.Draws < 0:
		return fmt.Errorf("asof: SamplerConfig.Draws is %d; want >= 0 (0 means 4)", cfg.Draws)
	}
	for i, n := range cfg.Counts {
		if n < 0 {
			return fmt.Errorf("asof: SamplerConfig.Counts[%d] is %d; want >= 0", i, n)
		}
	}
	return nil
}

// weigh makes integers of the powers, and the guide: which item is the first that a number may mean (Chen and
// Asau, AIIE Transactions 1974).
func (s *Sampler) weigh(powers []float64, total float64) {
	mean := total / float64(len(powers))
	s.upto = make([]uint64, len(powers))
	sum := uint64(0)
	for k, p := range powers {
		sum += max(1, uint64(math.Round(float64(p/mean)*(1<<weightBits))))
		s.upto[k] = sum
	}
	s.shift = uint(max(bits.Len64(sum)-bits.Len(uint(len(powers))), 0))
	s.guide = make([]int32, sum>>s.shift+2)
	k := 0
	for g := range s.guide {
		for k < len(s.upto)-1 && s.upto[k] <= uint64(g)<<s.shift {
			k++
		}
		s.guide[g] = int32(k)
	}
}

// weight returns how often item k of all is drawn, in parts of the sum.
func (s *Sampler) weight(k int) uint64 {
	if k == 0 {
		return s.upto[0]
	}
	return s.upto[k] - s.upto[k-1]
}

// at returns the item that u, less than the sum, means.
func (s *Sampler) at(u uint64) int {
	g := u >> s.shift
	from, to := int(s.guide[g]), int(s.guide[g+1])
	// upto[to] is more than (g+1) << shift, or to is the last.
	k, _ := slices.BinarySearchFunc(s.upto[from:to], u, func(upto, u uint64) int {
		if upto <= u {
			return -1
		}
		return 1
	})
	return from + k
}

// Len returns the number of items.
func (s *Sampler) Len() int { return len(s.items) }

// Draw appends the negatives of example number to dst, in the order of their items, and returns it. Excluded items
// never come: give the positive itself and what the user took or was shown, in any order, repeated or not, whether or not they are
// in the catalogue. When all are excluded nothing is appended.
func (s *Sampler) Draw(dst []Negative, number uint64, exclude []recsys.ItemID) []Negative {
	var places [fewExcluded]int32
	var holes [fewExcluded]hole
	out := s.holes(holes[:0], s.places(places[:0], exclude))
	left := s.upto[len(s.upto)-1]
	if len(out) > 0 {
		left -= out[len(out)-1].upto
	}
	if left == 0 {
		return dst
	}
	rng := rand.NewPCG(s.seed, hash.Combine(drawSeed, number))
	first := len(dst)
	for range s.draws {
		k := s.skip(below(rng, left), out)
		dst = append(dst, Negative{Item: s.items[k], Draws: 1, Probability: float64(s.weight(k)) / float64(left)})
	}
	return append(dst[:first], merge(dst[first:], s.draws)...)
}

// fewExcluded is how many excluded items need no memory of their own.
const fewExcluded = 64

// drawSeed sets the stream of this package apart from others of one seed.
const drawSeed = 0x61736f662e6e6567

// places appends the positions of the items that are in the catalogue, ascending, each once.
func (s *Sampler) places(dst []int32, items []recsys.ItemID) []int32 {
	for _, item := range items {
		if k, ok := slices.BinarySearch(s.items, item); ok {
			dst = append(dst, int32(k))
		}
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}

// hole is an excluded item.
type hole struct {
	from uint64 // where it would begin if what is excluded before it were not there
	upto uint64 // the weights of the excluded items up to this one
}

// holes appends a hole for each place; places ascend.
func (s *Sampler) holes(dst []hole, places []int32) []hole {
	sum := uint64(0)
	for _, k := range places {
		w := s.weight(int(k))
		dst = append(dst, hole{s.upto[k] - w - sum, sum + w})
		sum += w
	}
	return dst
}

// skip returns the item that u means when those of out are not there.
func (s *Sampler) skip(u uint64, out []hole) int {
	k, _ := slices.BinarySearchFunc(out, u, func(h hole, u uint64) int {
		if h.from <= u {
			return -1
		}
		return 1
	})
	if k > 0 {
		u += out[k-1].upto
	}
	return s.at(u)
}

// below returns a number below n, all alike: Lemire, ACM Transactions on Modeling and Computer Simulation 2019. It is
// rand.Rand.Uint64N without the allocation of a Rand.
func below(rng *rand.PCG, n uint64) uint64 {
	hi, lo := bits.Mul64(rng.Uint64(), n)
	if lo < n {
		for least := -n % n; lo < least; {
			hi, lo = bits.Mul64(rng.Uint64(), n)
		}
	}
	return hi
}

// merge sorts negatives by item, makes one of those of one item, and weighs them as of so many draws.
func merge(list []Negative, draws int) []Negative {
	slices.SortFunc(list, func(a, b Negative) int { return cmp.Compare(a.Item, b.Item) })
	n := 0
	for _, a := range list {
		if n > 0 && list[n-1].Item == a.Item {
			list[n-1].Draws++
			continue
		}
		list[n] = a
		n++
	}
	list = list[:n]
	for i := range list {
		a := &list[i]
		a.Weight = float32(float64(a.Draws) / (float64(draws) * a.Probability))
	}
	return list
}

// InBatch appends the other items of a batch as negatives to dst, in the order of the items, and returns it: what was
// taken in the batch was drawn in proportion to how often it is taken, whatever Alpha is. Excluded items, among them the positive itself,
// do not come. Weights are right as far as the batch is a random sample of what was taken: a
// batch of one hour or one user is not. An item that is not in the catalogue is an error.
//
// Source: Yi et al., RecSys 2019, of whose correction log(Weight) is the like, with the excluded items left out of the
// probability.
func (s *Sampler) InBatch(dst []Negative, batch, exclude []recsys.ItemID) ([]Negative, error) {
	var places [fewExcluded]int32
	out := s.places(places[:0], exclude)
	left := s.taken
	for _, k := range out {
		left -= s.counts[k]
	}
	first := len(dst)
	for _, item := range batch {
		k, ok := slices.BinarySearch(s.items, item)
		if !ok {
			return dst[:first], fmt.Errorf("asof: item %d of the batch is not in the sampler's catalogue", item)
		}
		if _, ok := slices.BinarySearch(out, int32(k)); !ok {
			dst = append(dst, Negative{Item: item, Draws: 1, Probability: float64(s.counts[k]) / float64(left)})
		}
	}
	return append(dst[:first], merge(dst[first:], len(dst)-first)...), nil
}
