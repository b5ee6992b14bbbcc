package main

import (
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
)

// slateColumns says what the estimators of slates read, by their names in files.
var slateColumns = []struct {
	name    string
	e       ope.SlateEstimator
	columns string
	fill    func(f *slicesFile, s *ope.Slate, id, place, row int) error
	there   func(f *slicesFile) bool
}{
	{"sips", ope.SIPS(), "pscore and eval_pscore", (*slicesFile).fillJoint, (*slicesFile).hasJoint},
	{"snsips", ope.SNSIPS(), "pscore and eval_pscore", (*slicesFile).fillJoint, (*slicesFile).hasJoint},
	{"iips", ope.IIPS(), "pscore_item_position and eval_pscore_item_position", (*slicesFile).fillPlace, (*slicesFile).hasPlace},
	{"sniips", ope.SNIIPS(), "pscore_item_position and eval_pscore_item_position", (*slicesFile).fillPlace, (*slicesFile).hasPlace},
	{"rips", ope.RIPS(), "pscore_cascade and eval_pscore_cascade", (*slicesFile).fillCascade, (*slicesFile).hasCascade},
	{"snrips", ope.SNRIPS(), "pscore_cascade and eval_pscore_cascade", (*slicesFile).fillCascade, (*slicesFile).hasCascade},
	{"cascade_dr", ope.CascadeDR(), "pscore_cascade, eval_pscore_cascade, action, eval_action_dist and q_hat", (*slicesFile).fillModel, (*slicesFile).hasModel},
}

// judgeSlates judges a file of slates.
func (o *options) judgeSlates(f *slicesFile) (*results, error) {
	if err := f.slateShape(); err != nil {
		return nil, err
	}
	names, err := f.keys("expected", f.Expected)
	if err != nil {
		return nil, err
	}
	if names == nil {
		for _, c := range slateColumns {
			names = append(names, c.name)
		}
	}
	r := &results{title: "slates of " + f.name}
	for _, name := range names {
		l := missing(name, "there is no such estimator")
		for _, c := range slateColumns {
			if c.name != name && !(name == "cascade-dr" && c.name == "cascade_dr") {
				continue
			}
			if l.why = "the file has no " + c.columns; !c.there(f) {
				break
			}
			if _, err := ope.NewSlateAccumulator(o.opt, c.e); err != nil {
				l.why = err.Error()
				break
			}
			slates, err := f.slates(c.fill)
			if err != nil {
				return nil, err
			}
			r.title = fmt.Sprintf("%d slates, %s", len(slates), f.name)
			report, err := ope.EvaluateSlates(slates, o.opt, c.e)
			if err != nil {
				return nil, err
			}
			l = line{name: name, known: true, est: report.Estimates[0]}
			r.tails = append(r.tails, tail{name, report.Diagnostics[0]})
		}
		r.lines = append(r.lines, l)
	}
	return r, nil
}

// slateShape checks that columns agree, and reads the tables.
func (f *slicesFile) slateShape() error {
	for _, c := range []struct {
		key string
		n   int
	}{
		{"slate_id", len(f.Slate)},
		{"position", len(f.Position)},
		{"pscore", len(f.Propensity)},
		{"eval_pscore", len(f.EvalJoint)},
		{"pscore_item_position", len(f.Place)},
		{"eval_pscore_item_position", len(f.EvalPlace)},
		{"pscore_cascade", len(f.Cascade)},
		{"eval_pscore_cascade", len(f.EvalCascade)},
		{"action", len(f.Action)},
	} {
		if c.n == 0 && c.key != "slate_id" {
			continue
		}
		if err := f.rows(c.key, c.n); err != nil {
			return err
		}
	}
	if !f.hasModel() {
		return nil
	}
	if err := f.decode("q_hat", f.Model, &f.modelOfPlace); err != nil {
		return err
	}
	return f.decode("eval_action_dist", f.EvalPolicy, &f.evalOfPlace)
}

func (f *slicesFile) hasJoint() bool   { return len(f.Propensity) > 0 && len(f.EvalJoint) > 0 }
func (f *slicesFile) hasPlace() bool   { return len(f.Place) > 0 && len(f.EvalPlace) > 0 }
func (f *slicesFile) hasCascade() bool { return len(f.Cascade) > 0 && len(f.EvalCascade) > 0 }

func (f *slicesFile) hasModel() bool {
	return f.hasCascade() && len(f.Action) > 0 && has(f.Model) && has(f.EvalPolicy)
}

// slates returns the slates of the file with what fill reads. The rows of a slate stand in a run, from
// the first place down.
func (f *slicesFile) slates(fill func(f *slicesFile, s *ope.Slate, id, place, row int) error) ([]ope.Slate, error) {
	var slates []ope.Slate
	seen := map[int64]bool{}
	for i, id := range f.Slate {
		if i == 0 || id != f.Slate[i-1] {
			if seen[id] {
				return nil, cli.Inputf(f.name, 0, "row %d (from 0): slate_id %d comes again after others; want the rows of a slate in a run", i, id)
			}
			seen[id] = true
			slates = append(slates, ope.Slate{})
		}
		s := &slates[len(slates)-1]
		place := len(s.Reward)
		if len(f.Position) > 0 && int(f.Position[i]) != place {
			return nil, cli.Inputf(f.name, 0, "row %d (from 0): position is %d; want %d, the places of a slate from 0 in order", i, f.Position[i], place)
		}
		s.Reward = append(s.Reward, f.Reward[i])
		if err := fill(f, s, len(slates)-1, place, i); err != nil {
			return nil, err
		}
	}
	return slates, nil
}

// fillJoint puts the probability of the whole slate at its first place.
func (f *slicesFile) fillJoint(s *ope.Slate, _, place, i int) error {
	p, t := f.Propensity[i], f.EvalJoint[i]
	if place > 0 {
		if p != f.Propensity[i-place] || t != f.EvalJoint[i-place] {
			return cli.Inputf(f.name, 0, "row %d (from 0): pscore or eval_pscore differs within slate_id %d", i, f.Slate[i])
		}
		p, t = 1, 1
	}
	s.Propensity, s.Target = append(s.Propensity, p), append(s.Target, t)
	return nil
}

func (f *slicesFile) fillPlace(s *ope.Slate, _, _, i int) error {
	s.PlacePropensity, s.PlaceTarget = append(s.PlacePropensity, f.Place[i]), append(s.PlaceTarget, f.EvalPlace[i])
	return nil
}

// fillCascade turns probabilities of beginnings of slates into those of items given what is above.
func (f *slicesFile) fillCascade(s *ope.Slate, _, place, i int) error {
	p, t := f.Cascade[i], f.EvalCascade[i]
	if place > 0 {
		p = share(p, f.Cascade[i-1])
		t = share(t, f.EvalCascade[i-1])
	}
	s.Propensity, s.Target = append(s.Propensity, p), append(s.Target, t)
	return nil
}

// share returns p/above, which rounding may have brought above 1; 0 for 0/0.
func share(p, above float64) float64 {
	if p == 0 && above == 0 {
		return 0
	}
	q := p / above
	if q > 1 && q <= 1+1e-9 {
		return 1
	}
	return q
}

func (f *slicesFile) fillModel(s *ope.Slate, id, place, i int) error {
	if err := f.fillCascade(s, id, place, i); err != nil {
		return err
	}
	if id >= len(f.modelOfPlace) || id >= len(f.evalOfPlace) || place >= len(f.modelOfPlace[id]) || place >= len(f.evalOfPlace[id]) {
		return cli.Inputf(f.name, 0, "q_hat or eval_action_dist has no entry for place %d of slate %d (from 0)", place, id)
	}
	q, pi, a := f.modelOfPlace[id][place], f.evalOfPlace[id][place], f.Action[i]
	if len(q) != len(pi) || a < 0 || int(a) >= len(q) {
		return cli.Inputf(f.name, 0, "row %d (from 0): action is %d, q_hat has %d entries there and eval_action_dist %d", i, a, len(q), len(pi))
	}
	var direct float64
	for k, x := range q {
		direct += float64(x * pi[k])
	}
	s.Model, s.Direct = append(s.Model, q[a]), append(s.Direct, direct)
	return nil
}
