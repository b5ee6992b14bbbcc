package main

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/interleave"
)

// judged is the number of the variant that is compared with greedy, number 0.
const judged = 3

// study is all variants in all worlds.
type study struct {
	o       *options
	courses [][]*course // by world, by variant
	totals  []totals    // by variant
}

// totals are means over worlds; first is the Gini index of the first window without the warm-up. Differences are from greedy in the same world.
type totals struct {
	start, first, end, growth, coverage, recall, reward, late interleave.Mean

	overHalf       interleave.Mean // growth less half of greedy's
	gain, lateGain interleave.Mean
}

// simulate plays all variants in all worlds. The result does not depend on the number of workers.
func simulate(ctx context.Context, o *options, stderr io.Writer) (*study, error) {
	s := &study{o: o, courses: make([][]*course, o.seeds)}
	progress := cli.NewProgress(stderr, "rounds", o.seeds*len(variants)*(o.Warmup+o.Rounds), nil)
	errs := make([]error, o.seeds)
	each(o.common.Workers, o.seeds, func(i int) {
		w := newWorld(o.settings, o.common.Seed+uint64(i))
		for _, v := range variants {
			c, err := w.play(ctx, v, func() { progress.Add(1) })
			if err != nil {
				errs[i] = err
				return
			}
			s.courses[i] = append(s.courses[i], c)
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	progress.Done()
	s.add()
	return s, nil
}

// each calls f for 0 to n-1, from several goroutines.
func each(workers, n int, f func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(1, min(workers, n)) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	group.Wait()
}

func (s *study) add() {
	for k := range variants {
		over := func(f func(c, greedy *course) float64) interleave.Mean {
			values := make([]float64, len(s.courses))
			for i, world := range s.courses {
				values[i] = f(world[k], world[0])
			}
			return interleave.TTest(values)
		}
		s.totals = append(s.totals, totals{
			start:    over(func(c, _ *course) float64 { return c.start }),
			first:    over(func(c, _ *course) float64 { return c.gini[min(s.o.Window, len(c.gini))-1] }),
			end:      over(func(c, _ *course) float64 { return last(c.gini) }),
			growth:   over(func(c, _ *course) float64 { return c.growth() }),
			coverage: over(func(c, _ *course) float64 { return last(c.coverage) }),
			recall:   over(func(c, _ *course) float64 { return last(c.recall) }),
			reward:   over(func(c, _ *course) float64 { return mean(c.reward) }),
			late:     over(func(c, _ *course) float64 { return c.late() }),
			overHalf: over(func(c, g *course) float64 { return c.growth() - g.growth()/2 }),
			gain:     over(func(c, g *course) float64 { return mean(c.reward) - mean(g.reward) }),
			lateGain: over(func(c, g *course) float64 { return c.late() - g.late() }),
		})
	}
}

// holds says whether exploration with weighted training kept the growth of the Gini index to half of greedy's, at no loss of reward.
func (s *study) holds() bool {
	return s.totals[judged].overHalf.Mean <= 0 && s.totals[judged].gain.Mean >= 0
}

func (c *course) growth() float64 { return last(c.gini) - c.start }

// late is the mean reward of the last quarter.
func (c *course) late() float64 { return mean(c.reward[len(c.reward)*3/4:]) }

func last(x []float64) float64 { return x[len(x)-1] }

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}
