package flat

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
)

// entry is a row with its score.
type entry struct {
	score float32
	row   uint32
}

// best collects the k best entries by score, equal ones by the smaller item. NaN comes
// after all numbers.
//
// Few entries are kept sorted: an entry that gets in moves those behind it. Many are
// collected in a buffer that is cut down to the k best by quickselect whenever it is full,
// so that an entry costs O(1) amortised whatever k is.
type best struct {
	k       int
	rows    *retrieval.Rows
	entries []entry
	sorted  bool
	full    bool
	floor   float32 // the worst score of k entries when full, else -Inf
}

// sortedK is the largest k that is kept sorted.
const sortedK = 64

func (p *best) reset(k int, rows *retrieval.Rows) {
	p.k, p.rows = k, rows
	p.sorted = k <= sortedK
	p.full = false
	p.floor = float32(math.Inf(-1))
	need := k
	if !p.sorted {
		need += k
	}
	p.entries = slices.Grow(p.entries[:0], need)
}

// before reports whether a is better than b.
func (p *best) before(a, b entry) bool {
	if a.score != b.score {
		if a.score == a.score && b.score == b.score {
			return a.score > b.score
		}
		if a.score == a.score || b.score == b.score {
			return a.score == a.score // numbers before NaN
		}
	}
	return p.rows.Item(a.row) < p.rows.Item(b.row)
}

// add offers an entry.
func (p *best) add(score float32, row uint32) {
	switch {
	case !p.sorted:
		p.collect(entry{score, row})
	case score > p.floor && p.full:
		p.insert(entry{score, row}, len(p.entries)-1)
	case !p.full:
		p.entries = append(p.entries, entry{})
		p.insert(entry{score, row}, len(p.entries)-1)
	case score < p.floor:
	case p.before(entry{score, row}, p.entries[p.k-1]):
		p.insert(entry{score, row}, len(p.entries)-1)
	}
}

// insert puts e where it belongs among the sorted entries before place i, which it
// overwrites.
func (p *best) insert(e entry, i int) {
	list := p.entries
	for ; i > 0 && (e.score > list[i-1].score || !(e.score < list[i-1].score) && p.before(e, list[i-1])); i-- {
		list[i] = list[i-1]
	}
	list[i] = e
	if len(list) == p.k {
		p.full = true
		p.floor = list[p.k-1].score
	}
}

// collect adds e to the buffer.
func (p *best) collect(e entry) {
	if p.full && e.score < p.floor {
		return
	}
	p.entries = append(p.entries, e)
	switch {
	case len(p.entries) == p.k:
		p.full = true
		p.floor = p.entries[0].score
		for _, f := range p.entries[1:] {
			if f.score < p.floor || f.score != f.score {
				p.floor = f.score
			}
		}
	case len(p.entries) == 2*p.k:
		p.cut()
	}
}

// cut keeps the k best entries.
func (p *best) cut() {
	if len(p.entries) <= p.k {
		return
	}
	list, k := p.entries, p.k-1
	// Quickselect: the median of three goes to its place until that is place k.
	for len(list) > 12 {
		m := p.partition(list)
		switch {
		case k < m:
			list = list[:m]
		case k > m:
			list, k = list[m+1:], k-m-1
		default:
			list = nil
		}
	}
	if list != nil {
		slices.SortFunc(list, p.compare)
	}
	p.entries = p.entries[:p.k]
	p.floor = p.entries[p.k-1].score
}

func (p *best) compare(a, b entry) int {
	switch {
	case p.before(a, b):
		return -1
	case p.before(b, a):
		return 1
	}
	return 0
}

// partition moves what is better than some entry before it and the rest behind it, and
// returns its place.
func (p *best) partition(list []entry) int {
	a, b, c := 0, len(list)/2, len(list)-1
	if p.before(list[b], list[a]) {
		list[a], list[b] = list[b], list[a]
	}
	if p.before(list[c], list[b]) {
		list[b], list[c] = list[c], list[b]
		if p.before(list[b], list[a]) {
			list[a], list[b] = list[b], list[a]
		}
	}
	list[b], list[c-1] = list[c-1], list[b]
	pivot, at := list[c-1], 0
	for i := range list[:c-1] {
		if p.before(list[i], pivot) {
			list[i], list[at] = list[at], list[i]
			at++
		}
	}
	list[at], list[c-1] = list[c-1], list[at]
	return at
}

// result appends what was collected to dst, best first.
func (p *best) result(dst []retrieval.Neighbor) []retrieval.Neighbor {
	if !p.sorted {
		p.cut()
		slices.SortFunc(p.entries, p.compare)
	}
	for _, e := range p.entries {
		dst = append(dst, retrieval.Neighbor{Item: p.rows.Item(e.row), Score: e.score})
	}
	return dst
}
