//go:build !race

package bandit_test

const raceEnabled = false
