package featurestest

import "github.com/recsyskit/recsys"

// CaseNames returns the names of all cases.
func CaseNames() []string {
	var names []string
	for i := range cases {
		names = append(names, cases[i].name)
	}
	return names
}

// CheckCase checks one case.
func CheckCase(name string, source recsys.FeatureSource, config Config) (violations []Violation, skipped string) {
	for i := range cases {
		if cases[i].name == name {
			return cases[i].check(source, config)
		}
	}
	panic("no case " + name)
}

// StoreCaseNames returns the names of all cases of online stores.
func StoreCaseNames() []string {
	var names []string
	for i := range storeCases {
		names = append(names, storeCases[i].name)
	}
	return names
}
