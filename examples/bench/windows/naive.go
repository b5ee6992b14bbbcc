package main

import (
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

// naive keeps the events of the last week for each key, and looks at them when it is asked.
type naive struct {
	keys   map[uint64][]event
	newest int64
}

type event struct {
	at    int64
	value float32
	kind  recsys.EventKind
}

func newNaive() *naive { return &naive{keys: map[uint64][]event{}} }

func (n *naive) add(e *window.Event) {
	n.newest = max(n.newest, e.Time)
	if e.Time < n.newest-int64(time.Minute) {
		return
	}
	list := n.keys[e.Key]
	gone := 0
	for gone < len(list) && list[gone].at < n.newest-int64(lengths[2]+granularity) {
		gone++
	}
	n.keys[e.Key] = append(list[gone:], event{e.Time, e.Value, e.Kind})
}

// read appends the columns of the declaration.
func (n *naive) read(dst []float64, key uint64, now int64) []float64 {
	var shown, clicked [3]int
	var dwell [3]float64
	begin := now / int64(granularity) * int64(granularity)
	for i := range n.keys[key] {
		e := &n.keys[key][i]
		for w, length := range lengths {
			switch {
			case e.at > now || e.at <= begin-int64(length):
			case e.kind == recsys.Click:
				clicked[w]++
				dwell[w] += float64(e.value)
			default:
				shown[w]++
			}
		}
	}
	for _, v := range shown {
		dst = append(dst, float64(v))
	}
	dst = append(dst, dwell[:]...)
	for w := range lengths {
		rate := math.NaN()
		if shown[w] > 0 {
			rate = float64(clicked[w]) / float64(shown[w])
		}
		dst = append(dst, rate)
	}
	return dst
}
