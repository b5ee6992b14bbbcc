package debias

// Examination is the probability that a user looks at each place, from the top, relative to
// place 0, which has 1. Values are in [0, 1] where they are estimated well; noise may lift
// one above.
type Examination []float64

// Clipped returns a copy whose values are brought into [floor, 1]: for losses that take probabilities, such as
// gbdt.Objective.Examination. NaN becomes floor.
func (e Examination) Clipped(floor float64) Examination {
	out := make(Examination, len(e))
	for k, p := range e {
		if out[k] = floor; p > floor {
			out[k] = min(p, 1)
		}
	}
	return out
}

func (e Examination) relative() (Examination, error) {
	top := e[0]
	if !(top > 0) {
		return nil, &CountError{-1, "there is no click at position 0, so nothing to compare with"}
	}
	for k := range e {
		e[k] /= top
	}
	return e, nil
}
