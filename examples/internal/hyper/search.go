package hyper

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Search proposes settings of a model's parameters, each time given what the earlier ones were
// worth: the tree-structured Parzen estimator of Bergstra, Bardenet, Bengio and Kégl (NIPS
// 2011, section 4), one parameter at a time.
//
// The first trial is the defaults. Some trials follow that cover the range of each parameter
// evenly (a Latin hypercube: McKay, Beckman and Conover, Technometrics 1979). From then on the
// best quarter of the trials makes a density over the range of each parameter, the others a second
// one; of a few settings drawn from the first, the one is tried next that is the likeliest
// under the first against the second.
type Search struct {
	rnd     *rand.Rand
	params  Params
	fixed   Settings // values of parameters that are not searched
	free    []int    // parameters that are
	strata  [][]int  // by free parameter: the order in which its range is covered
	trials  []trial
	started int
}

// trial is what was tried.
type trial struct {
	settings Settings
	place    []float64 // by free parameter: in [0, 1], or the number of a choice
	score    float64   // NaN: it failed
}

const (
	goodShare  = 0.25 // of the trials make the first density
	candidates = 24   // are drawn from it
	leastWidth = 0.05 // of a kernel, in parts of the range
)

// NewSearch returns a search of the parameters that are not given, from their values in
// start, in about n trials.
func NewSearch(rnd *rand.Rand, params Params, start Settings, given map[string]string, n int) *Search {
	s := &Search{rnd: rnd, params: params, fixed: start}
	for i := range params {
		p := &params[i]
		if _, is := given[p.Name]; !is && !p.Still && (len(p.Choices) > 0 || p.Hi > p.Lo) {
			s.free = append(s.free, i)
		}
	}
	s.started = min(max(4, n/3), 4*len(s.free)+4)
	for range s.free {
		s.strata = append(s.strata, rnd.Perm(s.started))
	}
	return s
}

// Next returns the settings to try.
func (s *Search) Next() Settings {
	const attempts = 20
	var drawn Settings
	for range attempts {
		if drawn = s.draw(); !slices.ContainsFunc(s.trials, func(t trial) bool { return s.same(t.settings, drawn) }) {
			break
		}
	}
	return drawn
}

// same reports whether two settings differ in nothing that is searched.
func (s *Search) same(a, b Settings) bool {
	return !slices.ContainsFunc(s.free, func(i int) bool { return a[s.params[i].Name] != b[s.params[i].Name] })
}

// Tell notes what settings were worth, NaN when they failed.
func (s *Search) Tell(x Settings, score float64) {
	t := trial{settings: x, score: score}
	for _, i := range s.free {
		t.place = append(t.place, s.params[i].placeOf(x[s.params[i].Name]))
	}
	s.trials = append(s.trials, t)
}

func (s *Search) draw() Settings {
	n := len(s.trials)
	if n == 0 {
		return s.fixed
	}
	if n <= s.started {
		return s.with(func(k int) float64 {
			p := &s.params[s.free[k]]
			t := (float64(s.strata[k][n-1]) + s.rnd.Float64()) / float64(s.started)
			if c := len(p.Choices); c > 0 {
				return float64(min(int(t*float64(c)), c-1))
			}
			return t
		})
	}
	good, bad := s.split()
	var best []float64
	bestRatio := math.Inf(-1)
	for range candidates {
		place := make([]float64, len(s.free))
		ratio := 0.0
		for k, i := range s.free {
			p := &s.params[i]
			place[k] = s.from(good, k, p)
			ratio += math.Log(density(good, k, p, place[k])) - math.Log(density(bad, k, p, place[k]))
		}
		if ratio > bestRatio {
			best, bestRatio = place, ratio
		}
	}
	return s.with(func(k int) float64 { return best[k] })
}

// with returns settings whose free parameters are at the given places.
func (s *Search) with(place func(k int) float64) Settings {
	x := Settings{}
	for name, value := range s.fixed {
		x[name] = value
	}
	for k, i := range s.free {
		x[s.params[i].Name] = s.params[i].at(place(k))
	}
	return x
}

// split parts the trials into the best quarter, two at least, and the others.
func (s *Search) split() (good, bad []trial) {
	order := slices.Clone(s.trials)
	slices.SortStableFunc(order, func(a, b trial) int { // failures, which are NaN, last
		if c := cmp.Compare(b.score, a.score); a.score == a.score && b.score == b.score || c == 0 {
			return c
		}
		if a.score != a.score {
			return 1
		}
		return -1
	})
	n := min(max(2, int(math.Ceil(goodShare*float64(len(order))))), len(order))
	return order[:n], order[n:]
}

// from draws a place of parameter k from the density of the trials.
func (s *Search) from(trials []trial, k int, p *Param) float64 {
	pick := s.rnd.IntN(len(trials) + 1)
	if pick == len(trials) || len(p.Choices) > 0 && s.rnd.IntN(len(trials)+len(p.Choices)) < len(p.Choices) {
		return p.anywhere(s.rnd) // the prior
	}
	if len(p.Choices) > 0 {
		return trials[pick].place[k]
	}
	for {
		if t := trials[pick].place[k] + float64(width(trials)*s.rnd.NormFloat64()); t >= 0 && t <= 1 {
			return t
		}
	}
}

// density is that of the trials for parameter k at a place: a Gaussian on each trial, or its
// choice, and an even prior worth one trial.
func density(trials []trial, k int, p *Param, at float64) float64 {
	if c := float64(len(p.Choices)); c > 0 {
		n := 0.0
		for i := range trials {
			if trials[i].place[k] == at {
				n++
			}
		}
		return (n + 1/c) / (float64(len(trials)) + 1)
	}
	sum, h := 1.0, width(trials)
	for i := range trials {
		m := trials[i].place[k]
		z := (at - m) / h
		inside := (math.Erf((1-m)/(h*math.Sqrt2)) + math.Erf(m/(h*math.Sqrt2))) / 2 // of the range
		sum += math.Exp(-z*z/2) / (h * math.Sqrt(2*math.Pi) * inside)
	}
	return sum / float64(len(trials)+1)
}

// width is the standard deviation of a kernel.
func width(trials []trial) float64 {
	return max(leastWidth, 0.3*math.Pow(float64(len(trials)), -0.25))
}

// anywhere returns a random place.
func (p *Param) anywhere(rnd *rand.Rand) float64 {
	if n := len(p.Choices); n > 0 {
		return float64(rnd.IntN(n))
	}
	return rnd.Float64()
}

// at returns the value at a place: the choice of that number, or in the range, 0 its start and 1
// its end, rounded to what a person would type.
func (p *Param) at(t float64) string {
	if len(p.Choices) > 0 {
		return p.Choices[int(t)]
	}
	t = min(max(t, 0), 1)
	x := p.Lo + float64(t*(p.Hi-p.Lo))
	if p.Log {
		x = p.Lo * math.Pow(p.Hi/p.Lo, t)
	}
	if p.Integer {
		return strconv.Itoa(int(math.Round(x)))
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// placeOf is the inverse of at; what lies outside of the range is moved to its ends.
func (p *Param) placeOf(value string) float64 {
	if len(p.Choices) > 0 {
		return float64(max(slices.Index(p.Choices, value), 0))
	}
	x, _ := strconv.ParseFloat(value, 64)
	x = min(max(x, p.Lo), p.Hi)
	if p.Log {
		return math.Log(x/p.Lo) / math.Log(p.Hi/p.Lo)
	}
	return (x - p.Lo) / (p.Hi - p.Lo)
}
