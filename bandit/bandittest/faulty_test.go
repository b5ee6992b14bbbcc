package bandittest_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// naive is a plain and correct Plackett–Luce explorer; each field makes it wrong in one
// way.
type naive struct {
	temperature float64

	weigh   func(c *recsys.Candidates, s *recsys.Slate, t float64) []float64 // instead of softmax
	seed    func(q *recsys.Query) uint64                                     // instead of q.Rand
	log     func(p []float64, row int, s *recsys.Slate, q *recsys.Query) float64
	before  func(ctx context.Context, c *recsys.Candidates, s *recsys.Slate) error
	after   func(s *recsys.Slate) error
	judging func(p []float64, row int) float64
	loose   bool // the judge does not stop at an impossible place
}

// softmax returns the probability of each row.
func softmax(c *recsys.Candidates, s *recsys.Slate, t float64) []float64 {
	return softmaxOf(c.Utility(), s.Admissible(), t)
}

func softmaxOf(u []float32, admissible recsys.Bits, t float64) []float64 {
	p := make([]float64, len(u))
	best := math.Inf(-1)
	for i := range u {
		if admissible.Has(i) {
			best = max(best, float64(u[i]))
		}
	}
	sum := 0.0
	for i := range u {
		if admissible.Has(i) {
			p[i] = 1
			if float64(u[i]) != best {
				p[i] = math.Exp((float64(u[i]) - best) / t)
			}
			sum += p[i]
		}
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func (e naive) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	if e.before != nil {
		if err := e.before(ctx, c, s); err != nil {
			return err
		}
	}
	src := q.Rand()
	if e.seed != nil {
		src.Seed(e.seed(q), 1)
	}
	weigh := softmax
	if e.weigh != nil {
		weigh = e.weigh
	}
	for s.Next() {
		p := weigh(c, s, e.temperature)
		row := pick(p, rand.New(&src).Float64())
		logged := p[row]
		if e.log != nil {
			logged = e.log(p, row, s, q)
		}
		s.Pick(int32(row), logged)
	}
	if e.after != nil {
		return e.after(s)
	}
	return nil
}

func (e naive) Propensities(_ context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	clear(dst)
	for i, row := range slate {
		if !s.Next() || row < 0 || int(row) >= c.Len() {
			return nil
		}
		if !s.Admissible().Has(int(row)) {
			if e.loose {
				continue
			}
			return nil
		}
		p := softmax(c, s, e.temperature)
		if dst[i] = p[row]; e.judging != nil {
			dst[i] = e.judging(p, int(row))
		}
		if dst[i] == 0 {
			return nil
		}
		s.Pick(row, dst[i])
	}
	return nil
}

// pick inverts the distribution function.
func pick(p []float64, u float64) int {
	row := -1
	for i, x := range p {
		if x > 0 {
			row = i
			if u -= x; u < 0 {
				break
			}
		}
	}
	return row
}

// unpicked is the set of rows that are not in the slate, whatever the constraints say.
func unpicked(c *recsys.Candidates, s *recsys.Slate) recsys.Bits {
	b := recsys.MakeBits(c.Len())
	b.SetFirst(c.Len())
	for _, row := range s.Rows() {
		b.Clear(int(row))
	}
	return b
}

const temperature = 0.5

func correct() recsys.Explorer { return naive{temperature: temperature} }

// logsUnconstrained draws right and logs the propensity that a row has without constraints.
func logsUnconstrained() recsys.Explorer {
	return recsys.ExplorerFunc(func(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		return naive{temperature: temperature, log: func(_ []float64, row int, s *recsys.Slate, _ *recsys.Query) float64 {
			return softmaxOf(c.Utility(), unpicked(c, s), temperature)[row]
		}}.Explore(ctx, q, c, s)
	})
}

// claimsCertainty draws and logs 1, as if the slate were the greedy one.
func claimsCertainty() recsys.Explorer {
	return naive{temperature: temperature, log: func([]float64, int, *recsys.Slate, *recsys.Query) float64 { return 1 }}
}

// gumbelOnce perturbs all utilities once, takes the best admissible row at each place,
// and logs what would be right if no row were ever re-admitted.
func gumbelOnce() recsys.Explorer {
	return recsys.ExplorerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		src := q.Rand()
		rng := rand.New(&src)
		noisy := make([]float64, c.Len())
		for i, u := range c.Utility() {
			noisy[i] = float64(u)/temperature - math.Log(rng.ExpFloat64())
		}
		for s.Next() {
			best := -1
			for i := range noisy {
				if s.Admissible().Has(i) && (best < 0 || noisy[i] > noisy[best]) {
					best = i
				}
			}
			s.Pick(int32(best), softmax(c, s, temperature)[best])
		}
		return nil
	})
}

// drawsUniformly draws each row with the same probability and logs the softmax.
func drawsUniformly() recsys.Explorer {
	return recsys.ExplorerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		src := q.Rand()
		rng := rand.New(&src)
		for s.Next() {
			p := softmax(c, s, temperature)
			flat := softmax(c, s, math.Inf(1))
			row := pick(flat, rng.Float64())
			s.Pick(int32(row), p[row])
		}
		return nil
	})
}

// oneNumber draws one uniform number for all places: the first place is right.
func oneNumber() recsys.Explorer {
	return recsys.ExplorerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		src := q.Rand()
		u := rand.New(&src).Float64()
		for s.Next() {
			p := softmax(c, s, temperature)
			row := pick(p, u)
			s.Pick(int32(row), p[row])
		}
		return nil
	})
}

// ownSeeds draws from a generator that it shares among calls.
func ownSeeds() recsys.Explorer {
	var calls atomic.Uint64
	return naive{temperature: temperature, seed: func(*recsys.Query) uint64 { return calls.Add(1) }}
}

// overflows takes exponentials of utilities as they are.
func overflows() recsys.Explorer {
	return naive{temperature: temperature, weigh: func(c *recsys.Candidates, s *recsys.Slate, t float64) []float64 {
		p := make([]float64, c.Len())
		sum := 0.0
		for i, u := range c.Utility() {
			if s.Admissible().Has(i) {
				p[i] = math.Exp(float64(u) / t)
				sum += p[i]
			}
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}}
}

// byScore reads the wrong column.
func byScore() recsys.Explorer {
	return naive{temperature: temperature, weigh: func(c *recsys.Candidates, s *recsys.Slate, t float64) []float64 {
		return softmaxOf(c.Scores(), s.Admissible(), t)
	}}
}

// sortsTheOrder rearranges what is not its own.
func sortsTheOrder() recsys.Explorer {
	return naive{temperature: temperature, before: func(_ context.Context, _ *recsys.Candidates, s *recsys.Slate) error {
		slices.Sort(s.Order())
		return nil
	}}
}

// marksPicked writes into the table.
func marksPicked() recsys.Explorer {
	return naive{temperature: temperature, before: func(_ context.Context, c *recsys.Candidates, _ *recsys.Slate) error {
		if c.Len() > 0 {
			c.Row(0)[0]++
		}
		return nil
	}}
}

// sharesScratch keeps the best row of a place in memory that calls share.
func sharesScratch() recsys.Explorer {
	var mu sync.Mutex // against the race detector; the fault is another
	var best int32
	return recsys.ExplorerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		for s.Next() {
			mu.Lock()
			best = s.Best()
			mu.Unlock()
			runtime.Gosched()
			mu.Lock()
			row := best
			mu.Unlock()
			s.Pick(row, 1)
		}
		return nil
	})
}

// cachesUtilities uses the utilities of its first call as long as they are many enough.
func cachesUtilities() recsys.Explorer {
	var mu sync.Mutex
	var first []float32
	return naive{temperature: temperature, weigh: func(c *recsys.Candidates, s *recsys.Slate, t float64) []float64 {
		mu.Lock()
		defer mu.Unlock()
		if len(first) < c.Len() {
			first = slices.Clone(c.Utility())
		}
		return softmaxOf(first[:c.Len()], s.Admissible(), t)
	}}
}

// hidesCancellation returns an error that does not wrap ctx.Err().
func hidesCancellation() recsys.Explorer {
	return naive{temperature: temperature, before: func(ctx context.Context, _ *recsys.Candidates, _ *recsys.Slate) error {
		if ctx.Err() != nil {
			return errors.New("gave up")
		}
		return nil
	}}
}

// failsShort takes a dead end for an error.
func failsShort() recsys.Explorer {
	return naive{temperature: temperature, after: func(s *recsys.Slate) error {
		if len(s.Rows()) < s.K {
			return errors.New("slate is short")
		}
		return nil
	}}
}

// noisyLog logs a propensity that depends on the seed, as an estimate by simulation would.
func noisyLog() recsys.Explorer {
	return naive{temperature: temperature, log: func(p []float64, row int, _ *recsys.Slate, q *recsys.Query) float64 {
		return p[row] * (1 - float64(q.Seed%7)*1e-4)
	}}
}

// logsTemperature draws at one temperature and logs another.
func logsTemperature(logged float64) recsys.Explorer {
	return recsys.ExplorerFunc(func(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		return naive{temperature: temperature, log: func(_ []float64, row int, s *recsys.Slate, _ *recsys.Query) float64 {
			return softmax(c, s, logged)[row]
		}}.Explore(ctx, q, c, s)
	})
}

// estimating draws right and logs estimates: scale times the probability, of the given standard error.
func estimating(scale, se float64) recsys.Explorer {
	return recsys.ExplorerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		src := q.Rand()
		rng := rand.New(&src)
		for s.Next() {
			p := softmax(c, s, temperature)
			row := pick(p, rng.Float64())
			s.PickEstimated(int32(row), min(scale*p[row], 1), se)
		}
		return s.Err()
	})
}
