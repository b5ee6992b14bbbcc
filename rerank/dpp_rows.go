package rerank

import (
	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
)

// rowwise is the state of a greedy selection by determinants that brings all items up to date at every pick, in passes over
// memory: [columns] for any kernel. All items are added before the first pick.
type rowwise[F float32 | float64] struct {
	entries func(dst []F, p int) // kernel entries of all items with item p
	least   F

	floor []F // least of each item
	rest  []F // what the picks leave of an item, -1 for a pick
	c     []F // row q: the entries of all items of the Cholesky factor for pick q
	minus []F
	picks int
}

func (m *rowwise[F]) add(_, self F) {
	m.floor, m.rest = append(m.floor, leastOf(m.least, self)), append(m.rest, self)
}

func (m *rowwise[F]) best(rows []int32, open recsys.Bits) (at int, rest F) {
	at = -1
	for i, x := range m.rest {
		if x > rest && x >= m.floor[i] && open.Has(int(rows[i])) {
			at, rest = i, x
		}
	}
	return at, rest
}

func (m *rowwise[F]) pick(i int) {
	n := len(m.rest)
	m.c = append(m.c, m.rest...) // room for a row
	row := m.c[m.picks*n:]
	m.entries(row, i)
	m.minus = m.minus[:0]
	for q := range m.picks {
		m.minus = append(m.minus, -m.c[q*n+i])
	}
	addRows(row, m.c, n, m.minus)
	divide(m.rest, row, m.rest[i])
	m.rest[i] = -1
	m.picks++
}

// addRows computes y += aᵀ·x, with a row of a, lda elements apart, for each element of x.
func addRows[F float32 | float64](y, a []F, lda int, x []F) {
	switch y := any(y).(type) {
	case []float32:
		simd.GemvT(y, any(a).([]float32), lda, any(x).([]float32))
	case []float64:
		a := any(a).([]float64)
		for r, f := range any(x).([]float64) {
			simd.Axpy64(f, a[r*lda:r*lda+len(y)], y)
		}
	}
}

// probe is how many items a selection takes by bounds at least. After that, passes over memory do the rest if bounds spared less than three
// kernel entries in four and no more than half of the list is done: they spare ever less as a list grows, and a pass takes
// a third of the time (kernel in a matrix, float64).
const probe = 4

// bounded is a selection by bounds that goes on in passes over memory when they do not pay.
type bounded[F float32 | float64] struct {
	*determinantal[F]
	entries func(dst []F, p int)
	self    []F
	rows    *rowwise[F] // nil: bounds do
}

func (m *bounded[F]) add(base, self F) {
	m.determinantal.add(base, self)
	m.self = append(m.self, self)
}

func (m *bounded[F]) best(rows []int32, open recsys.Bits) (at int, rest F) {
	if m.rows != nil {
		return m.rows.best(rows, open)
	}
	return m.determinantal.best(rows, open)
}

func (m *bounded[F]) pick(i int) {
	if m.rows != nil {
		m.rows.pick(i)
		return
	}
	m.determinantal.pick(i)
	if t := len(m.picks); t < probe || m.entered < t*len(m.self)/4 || m.stride < 2*t {
		return
	}
	m.rows = &rowwise[F]{entries: m.entries, least: m.least, c: make([]F, 0, len(m.self)*m.stride)}
	for _, self := range m.self {
		m.rows.add(0, self)
	}
	for _, p := range m.picks {
		m.rows.pick(int(p))
	}
	m.determinantal = nil
}
