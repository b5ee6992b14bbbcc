package retrieval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

const maxWeight = math.MaxFloat32

// acts are records by rows.
type acts struct {
	users, items []int32
	weights      []float32 // nil: 1
	times        []int64   // nil: unknown
}

func (a *acts) weight(k int32) float32 {
	if a.weights == nil {
		return 1
	}
	return a.weights[k]
}

// build sorts the acts into histories and merges them into cells. The indexes may
// hold more ids than the acts use.
func build(users index[recsys.UserID], items index[recsys.ItemID], merge Merge, a acts) (*Interactions, error) {
	x := &Interactions{users: users, items: items, merge: merge}
	order, start := a.histories(len(users.ids))
	n := len(order)
	x.histStart, x.histCell = start, make([]int32, n)
	x.byUser = CSR{
		Cols:   len(items.ids),
		Start:  make([]int64, len(start)),
		Index:  make([]int32, 0, n),
		Weight: make([]float32, 0, n),
	}
	if a.times != nil {
		x.times = make([]int64, 0, n)
	}
	var keys []uint64 // of one user: item<<32 | place in the history
	for u := range users.ids {
		history := order[start[u]:start[u+1]]
		keys = keys[:0]
		for place, k := range history {
			keys = append(keys, uint64(a.items[k])<<32|uint64(place))
		}
		if !slices.IsSorted(keys) {
			slices.Sort(keys)
		}
		if err := x.addRow(u, keys, history, &a); err != nil {
			return nil, err
		}
	}
	if x.Len() < n {
		x.byUser.Index, x.byUser.Weight = slices.Clone(x.byUser.Index), slices.Clone(x.byUser.Weight)
		x.times = slices.Clone(x.times)
		x.keepRecords(order, &a)
	} else {
		x.histStart = x.byUser.Start // equal
	}
	return x, nil
}

// histories returns the acts of each user in the order of time, those of equal
// time in the order of input: user u has order[start[u]:start[u+1]].
func (a *acts) histories(users int) (order []int32, start []int64) {
	start = make([]int64, users+1)
	order = make([]int32, len(a.users))
	next := start[1:] // shifted by one while counting, as in CSR.Transpose
	for _, u := range a.users {
		next[u]++
	}
	at := int64(0)
	for u, n := range next {
		next[u] = at
		at += n
	}
	for k, u := range a.users {
		order[next[u]] = int32(k)
		next[u]++
	}
	if a.times == nil {
		return order, start
	}
	type stamp struct {
		nano int64
		k    int32
	}
	var stamps []stamp
	for u := range users {
		history := order[start[u]:start[u+1]]
		stamps = stamps[:0]
		sorted := true
		for i, k := range history {
			sorted = sorted && (i == 0 || stamps[i-1].nano <= a.times[k])
			stamps = append(stamps, stamp{a.times[k], k})
		}
		if sorted {
			continue
		}
		// A stable sort of the history itself took 720 ns a record in all, this takes
		// 290 (BenchmarkNewInteractions).
		slices.SortFunc(stamps, func(a, b stamp) int {
			return cmp.Or(cmp.Compare(a.nano, b.nano), cmp.Compare(a.k, b.k))
		})
		for i, s := range stamps {
			history[i] = s.k
		}
	}
	return order, start
}

// addRow adds the cells of user u, whose sorted keys are item<<32 | place in the
// history. The last of equal items is the latest.
func (x *Interactions) addRow(u int, keys []uint64, history []int32, a *acts) error {
	m := &x.byUser
	for i := 0; i < len(keys); {
		item := int32(keys[i] >> 32)
		sum, last := 0.0, int32(0)
		for ; i < len(keys) && int32(keys[i]>>32) == item; i++ {
			place := uint32(keys[i])
			x.histCell[x.histStart[u]+int64(place)] = int32(len(m.Index))
			last = history[place]
			sum += float64(a.weight(last)) // exact for 2^29 equal weights
		}
		weight := float32(sum)
		if x.merge == LastWeight {
			weight = a.weight(last)
		}
		if weight > maxWeight {
			return fmt.Errorf("retrieval: user %d, item %d: the weights add up to %v; want a float32", x.users.ids[u], x.items.ids[item], sum)
		}
		m.Index, m.Weight = append(m.Index, item), append(m.Weight, weight)
		if a.times != nil {
			x.times = append(x.times, a.times[last])
		}
	}
	m.Start[u+1] = int64(len(m.Index))
	return nil
}

// keepRecords stores the weight and time of every record beside the merged ones.
func (x *Interactions) keepRecords(order []int32, a *acts) {
	x.histWeight = make([]float32, len(order))
	for h, k := range order {
		x.histWeight[h] = a.weight(k)
	}
	if a.times == nil {
		return
	}
	x.histTime = make([]int64, len(order))
	for h, k := range order {
		x.histTime[h] = a.times[k]
	}
}
