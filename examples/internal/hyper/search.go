package hyper

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// Search is a random search that closes in on the best.
type Search struct {
	Params Params
	Start  Settings          // of the first trial
	Fixed  map[string]string // parameters that keep their value in Start
	Trials int
}

// Draw returns the settings of a trial, counted from 0: first the start, then random ones, and
// in the second half random ones near the best so far.
func (s *Search) Draw(rnd *rand.Rand, trial int, best Settings) Settings {
	next := Settings{}
	near := trial > s.Trials/2
	for i := range s.Params {
		p := &s.Params[i]
		_, fixed := s.Fixed[p.Name]
		switch {
		case trial == 0 || fixed:
			next[p.Name] = s.Start[p.Name]
		case near:
			next[p.Name] = p.near(rnd, best[p.Name])
		default:
			next[p.Name] = p.random(rnd)
		}
	}
	return next
}

// random returns a value of what is searched, the default where nothing is.
func (p *Param) random(rnd *rand.Rand) string {
	switch {
	case len(p.Choices) > 0:
		return p.Choices[rnd.IntN(len(p.Choices))]
	case p.Hi > p.Lo:
		return p.at(rnd.Float64())
	}
	return p.Default
}

// near returns a value like the given one: a choice changes one time in five, a number moves
// by about a tenth of its range.
func (p *Param) near(rnd *rand.Rand, value string) string {
	switch {
	case len(p.Choices) > 0:
		if rnd.IntN(5) == 0 {
			return p.random(rnd)
		}
		return value
	case p.Hi > p.Lo:
		x, _ := strconv.ParseFloat(value, 64)
		return p.at(p.unit(x) + float64(0.1*rnd.NormFloat64()))
	}
	return value
}

// at returns the value at place t of the range, 0 its start and 1 its end, rounded to what a
// person would type.
func (p *Param) at(t float64) string {
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

// unit is the inverse of at; places outside of the range are moved to its ends.
func (p *Param) unit(x float64) float64 {
	x = min(max(x, p.Lo), p.Hi)
	if p.Log {
		return math.Log(x/p.Lo) / math.Log(p.Hi/p.Lo)
	}
	return (x - p.Lo) / (p.Hi - p.Lo)
}
