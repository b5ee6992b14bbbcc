package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/bandit"
)

// cascade is an environment of lists that are looked at from the top until something pleases. Its regret is in
// the probability of a click.
type cascade struct {
	p      []float64
	places int
	best   float64 // the probability of a click on the best list
}

func newCascade(s *spec) (*cascade, error) {
	if err := chances("p", s.P); err != nil {
		return nil, err
	}
	if s.Places < 1 || s.Places > len(s.P) {
		return nil, fmt.Errorf("list_len is %d; want 1 to %d, the arms", s.Places, len(s.P))
	}
	p := slices.Clone(s.P)
	slices.Sort(p)
	miss := 1.0
	for _, x := range p[len(p)-s.Places:] {
		miss *= 1 - x
	}
	return &cascade{p: s.P, places: s.Places, best: 1 - miss}, nil
}

func (w *cascade) start(policy string, chance, choice *rand.Rand) (func() (float64, error), error) {
	name := strings.TrimPrefix(policy, "cascade_")
	name, anew := strings.CutSuffix(name, "_anew")
	if !strings.HasPrefix(policy, "cascade_") && policy != "random" {
		return nil, fmt.Errorf("policy %q is none for a cascade; want random, or cascade_ before a name", policy)
	}
	a, err := algorithm(name, 1.5, 3)
	if err != nil {
		return nil, err
	}
	arms, err := bandit.NewArms(bandit.Cascade{Of: a})
	if err != nil {
		return nil, err
	}
	all := make([]uint64, len(w.p))
	for i := range all {
		all[i] = uint64(i)
	}
	draw := arms.ListOnce
	if anew {
		draw = arms.List
	}
	var list []bandit.Outcome
	return func() (float64, error) {
		list = draw(list[:0], all, w.places, choice)
		miss, over := 1.0, false
		for _, o := range list {
			miss *= 1 - w.p[o.Arm]
			if over {
				continue
			}
			o.Reward = coin(w.p[o.Arm], chance)
			if err := arms.Update(o); err != nil {
				return 0, err
			}
			over = o.Reward > 0
		}
		return w.best - (1 - miss), nil
	}, nil
}
