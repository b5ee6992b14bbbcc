//go:build !race

package bandittest

const raceEnabled = false
