package window

import "testing"

func TestClassesHaveRoomAndNotTooMuch(t *testing.T) {
	for n := range 5000 {
		got := entriesOf(classFor(n))
		if got < n || n > 2 && 2*got > 3*n+2 {
			t.Errorf("classFor(%d) has %d entries", n, got)
		}
		got = entriesOf(tableFor(n))
		if got&(got-1) != 0 || 3*got < 4*n || got < n+1 || n > 2 && got > 3*n {
			t.Errorf("tableFor(%d) has %d entries", n, got)
		}
	}
}

func TestBlocksDoNotOverlap(t *testing.T) {
	for _, size := range []int{1, 3, 40, 1000, 5000} {
		p := newPool(size)
		var mine []uint32
		for i := range 300 {
			b := p.take()
			for j := range p.at(b) {
				p.at(b)[j] = uint64(b)
			}
			mine = append(mine, b)
			if i%3 == 2 {
				p.give(mine[0])
				mine = mine[1:]
			}
		}
		for _, b := range mine {
			for _, w := range p.at(b) {
				if w != uint64(b) {
					t.Fatalf("block %d of %d words holds %d", b, size, w)
				}
			}
		}
		if p.used > 202 {
			t.Errorf("%d blocks for 200 at once", p.used)
		}
	}
}
