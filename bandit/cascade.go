package bandit

import "errors"

// Cascade is an [Algorithm] for slates that users look at from the top until something pleases them: only what was seen is
// learned from. The first place with a reward above 0 ends what was seen: the places above it are
// observations of their rewards so far, 0, and those below it are unknown and teach nothing. A slate without reward was seen to its end. Feedback may
// come late and in any order, and rewards are >= 0: a reward further up takes back what was learned of the places below it.
//
//	bandit.Cascade{Of: bandit.UCB1{C: 1.5}}    CascadeUCB1
//	bandit.Cascade{Of: bandit.KLUCB{C: 3}}     CascadeKL-UCB
//	bandit.Cascade{Of: bandit.Thompson{}}      cascading Thompson sampling
//
// Each place is filled as Of would fill it, from the arms that are left: for upper bounds that is the order of the bounds, as in the
// paper, whose t, like here, counts slates and not observations. Thompson sampling draws anew at each place instead of once for
// the list, so that its conditional propensities are exact; see [CascadeSampler].
//
// Source: Kveton, Szepesvári, Wen and Ashkan, "Cascading Bandits: Learning to Rank in the Cascade Model", ICML 2015,
// Algorithm 1 (CascadeUCB1, CascadeKL-UCB); Zhong, Cheung and Tan, "Thompson Sampling Algorithms for Cascading Bandits", JMLR 22, 2021,
// CTS (Beta posteriors).
type Cascade struct {
	// Of is the algorithm: one without features.
	Of Algorithm
}

var _ Algorithm = Cascade{}

// Validate returns an error if Of is missing, a Cascade itself, reads features or is not valid.
func (a Cascade) Validate() error {
	if a.Of == nil {
		return errors.New("bandit: Cascade.Of is nil; want an algorithm, for example Thompson{}")
	}
	if _, reads := a.Of.(contextual); reads {
		return fieldError("Cascade.Of", a.Of, "want an algorithm without features")
	}
	if _, nested := a.Of.(Cascade); nested {
		return fieldError("Cascade.Of", a.Of, "want an algorithm that is no Cascade")
	}
	return a.Of.Validate()
}

func (a Cascade) spec() spec {
	s := a.Of.spec()
	s.version, s.cascade = "cascade/1 of "+s.version, true
	s.lo = max(s.lo, 0) // a sum of rewards must not fall to 0 again: what was seen would depend on the order of feedback
	return s
}

func (a Cascade) newLearner() learner { return &slates{learner: a.Of.newLearner()} }

func (a Cascade) choose(v *view) { a.Of.choose(v) }

// slates is a learner that takes the number of slates for that of observations.
type slates struct {
	learner
	seen float64 // slates: the first place of each is always seen
}

func (l *slates) look(v *view) {
	l.learner.look(v)
	v.t = min(v.t, l.seen) // fewer where observations fade
}

func (l *slates) add(o *outcome) {
	if o.place == 0 {
		l.seen += o.count
	}
	l.learner.add(o)
}

func (l *slates) save(e *encoder) {
	e.float(l.seen)
	l.learner.save(e)
}

func (l *slates) load(d *decoder) {
	if l.seen = d.float(); !isFinite(l.seen) {
		d.fail(errTally)
	}
	l.learner.load(d)
}
