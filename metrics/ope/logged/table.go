package logged

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
)

// table is the candidate table of a record, and the order that its explorer chose from.
type table struct {
	c     *recsys.Candidates
	q     *recsys.Query
	order []int32
	slate []int32
}

// restore makes the table of x.
func restore(x *recsys.Exposure) (*table, error) {
	n := len(x.Rows)
	if n != x.Candidates {
		return nil, fmt.Errorf("%w: it holds %d of %d candidates; log with recsys.LogFull", recsys.ErrPartialRecord, n, x.Candidates)
	}
	if x.Level != recsys.LogFull && hasVectors(x.Schema) {
		return nil, fmt.Errorf("%w: level %v holds no vector columns; log with recsys.LogFull", recsys.ErrPartialRecord, x.Level)
	}
	rows := make([]*recsys.ExposureRow, n)
	items := make([]recsys.ItemID, n)
	for i := range x.Rows {
		r := &x.Rows[i]
		if r.Row < 0 || r.Row >= n || rows[r.Row] != nil {
			return nil, fmt.Errorf("%w: row %d is doubled or missing among %d", recsys.ErrPartialRecord, r.Row, n)
		}
		rows[r.Row], items[r.Row] = r, r.Item
	}
	t := &table{c: recsys.NewCandidates(x.Schema, items)}
	for i, r := range rows {
		t.fill(i, r)
		t.order = append(t.order, int32(i))
	}
	// The order of a pipeline: by utility, then by item.
	slices.SortStableFunc(t.order, func(a, b int32) int {
		ra, rb := rows[a], rows[b]
		switch {
		case ra.Utility > rb.Utility:
			return -1
		case ra.Utility < rb.Utility:
			return 1
		case ra.Item < rb.Item:
			return -1
		case ra.Item > rb.Item:
			return 1
		}
		return 0
	})
	for i := range x.Shown {
		t.slate = append(t.slate, int32(x.Rows[i].Row))
	}
	t.q = recsys.NewQuery(&recsys.Request{
		ID: x.ID, User: x.User, Surface: x.Surface, K: x.K, Now: x.Now, Seed: x.Seed, Items: x.Items,
		History: x.History, Exclude: x.Exclude, Allow: x.Allow, Arms: x.Arms,
	}, x.Schema, x.Explorer)
	copy(t.q.Floats(), x.Floats)
	copy(t.q.IDs(), x.IDs)
	for i, v := range x.Vectors {
		copy(t.q.Vector(i), v)
	}
	return t, nil
}

// fill writes row i. Lengths have been checked by the reader of the log.
func (t *table) fill(i int, r *recsys.ExposureRow) {
	c := t.c
	copy(c.Row(i), r.Floats)
	for j, id := range r.IDs {
		c.IDColumn(j)[i] = id
	}
	for j, v := range r.Vectors {
		copy(c.Vector(j, i), v)
	}
	copy(c.HeadRow(i), r.Heads)
	c.Scores()[i], c.Utility()[i], c.MergeScores()[i] = r.Score, r.Utility, r.Merged
	for g := range groups(c.Schema()) {
		if r.Missing>>uint(g)&1 == 0 {
			c.Missing(g).Clear(i)
		}
		if r.Stale>>uint(g)&1 != 0 {
			c.Stale(g).Set(i)
		}
	}
}

// groups returns the number of groups of the schema's columns.
func groups(s *recsys.Schema) int {
	n := 0
	for _, f := range s.Fields() {
		n = max(n, f.Group+1)
	}
	return n
}

func hasVectors(s *recsys.Schema) bool {
	if s == nil {
		return false
	}
	return slices.ContainsFunc(s.Fields(), func(f recsys.Field) bool { return f.Kind == recsys.Vector })
}
