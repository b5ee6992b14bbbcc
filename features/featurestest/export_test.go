package featurestest

// CaseNames returns the names of all cases.
func CaseNames() []string {
	var names []string
	for i := range cases {
		names = append(names, cases[i].name)
	}
	return names
}
