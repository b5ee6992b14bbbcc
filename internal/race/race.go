// Package race says whether the race detector is on. Under it sync.Pool drops
// items at random, so tests of allocation counts skip.
package race
