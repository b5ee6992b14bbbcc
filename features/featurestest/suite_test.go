package featurestest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/featurestest"
)

var written = time.Unix(1_700_000_000, 0)

// catalogue is a source that keeps every rule: items 1 to 5 and users 1 and 2, with values made of their IDs.
type catalogue struct {
	columns []recsys.Column
}

func newCatalogue() catalogue {
	return catalogue{[]recsys.Column{
		{Name: "ctr", MaxAge: time.Hour},
		{Name: "age", Scope: recsys.PerRequest, MaxAge: 2 * time.Hour},
		{Name: "creator", Kind: recsys.ID},
		{Name: "price", Default: new(float32(3))},
		{Name: "emb", Kind: recsys.Vector, Dim: 2},
	}}
}

var knowledge = featurestest.Config{
	Items: []recsys.ItemID{1, 2, 3, 4, 5}, Unknown: []recsys.ItemID{8, 9},
	Users: []recsys.UserID{1, 2}, UnknownUsers: []recsys.UserID{7},
	Written: written,
	Request: recsys.Request{History: []recsys.Event{{Item: 1}, {Item: 2}}},
}

func (c catalogue) Columns() []recsys.Column { return c.columns }

func (c catalogue) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if items == nil {
		c.user(q, out)
		return nil
	}
	for i, id := range items {
		c.item(q, id, i, out)
	}
	return nil
}

func (c catalogue) user(q *recsys.Query, out *recsys.Block) {
	if q.User > 2 {
		out.Miss(0)
		return
	}
	out.FloatRow(0)[0] = float32(q.User)
	if q.Now.Sub(written) > 2*time.Hour {
		out.Stale.Set(0)
	}
}

func (c catalogue) item(q *recsys.Query, id recsys.ItemID, i int, out *recsys.Block) {
	if id < 1 || id > 5 {
		out.Miss(i)
		return
	}
	row := out.FloatRow(i)
	row[0], row[1] = float32(id), float32(10*id)
	out.ID[0][i] = uint64(100 * id)
	copy(out.VectorAt(0, i), []float32{float32(id), -float32(id)})
	if q.Now.Sub(written) > time.Hour {
		out.Stale.Set(i)
	}
}

// broken is a catalogue that hydrates in another way.
type broken struct {
	catalogue
	hydrate func(c catalogue, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error
}

func (b broken) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	return b.hydrate(b.catalogue, q, items, out)
}

// after returns a source that spoils what the catalogue wrote.
func after(spoil func(q *recsys.Query, items []recsys.ItemID, out *recsys.Block)) recsys.FeatureSource {
	return broken{newCatalogue(), func(c catalogue, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		err := c.Hydrate(bg, q, items, out)
		spoil(q, items, out)
		return err
	}}
}

// instead returns a source that hydrates by f, which may keep state.
func instead(f func(c catalogue, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error) recsys.FeatureSource {
	return broken{newCatalogue(), f}
}

type changingColumns struct {
	catalogue
	calls *int
}

func (c changingColumns) Columns() []recsys.Column {
	*c.calls++
	columns := slices.Clone(c.columns)
	if *c.calls > 3 {
		columns[0].Name = "cvr"
	}
	return columns
}

type invalid struct{ catalogue }

func (invalid) Validate() error { return errors.New("limit is -1") }

type badBinder struct{ catalogue }

func (badBinder) Bind(*recsys.Schema) (recsys.FeatureSource, error) {
	return nil, errors.New("no such column")
}

var bg = context.Background()

// faults are sources that break one rule or more, by the case that must say so.
var faults = []struct {
	name   string
	breaks string
	source func() recsys.FeatureSource
}{
	{"none declared", "columns", func() recsys.FeatureSource { return catalogue{} }},
	{"columns that change", "columns", func() recsys.FeatureSource { return changingColumns{newCatalogue(), new(int)} }},
	{"doubled column", "columns", func() recsys.FeatureSource {
		return recsys.FeatureFunc{Cols: []recsys.Column{{Name: "a"}, {Name: "a"}}, Func: newCatalogue().Hydrate}
	}},
	{"refuses itself", "columns", func() recsys.FeatureSource { return invalid{newCatalogue()} }},
	{"does not bind", "columns", func() recsys.FeatureSource { return badBinder{newCatalogue()} }},
	{"fails", "columns", func() recsys.FeatureSource { return featurestest.Failing{newCatalogue(), errors.New("down")} }},
	{"panics", "same-answer", func() recsys.FeatureSource { return featurestest.Panicking{newCatalogue(), nil} }},
	{"leaves out a row", "every-cell", func() recsys.FeatureSource { return featurestest.Partial{newCatalogue()} }},
	{"missing without defaults", "missing-is-default", func() recsys.FeatureSource {
		return after(func(q *recsys.Query, items []recsys.ItemID, out *recsys.Block) {
			for i := range items {
				if out.Missing.Has(i) {
					out.FloatRow(i)[1] = 0
				}
			}
		})
	}},
	{"knows nothing", "known", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) {
			for i := range out.Rows {
				out.Miss(i)
			}
		})
	}},
	{"knows everything", "unknown", func() recsys.FeatureSource { return featurestest.NaN{newCatalogue()} }},
	{"unknown is an error", "unknown", func() recsys.FeatureSource {
		return instead(func(c catalogue, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if slices.Contains(items, 9) || items == nil && q.User == 7 {
				return errors.New("not found")
			}
			return c.Hydrate(bg, q, items, out)
		})
	}},
	{"rows in reverse", "row-of-item", func() recsys.FeatureSource {
		return instead(func(c catalogue, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if items != nil {
				items = slices.Clone(items)
				slices.Reverse(items)
			}
			return c.Hydrate(bg, q, items, out)
		})
	}},
	{"a double is missing", "doubled-items", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, items []recsys.ItemID, out *recsys.Block) {
			for i, id := range items {
				if slices.Index(items, id) < i {
					out.Miss(i)
				}
			}
		})
	}},
	{"needs an item", "no-items", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, items []recsys.ItemID, _ *recsys.Block) {
			if items != nil {
				_ = items[0]
			}
		})
	}},
	{"writes beside", "own-block", func() recsys.FeatureSource { return featurestest.Spilling{newCatalogue()} }},
	{"knows no stride", "own-block", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) { fill(out.Float) })
	}},
	{"a bit too many", "own-block", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) {
			if out.Rows%64 != 0 {
				out.Stale.Set(out.Rows)
			}
		})
	}},
	{"never stale", "stale", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) { out.Stale.Reset() })
	}},
	{"stale too early", "stale", func() recsys.FeatureSource {
		return after(func(q *recsys.Query, items []recsys.ItemID, out *recsys.Block) {
			if q.Now.Sub(written) >= time.Hour {
				out.Stale.SetFirst(out.Rows)
			}
		})
	}},
	{"stale without MaxAge", "never-stale", func() recsys.FeatureSource {
		return recsys.FeatureFunc{Cols: []recsys.Column{{Name: "x"}}, Func: func(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			if q.Now.Sub(written) > time.Hour {
				out.Stale.SetFirst(out.Rows)
			}
			return nil
		}}
	}},
	{"counts its calls", "same-answer", func() recsys.FeatureSource {
		calls := float32(0)
		return after(func(_ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) {
			calls++
			fill(out.Float[:min(len(out.Float), 1)])
			if len(out.Float) > 0 {
				out.Float[0] = calls
			}
		})
	}},
	{"sorts the items", "read-only", func() recsys.FeatureSource {
		return after(func(_ *recsys.Query, items []recsys.ItemID, _ *recsys.Block) { slices.Sort(items) })
	}},
	{"writes to the history", "read-only", func() recsys.FeatureSource {
		return after(func(q *recsys.Query, _ []recsys.ItemID, _ *recsys.Block) { q.History[0].Item++ })
	}},
	{"changes the query", "read-only", func() recsys.FeatureSource {
		return after(func(q *recsys.Query, _ []recsys.ItemID, _ *recsys.Block) { q.Now = q.Now.Add(1) })
	}},
	{"keeps the items", "not-kept", func() recsys.FeatureSource {
		var kept []recsys.ItemID
		return instead(func(c catalogue, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if len(kept) == len(items) {
				items, kept = kept, items
			} else if items != nil {
				kept = items
			}
			return c.Hydrate(bg, q, items, out)
		})
	}},
	{"keeps the block", "not-kept", func() recsys.FeatureSource {
		var kept *recsys.Block
		return after(func(_ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) {
			if kept != nil {
				fill(kept.Float)
			}
			kept = out
		})
	}},
	{"one memory for all calls", "concurrent", func() recsys.FeatureSource { return &shared{catalogue: newCatalogue()} }},
	{"another error", "cancelled", func() recsys.FeatureSource {
		return recsys.FeatureFunc{Cols: newCatalogue().columns, Func: func(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if ctx.Err() != nil {
				return errors.New("gave up")
			}
			return newCatalogue().Hydrate(ctx, q, items, out)
		}}
	}},
	{"half a result", "cancelled", func() recsys.FeatureSource {
		return recsys.FeatureFunc{Cols: newCatalogue().columns, Func: func(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if ctx.Err() != nil {
				return nil
			}
			return newCatalogue().Hydrate(ctx, q, items, out)
		}}
	}},
}

func fill(dst []float32) {
	for i := range dst {
		dst[i] = -1
	}
}

// shared keeps the user and items of a call where the next call finds them. It locks, so
// that it is wrong without a data race.
type shared struct {
	catalogue
	mu    sync.Mutex
	q     *recsys.Query
	items []recsys.ItemID
}

func (s *shared) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	s.mu.Lock()
	s.q, s.items = q, slices.Clone(items)
	s.mu.Unlock()
	time.Sleep(time.Millisecond) // in a bubble: until all calls have come here
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.items) != len(items) {
		return fmt.Errorf("%d items became %d", len(items), len(s.items))
	}
	return s.catalogue.Hydrate(ctx, s.q, s.items, out)
}

func caseNames(violations []featurestest.Violation) (names []string) {
	for _, v := range violations {
		names = append(names, v.Case)
	}
	return names
}

func TestEveryCaseFailsOnAFaultySource(t *testing.T) {
	covered := map[string]bool{}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				violations, _ := featurestest.CheckCase(f.breaks, f.source(), knowledge)
				require.Equal(t, []string{f.breaks}, caseNames(violations))
			})
		})
		covered[f.breaks] = true
	}
	for _, name := range featurestest.CaseNames() {
		require.True(t, covered[name], "no fault shows that case %q can fail", name)
	}
}

func TestHangingSourceIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		q := recsys.NewQuery(&recsys.Request{K: 1}, nil, "test")
		hangs := &hangsWhenCancelled{newCatalogue(), until}
		violations := featurestest.Check(func() recsys.FeatureSource { return hangs }, knowledge)
		require.Equal(t, []string{"cancelled"}, caseNames(violations))
		require.Contains(t, violations[0].Detail, "did not return in 10s")
		close(until)
		require.NoError(t, featurestest.Hanging{hangs, until}.Hydrate(bg, q, nil, recsys.NewBlock(hangs.columns, recsys.PerRequest, 1)))
	})
}

type hangsWhenCancelled struct {
	catalogue
	until chan struct{}
}

func (h *hangsWhenCancelled) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if ctx.Err() != nil {
		return featurestest.Hanging{h.catalogue, h.until}.Hydrate(ctx, q, items, out)
	}
	return h.catalogue.Hydrate(ctx, q, items, out)
}

func TestSourceThatKeepsTheRulesPasses(t *testing.T) {
	featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return newCatalogue() }, knowledge)
	require.Empty(t, featurestest.Check(func() recsys.FeatureSource { return newCatalogue() }, knowledge))
	require.Empty(t, featurestest.Check(func() recsys.FeatureSource { return newCatalogue() }, featurestest.Config{}), "without knowledge of the source")
}

func TestSlowSourceKeepsTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func() recsys.FeatureSource { return featurestest.Slow{newCatalogue(), time.Second} }
		require.Empty(t, featurestest.Check(slow, knowledge))
	})
}

func TestWriteRunsWhileOthersRead(t *testing.T) {
	var writes []int
	config := knowledge
	config.Write = func(_ recsys.FeatureSource, n int) { writes = append(writes, n) }
	require.Empty(t, featurestest.Check(func() recsys.FeatureSource { return newCatalogue() }, config))
	require.Equal(t, 100, len(writes))
	require.Equal(t, 99, writes[99])
	config.Write = func(recsys.FeatureSource, int) { panic("no room") }
	violations := featurestest.Check(func() recsys.FeatureSource { return newCatalogue() }, config)
	require.Equal(t, []string{"concurrent"}, caseNames(violations))
}

func TestViolationQuotesTheContract(t *testing.T) {
	violations := featurestest.Check(func() recsys.FeatureSource { return featurestest.Spilling{newCatalogue()} }, knowledge)
	i := slices.IndexFunc(violations, func(v featurestest.Violation) bool { return v.Case == "own-block" })
	require.GreaterOrEqual(t, i, 0)
	require.Contains(t, violations[i].String(), "own-block: request of user 1: write to Float[1]: row 0 of 1, column 1 of 1")
	require.Contains(t, violations[i].String(), "the contract: Block is a view of its columns only")
}
