//go:build !race

package itemknn_test

// raceEnabled says that sync.Pool drops items at random.
const raceEnabled = false
