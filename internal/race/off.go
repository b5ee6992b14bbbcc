//go:build !race

package race

// Enabled is false: the program was built without -race.
const Enabled = false
