package ope

import "math"

// The domains of a row, as errors name them.
const (
	wantFinite      = "finite"
	wantPropensity  = "in (0, 1]"
	wantProbability = "in [0, 1]"
	wantSum         = "probabilities >= 0 that sum to 1"
	wantWeight      = "finite and >= 0"
	wantRatio       = "not so small that a weight overflows"
	wantStratum     = "in [0, 65536)"
)

// check returns the error of the row's first value outside its domain.
func (r *Row) check(row int, n needs) error {
	switch {
	case !finite(r.Reward):
		return &RowError{row, "Reward", r.Reward, wantFinite}
	case !(r.Propensity > 0 && r.Propensity <= 1):
		return &RowError{row, "Propensity", r.Propensity, wantPropensity}
	case !(r.Target >= 0 && r.Target <= 1):
		return &RowError{row, "Target", r.Target, wantProbability}
	case !finite(r.Target / r.Propensity):
		return &RowError{row, "Propensity", r.Propensity, wantRatio}
	case !(r.Unsupported >= 0 && r.Unsupported <= 1):
		return &RowError{row, "Unsupported", r.Unsupported, wantProbability}
	case n.model && !finite(r.Model):
		return &RowError{row, "Model", r.Model, wantFinite}
	case n.model && !finite(r.Direct):
		return &RowError{row, "Direct", r.Direct, wantFinite}
	case n.mixed && !(r.Average > 0 && r.Average <= 1):
		return &RowError{row, "Average", r.Average, wantPropensity}
	case n.mixed && !finite(r.Target/r.Average):
		return &RowError{row, "Average", r.Average, wantRatio}
	case n.strata && !(r.Stratum >= 0 && r.Stratum < maxStrata):
		return &RowError{row, "Stratum", float64(r.Stratum), wantStratum}
	}
	return nil
}

// unsupported returns the mass that the target policy puts where the logging policy could not
// go: what the row says, and all but the logged action when that was certain.
func (r *Row) unsupported() float64 {
	if r.Propensity == 1 {
		return max(r.Unsupported, 1-r.Target)
	}
	return r.Unsupported
}

// matched is 1 when the target policy takes the logged action with certainty.
func matched(target float64) float64 {
	if target == 1 {
		return 1
	}
	return 0
}

// bad returns the error of row i of the log, which holds a value outside its domain; nil if
// it does not.
func (l *Log[F]) bad(i int, n needs) error {
	if l.Context != nil && (l.Context[i] < 0 || int(l.Context[i]) >= l.contexts()) {
		return &RowError{i, "Context", float64(l.Context[i]), "a row of Target"}
	}
	if l.Action[i] < 0 || int(l.Action[i]) >= l.Actions {
		return &RowError{i, "Action", float64(l.Action[i]), "in [0, Actions)"}
	}
	at := l.at(i)
	a := int(l.Action[i])
	r := Row{Reward: float64(l.Reward[i]), Propensity: float64(l.Propensity[i]), Target: float64(l.Target[at+a])}
	if n.model {
		r.Model = float64(l.Model[at+a])
	}
	if n.mixed {
		r.Average = float64(l.Average[i])
	}
	if n.strata {
		r.Stratum = int(l.Stratum[i])
	}
	if err := r.check(i, n); err != nil {
		return err
	}
	if l.Weight != nil && !(l.Weight[i] >= 0 && finite(float64(l.Weight[i]))) {
		return &RowError{i, "Weight", float64(l.Weight[i]), wantWeight}
	}
	if n.model {
		if err := l.badModel(i, at); err != nil {
			return err
		}
	}
	return l.badLogger(i, at)
}

// badModel returns the error of the tables that the direct method reads.
func (l *Log[F]) badModel(i, at int) error {
	for _, q := range l.Model[at : at+l.Actions] {
		if !finite(float64(q)) {
			return &RowError{i, "Model", float64(q), wantFinite}
		}
	}
	return l.badTarget(i, at)
}

// badTarget returns the error of a row of the target's table.
func (l *Log[F]) badTarget(i, at int) error {
	return badDistribution(i, "Target", l.Target[at:at+l.Actions])
}

// badLogger returns the error of the logging policy's table.
func (l *Log[F]) badLogger(i, at int) error {
	if l.Logger == nil || l.Weight != nil {
		return nil
	}
	if p := float64(l.Logger[at+int(l.Action[i])]); p == 0 {
		return &RowError{i, "Logger", p, "above 0 for the action that was taken"}
	}
	if err := badDistribution(i, "Logger", l.Logger[at:at+l.Actions]); err != nil {
		return err
	}
	return l.badTarget(i, at)
}

// badDistribution returns the error of a row of probabilities, of decision i.
func badDistribution[F Float](i int, field string, row []F) error {
	var total float64
	for _, p := range row {
		if !(p >= 0 && p <= 1) {
			return &RowError{i, field, float64(p), wantSum}
		}
		total += float64(p)
	}
	if !(math.Abs(total-1) <= sumTolerance) {
		return &RowError{i, field, total, wantSum}
	}
	return nil
}

// at returns where the context of row i begins in the tables.
func (l *Log[F]) at(i int) int {
	if l.Context != nil {
		i = int(l.Context[i])
	}
	return i * l.Actions
}
