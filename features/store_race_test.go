package features_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/race"
)

// tornColumns are columns of which one write gives all the same number: 0, 1, 2, …
var tornColumns = []features.Column{
	{Name: "a", MaxAge: time.Hour},
	{Name: "id", Kind: recsys.ID},
	{Name: "b"},
	{Name: "vec", Kind: recsys.Vector, Dim: 37},
	{Name: "id2", Kind: recsys.ID},
}

func tornRow(key, version uint64) features.Row {
	v := float32(version)
	r := features.Row{
		Key: key, Time: epoch.Add(time.Duration(version) * time.Millisecond),
		Floats: []float32{v, v}, IDs: []uint64{key<<32 | version, key<<32 | version}, Vectors: make([]float32, 37),
	}
	for i := range r.Vectors {
		r.Vectors[i] = v
	}
	return r
}

// tornVersion returns the number that row i carries, and an error when it carries
// several or those of another key.
func tornVersion(b *recsys.Block, i int, key uint64) (uint64, error) {
	id := b.ID[0][i]
	v := float32(uint32(id))
	if id>>32 != key || b.ID[1][i] != id || b.FloatRow(i)[0] != v || b.FloatRow(i)[1] != v {
		return 0, fmt.Errorf("row of %d: ids %x %x, floats %v", key, id, b.ID[1][i], b.FloatRow(i))
	}
	for _, x := range b.VectorAt(0, i) {
		if x != v {
			return 0, fmt.Errorf("row of %d: version %v has vector %v", key, v, b.VectorAt(0, i))
		}
	}
	return uint64(uint32(id)), nil
}

// TestConcurrentReadersSeeNoTornRow lets writers put, delete, put late and make tables grow while
// readers look at every row: whole, of the right key, and, where nobody
// deletes, never older than one seen before. Under -race it also shows that there is no data race.
func TestConcurrentReadersSeeNoTornRow(t *testing.T) {
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			s, err := features.NewStore(features.StoreConfig{View: features.View{Name: "test", Columns: tornColumns}, Shards: shards})
			require.NoError(t, err)
			const stable, all = 150, 300 // keys below stable are never deleted
			rounds := 200
			if testing.Short() || race.Enabled {
				rounds = 60
			}
			for key := range uint64(stable) {
				_, err := s.Put(tornRow(key, 0))
				require.NoError(t, err)
			}
			var writers, readers sync.WaitGroup
			var done atomic.Bool
			for w := range 3 {
				writers.Go(func() { tornWriter(s, uint64(w), stable, all, rounds) })
			}
			failures := make(chan error, 8)
			for range 3 {
				readers.Go(func() {
					if err := tornReader(s, stable, all, &done); err != nil {
						failures <- err
					}
				})
			}
			readers.Go(func() { rangeReader(s, &done, failures) })
			writers.Wait()
			done.Store(true)
			readers.Wait()
			close(failures)
			for err := range failures {
				t.Error(err)
			}
		})
	}
}

func tornWriter(s *features.Store, seed, stable, all uint64, rounds int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for round := range rounds {
		for key := range all {
			switch {
			case key >= stable && rng.IntN(3) == 0:
				s.Delete(key)
			case rng.IntN(4) == 0:
				s.Put(tornRow(key, uint64(round/2))) // mostly late
			default:
				s.Put(tornRow(key, uint64(round)))
			}
		}
		s.Put(tornRow(all+seed*10_000+uint64(round), 1)) // tables grow
	}
}

func tornReader(s *features.Store, stable, all uint64, done *atomic.Bool) error {
	items := make([]recsys.ItemID, all)
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: epoch}, nil, "test")
	b := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	last := make([]uint64, stable)
	for end := false; !end; {
		end = done.Load() // once more when the writers have ended
		if err := s.Hydrate(context.Background(), q, items, b); err != nil {
			return err
		}
		for i := range items {
			if b.Missing.Has(i) {
				if uint64(i) < stable {
					return fmt.Errorf("row of %d is missing, and was never deleted", i)
				}
				continue
			}
			v, err := tornVersion(b, i, uint64(i))
			if err != nil {
				return err
			}
			if uint64(i) < stable {
				if v < last[i] {
					return fmt.Errorf("row of %d went back from %d to %d", i, last[i], v)
				}
				last[i] = v
			}
		}
	}
	return nil
}

func rangeReader(s *features.Store, done *atomic.Bool, failures chan<- error) {
	for !done.Load() {
		for r := range s.Range {
			v := float32(uint32(r.IDs[0]))
			if r.IDs[0]>>32 != r.Key || r.Floats[0] != v || r.Vectors[36] != v {
				failures <- fmt.Errorf("Range: row of %d: %v", r.Key, r)
				return
			}
		}
		s.Stats()
	}
}

// TestReaderHoldsBackSlots shows that a slot which a reader may look at is not used
// again while the reader is inside, and that it is afterwards.
func TestReaderHoldsBackSlots(t *testing.T) {
	s, err := features.NewStore(features.StoreConfig{View: features.View{Name: "test", Columns: tornColumns}, Shards: 1, Capacity: 10})
	require.NoError(t, err)
	version := uint64(0)
	write := func(n int) {
		for range n {
			version++
			_, err := s.Put(tornRow(1, version))
			require.NoError(t, err)
		}
	}
	write(500)
	_, used := s.Slots()
	require.Less(t, used, 100, "slots are used again when nobody reads")

	done := s.Reading()
	write(500)
	_, held := s.Slots()
	require.GreaterOrEqual(t, held, 400, "no slot is used again while a reader may look at it")

	done()
	room, _ := s.Slots()
	write(5000)
	after, _ := s.Slots()
	require.Equal(t, room, after, "slots are used again when the reader has left")
}

// TestSlotsAreRetiredAfterTheyCannotBeFound is about a reader that comes while a row is removed: it is of the epoch in which
// the slot is retired, or of an earlier one, so that the slot waits for it.
func TestSlotsAreRetiredAfterTheyCannotBeFound(t *testing.T) {
	s, err := features.NewStore(features.StoreConfig{View: features.View{Name: "test", Columns: tornColumns}, Shards: 1})
	require.NoError(t, err)
	_, err = s.Put(tornRow(1, 1))
	require.NoError(t, err)
	require.NoError(t, s.FoundTooLate(1))
}
