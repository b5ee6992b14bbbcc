package features_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/recsyskit/recsys/features"
)

// vocabularyKeys are a million strings of 24 bytes.
func vocabularyKeys() []string {
	out := make([]string, 1_000_000)
	for i := range out {
		out[i] = fmt.Sprintf("item-%019d", i*7_000_003)
	}
	return out
}

// The comparison is the map that a service would write, behind its lock.
func BenchmarkVocabularyID(b *testing.B) {
	all := vocabularyKeys()
	for _, n := range []int{10_000, len(all)} {
		names := all[:n]
		v := filledVocabulary(b, names)
		var mu sync.RWMutex
		m := make(map[string]uint64, n)
		for id, s := range names {
			m[s] = uint64(id)
		}
		for _, impl := range []struct {
			name string
			id   func(string) (uint64, bool)
		}{
			{"vocabulary", v.ID},
			{"map", func(s string) (uint64, bool) {
				mu.RLock()
				defer mu.RUnlock()
				id, ok := m[s]
				return id, ok
			}},
		} {
			b.Run(fmt.Sprintf("n=%d/impl=%s", n, impl.name), func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); {
						if _, ok := impl.id(names[i]); !ok {
							b.Error("unknown")
						}
						if i += 7919; i >= n {
							i -= n
						}
					}
				})
			})
		}
	}
}

func BenchmarkVocabularyAdd(b *testing.B) {
	names := vocabularyKeys()
	b.Run("n=1M", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var v *features.Vocabulary
		for b.Loop() {
			v = filledVocabulary(b, names)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(names)), "ns/string")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(names)), "kept-B/string")
		runtime.KeepAlive(v)
	})
}
