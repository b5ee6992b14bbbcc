package bandit

// EXP3 draws arms by exponential weights: it assumes nothing of how rewards come about, not even that they are
// random.
//
//	P(arm) = (1-γ)·w/Σw + γ/m over the m arms that may come,    ln w ← ln w + γ·reward/(P·m)      γ: Gamma
//
// An arm without feedback has w = 1. P and m of the update are those of the place at which the arm was shown. Where arms arrive
// late their weight is that of an arm that never had a reward, so the mixture γ alone makes them known. Rewards are of
// [0, 1].
//
// Source: Auer, Cesa-Bianchi, Freund and Schapire, "The Nonstochastic Multiarmed Bandit Problem", SIAM Journal on
// Computing 32, 2002, figure 1.
type EXP3 struct {
	// Gamma is in [0, 1]. 0 means 0.1.
	Gamma float64
}

var _ Algorithm = EXP3{}

// Validate returns an error that names the field that is out of its domain.
func (a EXP3) Validate() error {
	if !(a.Gamma >= 0 && a.Gamma <= 1) {
		return fieldError("EXP3.Gamma", a.Gamma, "want > 0, at most 1 (0 means 0.1)")
	}
	return nil
}

func (a EXP3) gamma() float64 {
	if a.Gamma == 0 {
		return 0.1
	}
	return a.Gamma
}

func (a EXP3) spec() spec {
	return spec{version: version("exp3/1", "gamma", a.gamma()), hi: 1, weighted: true}
}

func (a EXP3) newLearner() learner { return &weighted{newTally(1, 0)} }

func (a EXP3) choose(v *view) {
	for i, j := range v.open {
		v.p[i] = v.s[j]
	}
	softmax(v.p, a.gamma())
	MixUniform(v.p, a.gamma())
}

// weighted is a tally of rewards divided by what made them likely.
type weighted struct{ *tally }

func (l *weighted) add(o *outcome) {
	x := *o
	x.reward /= o.propensity * float64(o.choices)
	l.tally.add(&x)
	o.tick = x.tick
}
