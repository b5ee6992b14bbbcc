package hnsw

import "github.com/recsyskit/recsys"

// Unreachable returns how many live rows a walk at level 0 cannot come to.
func (x *Index) Unreachable() int {
	s := x.store.Load()
	set, _ := s.reached()
	n := 0
	for row := range uint32(s.rows.Limit()) {
		if s.live(row) && set[row>>6]>>(row&63)&1 == 0 {
			n++
		}
	}
	return n
}

// Limit returns how many rows were ever in use since the index was built.
func (x *Index) Limit() int { return x.store.Load().rows.Limit() }

// Followers returns how many items have rows that follow others, as counted and as they are.
func (x *Index) Followers() (counted, are int) {
	s := x.store.Load()
	for row := range uint32(s.rows.Limit()) {
		if s.live(row) && s.isBehind(row) {
			are++
		}
	}
	return int(s.followers.Load()), are
}

// LinksToDead returns how many links of live rows lead to rows without an item.
func (x *Index) LinksToDead() int {
	s := x.store.Load()
	n := 0
	for row := range uint32(s.rows.Limit()) {
		for level := range s.level(row) + 1 {
			for _, r := range s.list(nil, row, level) {
				if s.live(row) && !s.live(r) {
					n++
				}
			}
		}
	}
	return n
}

// LevelOf returns the level that a row gets.
func LevelOf(seed uint64, m int, row uint32) int { return newLevels(seed, m).of(row) }

// Graph is what a walk sees of an index, by row.
type Graph struct {
	Entry uint32
	Hubs  []uint32
	Items []recsys.ItemID
	Links [][][]uint32 // of a row and a level
}

// Graph returns a copy of the graph.
func (x *Index) Graph() *Graph {
	s := x.store.Load()
	g := &Graph{Entry: s.entry.Load(), Hubs: s.listHubs(nil)}
	for row := range uint32(s.rows.Limit()) {
		g.Items = append(g.Items, s.rows.Item(row))
		var links [][]uint32
		for level := range s.level(row) + 1 {
			links = append(links, s.list(nil, row, level))
		}
		g.Links = append(g.Links, links)
	}
	return g
}

// Prune returns what is kept of candidates as links of a row.
func (x *Index) Prune(row uint32, candidates []uint32, room, floor int) []uint32 {
	var l linker
	s := x.store.Load()
	l.rank(s, row, candidates)
	return l.prune(s, row, nil, l.offers, room, floor)
}

// Fill returns how many links a list with room for some gets at least.
func Fill(room int) int { return fill(room) }
