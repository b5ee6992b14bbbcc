package encode

// table finds codes: an index of open addressing over a list in ascending order.
type table struct {
	codes []uint64
	at    []int32 // position in codes; -1: empty
}

// newTable returns the table of codes, which are all different.
func newTable(codes []uint64) table {
	if len(codes) == 0 {
		return table{}
	}
	size := 4
	for size < 2*len(codes) {
		size *= 2
	}
	t := table{codes: codes, at: make([]int32, size)}
	for i := range t.at {
		t.at[i] = -1
	}
	for i, code := range codes {
		p := t.slot(code)
		for t.at[p] >= 0 {
			p = (p + 1) & (size - 1)
		}
		t.at[p] = int32(i)
	}
	return t
}

// slot spreads codes over the table: the upper half of a multiplication by 2^64/phi, folded down.
func (t *table) slot(code uint64) int {
	h := code * 0x9e3779b97f4a7c15
	return int(h^h>>32) & (len(t.at) - 1)
}

// find returns the position of code, or -1.
func (t *table) find(code uint64) int32 {
	if len(t.at) == 0 {
		return -1
	}
	for p := t.slot(code); ; p = (p + 1) & (len(t.at) - 1) {
		i := t.at[p]
		if i < 0 || t.codes[i] == code {
			return i
		}
	}
}
