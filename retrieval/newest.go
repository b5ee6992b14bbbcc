package retrieval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// NewestConfig configures [Newest]. The zero value proposes items of any age.
type NewestConfig struct {
	// Horizon is the age from which items are not proposed, measured from Request.Now; 0
	// means that there is none.
	Horizon time.Duration
}

// Newest proposes the items by the time of their publication, the latest first: what no
// model can know yet. Items published after Request.Now are not out yet and are not
// proposed, so that a replay of the past sees what was there. If Now is zero, as outside
// of a pipeline, all are proposed.
//
// The score of an item is the share of items that were published no later than it, in
// (0, 1]; it does not change with Request.Now. Scores of items of different times differ as
// long as there are fewer than 2^23 items.
//
// It is immutable and safe for concurrent use, takes about 24 bytes per item and
// allocates nothing. A request takes time in proportion to the candidates it takes and
// those that it excludes.
type Newest struct {
	horizon time.Duration
	items   itemindex.Index
	times   []int64   // by position of the item, Unix nanoseconds
	scores  []float32 // by position
	order   []int32   // positions, newest first, then by ID
	version string
}

var (
	_ Retriever        = (*Newest)(nil)
	_ ItemScorer       = (*Newest)(nil)
	_ recsys.Versioned = (*Newest)(nil)
)

// NewNewest returns a retriever of the items, item i published at published[i]. Items of
// unknown (zero) time are left out. It keeps neither slice. It fails if the lengths differ,
// an item is there twice, or a time is outside of the years 1678 to 2261.
func NewNewest(items []recsys.ItemID, published []time.Time, cfg NewestConfig) (*Newest, error) {
	if len(items) != len(published) {
		return nil, fmt.Errorf("retrieval: NewNewest of %d items and %d times; want as many", len(items), len(published))
	}
	if cfg.Horizon < 0 {
		return nil, fmt.Errorf("retrieval: NewestConfig.Horizon is %v; want >= 0 (0 means none)", cfg.Horizon)
	}
	type dated struct {
		id   recsys.ItemID
		time int64
	}
	known := make([]dated, 0, len(items))
	for i, t := range published {
		if t.IsZero() {
			continue
		}
		if y := t.UTC().Year(); y < 1678 || y > 2261 {
			return nil, fmt.Errorf("retrieval: item %d was published in %d; want 1678 to 2261", items[i], y)
		}
		known = append(known, dated{items[i], t.UnixNano()})
	}
	slices.SortFunc(known, func(a, b dated) int { return cmp.Compare(a.id, b.id) })
	n := &Newest{horizon: cfg.Horizon}
	ids := make([]recsys.ItemID, len(known))
	for i, d := range known {
		ids[i] = d.id
		n.times, n.order = append(n.times, d.time), append(n.order, int32(i))
	}
	var err error
	if n.items, err = itemindex.New(ids); err != nil {
		return nil, fmt.Errorf("retrieval: NewNewest: %w", err)
	}
	slices.SortStableFunc(n.order, func(a, b int32) int { return cmp.Compare(n.times[b], n.times[a]) })
	n.scores = make([]float32, len(ids))
	for rank, at := range n.order {
		share := float64(len(ids)-rank) / float64(len(ids))
		if rank > 0 && n.times[n.order[rank-1]] == n.times[at] {
			n.scores[at] = n.scores[n.order[rank-1]]
			continue
		}
		n.scores[at] = float32(share)
	}
	h := hash.Combine(0, uint64(cfg.Horizon))
	for _, d := range known {
		h = hash.Combine(h, uint64(d.id), uint64(d.time))
	}
	n.version = fmt.Sprintf("newest-%016x", h)
	return n, nil
}

// window returns the times, in Unix nanoseconds, that are out and within the horizon:
// above from, up to to.
func (n *Newest) window(q *recsys.Query) (from, to int64) {
	const first, last = -1 << 63, 1<<63 - 1
	if q.Now.IsZero() {
		return first, last
	}
	to = q.Now.UnixNano()
	if from = to - int64(n.horizon); n.horizon == 0 || from > to {
		from = first
	}
	return from, to
}

// Retrieve adds the items that are out, newest first, those of the same time by ID. It does
// not look at ctx.
func (n *Newest) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	from, to := n.window(q)
	start, _ := slices.BinarySearchFunc(n.order, to, func(at int32, to int64) int {
		if n.times[at] > to {
			return -1
		}
		return 1
	})
	ids := n.items.IDs()
	for _, at := range n.order[start:] {
		if n.times[at] <= from || !out.Add(ids[at], n.scores[at]) {
			break
		}
	}
	return nil
}

// ScoreItems writes the score of each item, 0 for items that are unknown, not out yet or
// beyond the horizon.
func (n *Newest) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	from, to := n.window(q)
	for i, id := range items {
		dst[i] = 0
		if at := n.items.Find(id); at >= 0 && n.times[at] > from && n.times[at] <= to {
			dst[i] = n.scores[at]
		}
	}
	return nil
}

// Version returns a hash of the items, their times and the horizon.
func (n *Newest) Version() string { return n.version }
