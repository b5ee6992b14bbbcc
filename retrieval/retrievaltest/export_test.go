package retrievaltest

import "github.com/recsyskit/recsys"

// CheckCase runs the cases of one name only: some of the faults are races when other cases
// call them.
func (s Suite) CheckCase(name string, r recsys.Retriever) (found []Violation) {
	for _, c := range cases {
		if c.name == name && s.skips(c, r) == "" {
			v, _ := s.check(c, r)
			found = append(found, v...)
		}
	}
	return found
}

// CaseNames returns the names of all cases.
func CaseNames() (names []string) {
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// CheckCase runs one case only.
func (s IndexSuite) CheckCase(name string, build BuildIndex) (found []Violation) {
	for _, c := range indexCases {
		if c.name == name && s.skips(c, build) == "" {
			v, _ := s.check(c, build)
			found = append(found, v...)
		}
	}
	return found
}

// IndexCaseNames returns the names of all cases of an index.
func IndexCaseNames() (names []string) {
	for _, c := range indexCases {
		names = append(names, c.name)
	}
	return names
}
