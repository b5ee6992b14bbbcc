package rankingtest

import "github.com/recsyskit/recsys"

// Names returns the names of all cases.
func Names() []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// CheckCase runs one case.
func (s Suite) CheckCase(name string, newRanker func() recsys.Ranker) []Violation {
	for _, c := range cases {
		if c.name == name {
			found, _ := s.check(c, newRanker)
			return found
		}
	}
	panic("no case " + name)
}
