package flat

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// New returns an index of items[i] with the vector vectors.Row(i). It copies both. It fails
// with [retrieval.ErrNotFinite] when a vector has a NaN or an infinity,
// [retrieval.ErrDuplicate] when an item appears twice, and [retrieval.ErrDimension] when
// vectors.Dim is not from 1 to 131,071; there may be no rows. A configuration out of its
// domain is an error that names every field. The index does not depend on the order of the
// items.
//
// It takes O(n log n + n·d) time.
func New(cfg Config, items []recsys.ItemID, vectors vector.Matrix) (*Index, error) {
	set, err := cfg.check(vectors.Dim)
	if err != nil {
		return nil, err
	}
	if len(items) != vectors.Rows {
		return nil, fmt.Errorf("flat: %d items with %d vectors: %w", len(items), vectors.Rows, retrieval.ErrDimension)
	}
	if len(items) > math.MaxInt32 {
		return nil, fmt.Errorf("flat: %d items; want at most %d: %w", len(items), math.MaxInt32, retrieval.ErrFull)
	}
	if err := checkInput(items, vectors); err != nil {
		return nil, err
	}
	main := newSegment(set, len(items))
	unsorted := make([]float32, len(items))
	parallel(cfg.Workers, len(items), 256, func(i int) { unsorted[i] = storedNorm(set, vectors.Row(i)) })
	order := orderRows(set, unsorted, items)
	parallel(cfg.Workers, main.blocks(), 1, func(b int) {
		start, end := main.starts[b], main.starts[b+1]
		for row := start; row < end; row++ {
			store(set, main.vector(row), vectors.Row(int(order[row])))
			main.norms[row] = code8.Norm(main.vector(row))
		}
		main.sealBlock(b)
	})
	rows, err := retrieval.NewRows(len(order), func(row int) recsys.ItemID { return items[order[row]] })
	if err != nil {
		return nil, err
	}
	x := new(Index)
	return x, x.replace(newEpoch(rows, main), nil)
}

// checkInput looks for what cannot be stored.
func checkInput(items []recsys.ItemID, vectors vector.Matrix) error {
	if err := vectors.Check(); err != nil {
		if bad, ok := err.(*vector.NonFiniteError); ok {
			return fmt.Errorf("flat: item %d, row %d has %v in column %d: %w", items[bad.Row], bad.Row, bad.Value, bad.Column, retrieval.ErrNotFinite)
		}
		return fmt.Errorf("flat: %w: %w", err, retrieval.ErrDimension)
	}
	byItem := make([]int32, len(items))
	for i := range byItem {
		byItem[i] = int32(i)
	}
	slices.SortFunc(byItem, func(a, b int32) int { return cmp.Or(cmp.Compare(items[a], items[b]), cmp.Compare(a, b)) })
	for i := 1; i < len(byItem); i++ {
		if a, b := byItem[i-1], byItem[i]; items[a] == items[b] {
			return fmt.Errorf("flat: item %d at rows %d and %d: %w", items[a], a, b, retrieval.ErrDuplicate)
		}
	}
	return nil
}

// store copies a vector as the metric wants it.
func store(set settings, dst, src []float32) {
	copy(dst, src)
	if set.Metric == retrieval.Cosine {
		vector.Normalize(dst)
	}
}

// storedNorm is a norm to order rows by.
func storedNorm(set settings, v []float32) float32 {
	if !set.byNorm() {
		return 0
	}
	return code8.Norm(v)
}

// orderRows returns the rows by descending norm, equal norms by the smaller item.
func orderRows(set settings, norms []float32, items []recsys.ItemID) []uint32 {
	keys := make([]uint64, len(norms))
	for i, v := range norms {
		keys[i] = normKey(v, uint32(i))
	}
	slices.Sort(keys)
	order := make([]uint32, len(keys))
	for i, key := range keys {
		order[i] = uint32(key)
	}
	for i := 0; i < len(keys); {
		j := i + 1
		for j < len(keys) && keys[j]>>32 == keys[i]>>32 {
			j++
		}
		if j-i > 1 {
			slices.SortFunc(order[i:j], func(a, b uint32) int { return cmp.Compare(items[a], items[b]) })
		}
		i = j
	}
	return order
}

// parallel calls do for 0 to n-1, each once, on so many workers, 0 meaning all cores; grain
// calls at a time are one worker's.
func parallel(workers, n, grain int, do func(i int)) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	work := func() {
		for {
			at := int(next.Add(int64(grain))) - grain
			if at >= n {
				return
			}
			for i := at; i < min(at+grain, n); i++ {
				do(i)
			}
		}
	}
	var wg sync.WaitGroup
	for range min(workers, (n+grain-1)/grain) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
