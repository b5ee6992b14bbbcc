package gbdt

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
)

// CascadeLoss is what a cascade loses, and what it saves.
type CascadeLoss struct {
	Groups int // with more rows than the cutoff
	// Overlap is the mean over these groups of the share of the model's top k that is in the
	// cascade's, Worst that of the worst group.
	Overlap, Worst float64
	// Same is the share of the groups whose top k is the same list.
	Same float64
	// Cost is the number of trees that the cascade walks by the number that the model walks, over all groups.
	Cost float64
}

// Measure ranks each group of d (see [ranking.Dataset].Groups) by the model and by the cascade, and
// compares the top k by the first head; rows that tie stand in the order of d. Without a group of more
// than k rows Overlap, Worst and Same are 1. The error lists the columns that d does not have, or
// says that k is below 1.
func (c *Cascade) Measure(d *ranking.Dataset, k int) (CascadeLoss, error) {
	m := c.model
	loss := CascadeLoss{Overlap: 1, Worst: 1, Same: 1, Cost: 1}
	if k < 1 {
		return loss, fmt.Errorf("gbdt: Cascade.Measure: k is %d; want >= 1", k)
	}
	columns, err := m.locate(d)
	if err != nil {
		return loss, err
	}
	order, starts := d.GroupRows()
	s := m.pool.get()
	defer m.pool.put(s)
	var walked, all, overlap, same float64
	for g := range len(starts) - 1 {
		rows := order[starts[g]:starts[g+1]]
		n := len(rows)
		m.readGroup(s, d, columns, rows)
		out, staged := recsys.NewScores(n, len(m.heads)), recsys.NewScores(n, len(m.heads))
		m.score(s, n, out)
		c.score(s, n, nil, staged)
		for i := range m.forests {
			f := &m.forests[i]
			first := len(f.Trees[:min(c.cfg.Rounds*f.PerRound(), len(f.Trees))])
			walked += float64(n*first + c.keep(n)*(len(f.Trees)-first))
			all += float64(n * len(f.Trees))
		}
		if n <= k {
			continue
		}
		want, got := top(out, n, k), top(staged, n, k)
		hits := 0
		for _, i := range got {
			if slices.Contains(want, i) {
				hits++
			}
		}
		share := float64(hits) / float64(k)
		loss.Groups++
		loss.Worst = min(loss.Worst, share)
		overlap += share
		if slices.Equal(want, got) {
			same++
		}
	}
	if all > 0 {
		loss.Cost = walked / all
	}
	if loss.Groups > 0 {
		loss.Overlap, loss.Same = overlap/float64(loss.Groups), same/float64(loss.Groups)
	}
	return loss, nil
}

// readGroup makes s.rows of some rows of d.
func (m *Model) readGroup(s *scratch, d *ranking.Dataset, columns, rows []int32) {
	w := len(m.features)
	s.part32 = room(s.part32, len(rows)*w)
	for i, r := range rows {
		m.copyRows(s.part32[i*w:], d, columns, int(r), 1)
	}
	s.rows = engine.Rows{Floats: s.part32, Stride: w, N: len(rows), Columns: s.identity(w)}
	if len(m.missing) > 0 {
		m.replace(s, len(rows))
	}
}

// top returns the k best of n rows by the first head, best first.
func top(out recsys.Scores, n, k int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(out.Heads[b*out.Stride], out.Heads[a*out.Stride])
	})
	return order[:k]
}
