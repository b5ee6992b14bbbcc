package main

import (
	"cmp"
	"math"
	"slices"

	"github.com/recsyskit/recsys/features/asof"
)

// history is the lane that keeps everything: the rows of each entity by event time, created and order.
func (o *options) history() (f found, note string, err error) {
	var tables [2]map[uint64][]asof.Row
	for k := range tables {
		byKey := map[uint64][]asof.Row{}
		for row := range o.rows(k, false) {
			row.Floats, row.IDs = slices.Clone(row.Floats), slices.Clone(row.IDs)
			byKey[row.Key] = append(byKey[row.Key], row)
		}
		for _, rows := range byKey {
			slices.SortStableFunc(rows, func(a, b asof.Row) int {
				return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Created, b.Created))
			})
		}
		tables[k] = byKey
	}
	for i := range o.labels {
		at, item, user := o.label(i)
		for k, key := range []uint64{item, user} {
			row := latest(tables[k][key], at, k == 0, k == 1)
			value := float32(math.NaN())
			switch {
			case row == nil:
			case k == 0 && at-row.Time > int64(ttl):
				f.expired++
			default:
				f.matched++
				value = row.Floats[0]
			}
			f.add(int64(i), k, value)
		}
	}
	return f, "", nil
}

// latest returns the last row that had happened and arrived.
func latest(rows []asof.Row, at int64, arrival, strict bool) *asof.Row {
	n, _ := slices.BinarySearchFunc(rows, at, func(r asof.Row, at int64) int {
		if r.Time < at || r.Time == at && !strict {
			return -1
		}
		return 1
	})
	for n--; n >= 0; n-- {
		if !arrival || rows[n].Created <= at {
			return &rows[n]
		}
	}
	return nil
}
