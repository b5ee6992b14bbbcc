package featurestest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// Fault is a rule that a [Memory] breaks.
type Fault int

// The faults.
const (
	NoFault       Fault = iota
	LateWins            // a late row is stored
	FirstWins           // of two rows with the same event time the first one counts
	TakesFuture         // a row of the future is stored
	HalfBatch           // the rows before a wrong one are stored
	ForgetsTTL          // rows never expire
	EarlyTTL            // a row is missing at exactly the TTL
	NeverStale          // no bit, no policy
	ServesStale         // the bit is set and View.Stale does not matter
	NoAge               // ages are not known
	NoDefault           // NaN is served as it is
	KeepsRows           // the memory of rows that are given is kept
	LendsRows           // rows that are returned are the store's own
	TearsRows           // a row is read in two steps
	Miscounts           // late rows count as stored
	IgnoresItem         // a pair's row is that of the user
	WrapsNoCancel       // the error of a cancelled call is another one
	WrongColumns        // the Age column is not declared
	Silent              // keys without a row read as zeros
	UndatedWins         // a row without event time replaces one that has one
	Backwards           // Lookup returns rows in reverse
)

// Memory is a plain [features.OnlineStore] in a map, for tests of what writes to a store or reads from one; with a
// Fault, for tests of how that fails. It is safe for concurrent use.
type Memory struct {
	view  features.View
	fault Fault
	made  *features.Rows
	mu    *sync.Mutex
	rows  map[uint64]features.Row
	keys  features.Keys
}

// NewMemory returns an empty store, or the errors of View.Validate.
func NewMemory(v features.View, f Fault) (*Memory, error) {
	made, err := features.NewRows(&v)
	if err != nil {
		return nil, err
	}
	keys, _ := v.Keys(nil)
	if v.Entity == features.Context {
		keys = features.Keys{}
	}
	return &Memory{view: v, fault: f, made: made, mu: new(sync.Mutex), rows: map[uint64]features.Row{}, keys: keys}, nil
}

var _ features.OnlineStore = (*Memory)(nil)

// View returns the definition.
func (m *Memory) View() *features.View { return &m.view }

// Columns returns the served columns.
func (m *Memory) Columns() []recsys.Column {
	if m.fault == WrongColumns {
		return m.view.Stored()
	}
	return m.view.Served()
}

// WritesAges returns true.
func (m *Memory) WritesAges() bool { return true }

// FeatureViews returns the view.
func (m *Memory) FeatureViews() []recsys.FeatureView {
	return []recsys.FeatureView{m.view.FeatureView()}
}

// Bind finds the column of the keys, for the entity Context.
func (m *Memory) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	b := *m
	var err error
	b.keys, err = m.view.Keys(s)
	return &b, err
}

// PutBatch stores rows.
func (m *Memory) PutBatch(ctx context.Context, rows []features.Row) (w features.Written, err error) {
	if err := m.cancelled(ctx); err != nil {
		return w, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range rows {
		if err := m.made.Check(&rows[i]); err != nil {
			if m.fault == HalfBatch {
				for _, r := range rows[:i] {
					m.put(r, &w)
				}
			}
			return features.Written{}, fmt.Errorf("rows[%d]: %w", i, err)
		}
	}
	for _, r := range rows {
		m.put(r, &w)
	}
	return w, nil
}

func (m *Memory) cancelled(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	if m.fault == WrapsNoCancel {
		return fmt.Errorf("featurestest: not now")
	}
	return fmt.Errorf("featurestest: %w", ctx.Err())
}

func (m *Memory) put(r features.Row, w *features.Written) {
	old, there := m.rows[r.Key]
	late := there && r.Time.Before(old.Time)
	switch {
	case m.fault != TakesFuture && r.Time.After(time.Now().Add(m.view.Tolerance())):
		w.Future++
		return
	case late && m.fault == Miscounts:
		w.Stored++
		return
	case late && m.fault != LateWins && !(m.fault == UndatedWins && r.Time.IsZero()):
		w.Late++
		return
	}
	w.Stored++
	if m.fault == FirstWins && there && r.Time.Equal(old.Time) {
		return
	}
	if m.fault != KeepsRows {
		r = cloneRow(r)
	}
	m.rows[r.Key] = r
}

func cloneRow(r features.Row) features.Row {
	r.Floats, r.IDs, r.Vectors = slices.Clone(r.Floats), slices.Clone(r.IDs), slices.Clone(r.Vectors)
	return r
}

// Lookup returns copies of rows.
func (m *Memory) Lookup(ctx context.Context, keys []uint64, dst []features.Row) ([]features.Row, error) {
	if err := m.cancelled(ctx); err != nil {
		return dst, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		if r, ok := m.rows[key]; ok {
			if m.fault != LendsRows {
				r = cloneRow(r)
			}
			dst = append(dst, r)
		}
	}
	if m.fault == Backwards {
		slices.Reverse(dst)
	}
	return dst, nil
}

// Hydrate writes rows, their ages and bits.
func (m *Memory) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if err := m.cancelled(ctx); err != nil {
		return err
	}
	keys := m.keys.Append(nil, q, items)
	if m.fault == IgnoresItem && m.view.Entity == features.UserItem {
		for i := range keys {
			keys[i] = uint64(q.User)
		}
	}
	for i, key := range keys {
		m.mu.Lock()
		r, ok := m.rows[key]
		r = cloneRow(r)
		m.mu.Unlock()
		if m.fault == TearsRows && len(r.Vectors) > 0 {
			m.mu.Lock()
			r.Vectors[0]++
			m.mu.Unlock()
		}
		m.write(out, i, r, ok, q.Now)
	}
	return nil
}

// write writes one row by the rules, but for the fault.
func (m *Memory) write(out *recsys.Block, i int, r features.Row, ok bool, now time.Time) {
	age := time.Duration(math.MaxInt64)
	if !r.Time.IsZero() {
		age = now.Sub(r.Time)
	}
	v := &m.view
	expired := v.TTL > 0 && (age > v.TTL || m.fault == EarlyTTL && age == v.TTL)
	old := func(c *recsys.Column) bool { return c.MaxAge > 0 && age > c.MaxAge && m.fault != NeverStale }
	stale := false
	for j := range v.Columns {
		stale = stale || old(&v.Columns[j])
	}
	if !ok && m.fault == Silent {
		return
	}
	if !ok || expired && m.fault != ForgetsTTL {
		out.Miss(i)
		return
	}
	if stale {
		out.Stale.Set(i)
		if v.Stale == features.DropStale && m.fault != ServesStale {
			out.Miss(i)
			return
		}
	}
	floats, ids, vectors := 0, 0, 0
	for j := range v.Columns {
		c := &v.Columns[j]
		drop := old(c) && v.Stale == features.DefaultStale && m.fault != ServesStale
		switch c.Kind {
		case recsys.Float:
			x := r.Floats[floats]
			if drop || x != x {
				x = float32(math.NaN())
				if c.Default != nil && m.fault != NoDefault {
					x = *c.Default
				}
			}
			out.FloatRow(i)[floats] = x
			floats++
		case recsys.ID:
			if out.ID[ids][i] = r.IDs[ids]; drop {
				out.ID[ids][i] = 0
			}
			ids++
		case recsys.Vector:
			dst := out.VectorAt(vectors, i)
			n := copy(dst, r.Vectors)
			if r.Vectors = r.Vectors[n:]; drop {
				clear(dst)
			}
			vectors++
		}
	}
	seconds := float32(math.NaN())
	if !r.Time.IsZero() && m.fault != NoAge {
		seconds = float32(age.Seconds())
	}
	if out.Age != nil {
		out.Age[i] = seconds
	}
	if v.Age != "" && m.fault != WrongColumns {
		out.FloatRow(i)[floats] = seconds
	}
}
