//go:build race

package retrieval_test

// raceEnabled says that sync.Pool drops items at random.
const raceEnabled = true
