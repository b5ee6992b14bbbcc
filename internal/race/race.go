// Package race says whether the race detector is on. Under it sync.Pool drops
// items at random, so tests of allocation counts skip.
package race

// SkipSequential skips, under the race detector, a test in which one goroutine does the
// work: it would take ten times as long and find nothing. T is a testing.TB.
func SkipSequential(t interface {
	Helper()
	Skip(args ...any)
},
) {
	t.Helper()
	if Enabled {
		t.Skip("one goroutine: nothing for the race detector")
	}
}
