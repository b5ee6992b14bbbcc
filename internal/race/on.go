//go:build race

package race

// Enabled is true: the program was built with -race.
const Enabled = true
