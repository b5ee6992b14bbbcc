package bandittest

import "github.com/recsyskit/recsys"

// Names returns the names of all cases.
func Names() []string {
	names := make([]string, len(cases))
	for i, c := range cases {
		names[i] = c.name
	}
	return names
}

// CheckCase runs one case.
func (s Suite) CheckCase(name string, newExplorer func() recsys.Explorer) []Violation {
	for _, c := range cases {
		if c.name == name {
			return s.check(c, newExplorer)
		}
	}
	panic("no case " + name)
}

// Inside tests.
var (
	ChiSquareP = chiSquareP
	UpperGamma = upperGamma
)

// ChiSquare is chiSquare of counts and probabilities.
func ChiSquare(seen []int, p []float64, n int) (float64, int) {
	cells := make([]cell, len(seen))
	for i := range cells {
		cells[i] = cell{seen[i], p[i]}
	}
	return chiSquare(cells, n)
}
