package materialize_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// shelf is a store of plain rows in a map. Tests let it fail, forget, and outlive its process.
type shelf struct {
	view *features.View

	mu      sync.Mutex
	rows    map[uint64]features.Row
	replica map[uint64]features.Row // what a failover goes back to
	journal *os.File                // rows are written here before they are acknowledged; nil: nowhere
	calls   int
	written int // rows
	losses  uint64

	// before and after are called by PutBatch, with the number of the call, when nothing and when all of the batch is stored. An error
	// is what PutBatch returns; of before, half of the batch is stored if it wraps errHalf.
	before, after func(call int) error
}

var (
	errDown = errors.New("the store is down")
	errHalf = errors.New("the store went down in between")
)

var _ features.OnlineStore = (*shelf)(nil)

func newShelf(view *features.View) *shelf {
	return &shelf{view: view, rows: map[uint64]features.Row{}}
}

func (s *shelf) Columns() []recsys.Column { return s.view.Served() }
func (s *shelf) View() *features.View     { return s.view }
func (s *shelf) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errors.New("a shelf serves nobody")
}

func (s *shelf) PutBatch(ctx context.Context, rows []features.Row) (w features.Written, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return w, err
	}
	s.calls++
	if s.before != nil {
		err = s.before(s.calls)
	}
	if errors.Is(err, errHalf) {
		rows = rows[:len(rows)/2]
	} else if err != nil {
		return w, err
	}
	if s.journal != nil {
		s.log(rows)
	}
	for i := range rows {
		if s.put(&rows[i]) {
			w.Stored++
		} else {
			w.Late++
		}
	}
	if err == nil && s.after != nil {
		err = s.after(s.calls)
	}
	return w, err
}

func (s *shelf) put(r *features.Row) bool {
	s.written++
	if have, ok := s.rows[r.Key]; ok && have.Time.After(r.Time) {
		return false
	}
	s.rows[r.Key] = features.Row{Key: r.Key, Time: r.Time, Floats: slices.Clone(r.Floats), IDs: slices.Clone(r.IDs)}
	return true
}

func (s *shelf) Lookup(ctx context.Context, keys []uint64, dst []features.Row) ([]features.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	for _, key := range keys {
		if r, ok := s.rows[key]; ok {
			dst = append(dst, r)
		}
	}
	return dst, nil
}

// replicate makes what is there now what a failover goes back to.
func (s *shelf) replicate() { s.replica = maps.Clone(s.rows) }

// failover loses what came after replicate. Some keys stay, as those of other masters would.
func (s *shelf) failover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failoverLocked()
}

func (s *shelf) failoverLocked() {
	for key := range s.rows {
		if key%3 == 0 {
			continue
		}
		if r, ok := s.replica[key]; ok {
			s.rows[key] = r
		} else {
			delete(s.rows, key)
		}
	}
}

// cautious is a shelf that counts its failovers.
type cautious struct{ *shelf }

func (c cautious) Losses() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.losses
}

// jotted is a row in the journal; NaN has no number in JSON.
type jotted struct {
	Key    uint64
	Time   int64
	Floats []uint32
	IDs    []uint64
}

// log appends rows to the journal, which the system keeps when the process dies.
func (s *shelf) log(rows []features.Row) {
	var b []byte
	for i := range rows {
		r := &rows[i]
		j := jotted{Key: r.Key, Time: r.Time.UnixNano(), IDs: r.IDs}
		for _, v := range r.Floats {
			j.Floats = append(j.Floats, math.Float32bits(v))
		}
		line, err := json.Marshal(j)
		if err != nil {
			panic(err)
		}
		b = append(append(b, line...), '\n')
	}
	if _, err := s.journal.Write(b); err != nil {
		panic(err)
	}
}

// durable returns a shelf that has what its journal has. A last line that is torn was not acknowledged.
func durable(path string, view *features.View) (*shelf, error) {
	s := newShelf(view)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	end := int64(0)
	scan := bufio.NewReader(f)
	for {
		line, err := scan.ReadBytes('\n')
		if err != nil {
			break
		}
		var j jotted
		if err := json.Unmarshal(line, &j); err != nil {
			return nil, err
		}
		r := features.Row{Key: j.Key, Time: time.Unix(0, j.Time).UTC(), IDs: j.IDs}
		for _, v := range j.Floats {
			r.Floats = append(r.Floats, math.Float32frombits(v))
		}
		s.put(&r)
		end += int64(len(line))
	}
	s.journal = f
	return s, f.Truncate(end)
}

func TestDurableShelfKeepsItsRows(t *testing.T) {
	path := t.TempDir() + "/shelf"
	view := itemView()
	s, err := durable(path, view)
	require.NoError(t, err)
	rows := []features.Row{{Key: 1, Time: time.Unix(1, 5).UTC(), Floats: []float32{1, 2, 3, 4}}, {Key: 2, Time: time.Unix(1, 5).UTC(), Floats: []float32{0}, IDs: []uint64{7}}}
	_, err = s.PutBatch(context.Background(), rows)
	require.NoError(t, err)
	_, err = s.journal.WriteString(`{"Key":3`)
	require.NoError(t, err)
	require.NoError(t, s.journal.Close())
	s, err = durable(path, view)
	require.NoError(t, err)
	require.Len(t, s.rows, 2)
	require.Equal(t, rows[0].Floats, s.rows[1].Floats)
	require.Equal(t, rows[1].Time, s.rows[2].Time)
	require.NoError(t, s.journal.Close())
}
