package hnsw

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
)

// linker is the memory of choosing links.
type linker struct {
	walker walker
	query  query // of a candidate
	kept   []uint32
	norms  []float32 // of kept; only for inner product
	keys   []uint32
	rest   []uint32
	offers []entry
	rows   []uint32
}

// prune appends to kept links for a row, at most room in all, from candidates in
// descending order of the row's keys on float vectors: a candidate is taken if it is nearer
// to the row than to all that are taken already. If those are fewer than floor, the best of
// the others fill up to there.
//
// Source: Malkov and Yashunin, algorithm 4. Under inner product "nearer" is by angle: the
// candidates are those with the largest products, which is what a search walks along, but
// among them those in other directions are kept. By products, as other libraries compare
// them, one vector with a large norm is nearer than the row to nearly all others, so that
// rows are left with few links and items of small norm with none to them. By angle, on
// factors of the Gowalla check-ins 4 % cannot be reached, which are then attached (reach.go).
func (l *linker) prune(s *store, row uint32, kept []uint32, candidates []entry, room, floor int) []uint32 {
	byAngle := s.metric == retrieval.InnerProduct
	norm := float32(1)
	l.norms = l.norms[:0]
	if byAngle {
		norm = rowNorm(s, row)
		for _, r := range kept {
			l.norms = append(l.norms, rowNorm(s, r))
		}
	}
	l.rest = l.rest[:0]
	for _, e := range candidates {
		if len(kept) >= room {
			break
		}
		candidate := rowOf(e)
		if candidate == row || slices.Contains(kept, candidate) {
			continue
		}
		if l.covered(s, e, norm, kept) {
			l.rest = append(l.rest, candidate)
			continue
		}
		kept = append(kept, candidate)
		if byAngle {
			l.norms = append(l.norms, rowNorm(s, candidate))
		}
	}
	for _, r := range l.rest {
		if len(kept) >= floor {
			break
		}
		kept = append(kept, r)
	}
	return kept
}

// covered reports whether a candidate is nearer to one of kept than to the row, whose norm
// is given.
func (l *linker) covered(s *store, e entry, norm float32, kept []uint32) bool {
	if len(kept) == 0 {
		return false
	}
	l.query.set(s, s.vector(rowOf(e)), true)
	l.query.distances = resize(l.query.distances, len(kept))
	scores := l.query.distances
	l.query.scores(scores, kept)
	limit := keyFloat(keyOf(e))
	if s.metric == retrieval.InnerProduct {
		for i, x := range scores {
			if float32(x*norm) >= float32(limit*l.norms[i]) {
				return true
			}
		}
		return false
	}
	for _, x := range scores {
		if x >= limit {
			return true
		}
	}
	return false
}

func rowNorm(s *store, row uint32) float32 {
	v := s.vector(row)
	return float32(math.Sqrt(float64(simd.Dot(v, v))))
}

// rank fills l.offers with the rows in descending order of the row's keys.
func (l *linker) rank(s *store, row uint32, rows []uint32) {
	q := &l.query
	q.set(s, s.vector(row), true)
	l.keys = resize(l.keys, len(rows))
	q.keys(l.keys, rows)
	l.offers = l.offers[:0]
	for i, r := range rows {
		l.offers = append(l.offers, makeEntry(l.keys[i], r))
	}
	slices.Sort(l.offers)
	slices.Reverse(l.offers)
}

// exact returns the pool of the walker with keys on float vectors.
func (l *linker) exact(s *store, row uint32) []entry {
	if !l.walker.query.coded {
		return l.walker.pool
	}
	l.rows = l.rows[:0]
	for _, e := range l.walker.pool {
		l.rows = append(l.rows, rowOf(e))
	}
	l.rank(s, row, l.rows)
	return l.offers
}
