package quad

// Narrow makes panels narrower than need be.
func (s *Solver) Narrow(by float64) { s.narrow = by }

var Stirling = stirling
