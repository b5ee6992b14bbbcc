//go:build !race

package recsys_test

const raceEnabled = false
