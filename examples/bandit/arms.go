package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/recsyskit/recsys/bandit"
)

// armed is an environment of arms that reward by chance.
type armed struct {
	phases    [][]float64 // means, each for some rounds, in turn
	period    int
	delay     int
	batch     int
	available []int // nil: all arms are there from the start
}

func newArmed(s *spec) (*armed, error) {
	w := &armed{phases: s.Phases, period: s.Period, delay: s.Delay, batch: s.Batch, available: s.Available}
	if len(w.phases) == 0 {
		w.phases, w.period = [][]float64{s.P}, 1
		if err := chances("p", s.P); err != nil {
			return nil, err
		}
	}
	for i, p := range w.phases {
		if err := chances(fmt.Sprintf("p_phases[%d]", i), p); err != nil {
			return nil, err
		}
		if len(p) != len(w.phases[0]) {
			return nil, fmt.Errorf("p_phases[%d] has %d arms; want %d as p_phases[0]", i, len(p), len(w.phases[0]))
		}
	}
	if w.period < 1 || w.delay < 0 || w.batch < 0 {
		return nil, fmt.Errorf("period is %d, delay_rounds %d, batch %d; want numbers >= 0, and a period >= 1 of phases", w.period, w.delay, w.batch)
	}
	if len(w.available) == 0 {
		return w, nil
	}
	first := 1
	for _, round := range w.available {
		first = min(first, round)
	}
	if len(w.available) != len(w.phases[0]) || first > 0 {
		return nil, fmt.Errorf("arm_available_after_round is %v; want a number for each of %d arms, 0 for one at least", w.available, len(w.phases[0]))
	}
	return w, nil
}

func (w *armed) start(policy string, chance, choice *rand.Rand) (func() (float64, error), error) {
	a, err := algorithm(policy, 0, 0)
	if err != nil {
		return nil, err
	}
	arms, err := bandit.NewArms(a)
	if err != nil {
		return nil, err
	}
	r := &armedRun{world: w, arms: arms, chance: chance, choice: choice}
	return r.round, nil
}

// armedRun is a run in an armed environment.
type armedRun struct {
	world          *armed
	arms           *bandit.Arms
	chance, choice *rand.Rand

	done    int      // rounds
	known   []uint64 // arms that are there
	pick    []bandit.Outcome
	pending []bandit.Outcome // what the policy has not seen yet
}

func (r *armedRun) round() (float64, error) {
	w := r.world
	means := w.phases[r.done/w.period%len(w.phases)]
	best := 0.0
	r.known = r.known[:0]
	for i, m := range means {
		if w.available == nil || r.done >= w.available[i] {
			r.known = append(r.known, uint64(i))
			best = max(best, m)
		}
	}
	r.pick = r.arms.List(r.pick[:0], r.known, 1, r.choice)
	o := r.pick[0]
	o.Reward = coin(means[o.Arm], r.chance)
	r.pending = append(r.pending, o)
	r.done++
	return best - means[o.Arm], r.learn()
}

// learn lets the policy see what it may see by now.
func (r *armedRun) learn() error {
	if r.world.batch > 0 && r.done%r.world.batch != 0 {
		return nil
	}
	seen := max(len(r.pending)-r.world.delay, 0)
	for _, o := range r.pending[:seen] {
		if err := r.arms.Update(o); err != nil {
			return err
		}
	}
	r.pending = r.pending[:copy(r.pending, r.pending[seen:])]
	return nil
}
