package window

import "math/bits"

// pool hands out blocks of words of one size, from pages without pointers. Blocks never
// move, pages are never given back: a block that is given back is taken again.
type pool struct {
	size  int  // words of a block
	shift uint // log2 of the blocks of a page
	pages [][]uint64
	used  uint32
	free  []uint32
}

// pageWords is about how many words a page has.
const pageWords = 1024

func newPool(size int) pool {
	p := pool{size: size}
	for size<<(p.shift+1) <= pageWords {
		p.shift++
	}
	return p
}

// at returns block i.
func (p *pool) at(i uint32) []uint64 {
	from := int(i&(1<<p.shift-1)) * p.size
	return p.pages[i>>p.shift][from : from+p.size : from+p.size]
}

// take returns a block of undefined contents.
func (p *pool) take() uint32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	if p.used>>p.shift == uint32(len(p.pages)) {
		p.pages = append(p.pages, make([]uint64, p.size<<p.shift))
	}
	p.used++
	return p.used - 1
}

func (p *pool) give(i uint32) { p.free = append(p.free, i) }

// bytes returns the memory of the pool.
func (p *pool) bytes() int64 {
	return int64(len(p.pages))*int64(p.size<<p.shift)*8 + int64(cap(p.free))*4
}

// classes is pools of blocks with 2, 3, 4, 6, 8, 12 … entries.
type classes struct {
	stride int
	pools  []pool
}

func (c *classes) pool(class int) *pool {
	for len(c.pools) <= class {
		c.pools = append(c.pools, newPool(c.stride*entriesOf(len(c.pools))))
	}
	return &c.pools[class]
}

// at returns the block that a word of a record names.
func (c *classes) at(ref uint64) []uint64 { return c.pools[ref>>32].at(uint32(ref)) }

func (c *classes) take(class int) uint64 { return uint64(class)<<32 | uint64(c.pool(class).take()) }

func (c *classes) give(ref uint64) { c.pools[ref>>32].give(uint32(ref)) }

func (c *classes) bytes() (n int64) {
	for i := range c.pools {
		n += c.pools[i].bytes()
	}
	return n
}

// noRef is the reference of a record that has no block.
const noRef = ^uint64(0)

// entriesOf returns how many entries a block of the class has.
func entriesOf(class int) int { return (2 + class&1) << (class >> 1) }

// classFor returns the class of the smallest blocks with room for n entries.
func classFor(n int) int {
	class := 2 * max(bits.Len(uint(n))-2, 0)
	for entriesOf(class) < n {
		class++
	}
	return class
}

// tableFor returns the class of the smallest blocks that have 2^c entries, room for n and
// half as many again.
func tableFor(n int) int { return 2 * (bits.Len(uint(max(n+n/2, 2))) - 1) }
