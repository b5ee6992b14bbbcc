package featurestest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// RunStore checks an online store against the contract of [features.OnlineStore]: each case is a subtest with stores of
// its own. newStore returns an empty store of the view; names of views come again from case to case, so one that keeps rows outside of the
// process must keep its stores apart. Its clock is the machine's. Numbers that are written fit half precision.
func RunStore(t *testing.T, newStore func(t *testing.T, v features.View) features.OnlineStore) {
	t.Helper()
	for i := range storeCases {
		c := &storeCases[i]
		t.Run(c.name, func(t *testing.T) {
			for _, v := range c.check(func(v features.View) features.OnlineStore { return newStore(t, v) }) {
				t.Error(v)
			}
		})
	}
}

// CheckStore does what [RunStore] does without a testing.T, and returns what it found.
func CheckStore(newStore func(v features.View) features.OnlineStore) []Violation {
	var all []Violation
	for i := range storeCases {
		all = append(all, storeCases[i].check(newStore)...)
	}
	return all
}

// storeCase is one rule of [features.OnlineStore].
type storeCase struct {
	name string
	rule string
	run  func(p *storeProbe) error
}

func (c *storeCase) check(newStore func(features.View) features.OnlineStore) []Violation {
	p := &storeProbe{newStore: newStore, now: time.Now().Add(-time.Minute).Truncate(time.Millisecond).UTC()}
	if err := guarded(func() error { return c.run(p) }); err != nil {
		return []Violation{{c.name, c.rule, err.Error()}}
	}
	return nil
}

var storeCases = [...]storeCase{
	{"served-columns", "Columns returns the columns that View.Served names.", servedColumns},
	{"lookup", "Lookup appends to dst a copy of the row of each key that has one, in the order of keys, as it was written and whatever its age.", lookupReturnsWhatWasPut},
	{"feature-source", "beside that of recsys.FeatureSource", storeIsASource},
	{"late", "A write that meets a row of later event time is refused and counted as late.", lateIsRefused},
	{"same-time", "Of two rows with the same event time the one that was written last counts, so writing the same rows again changes nothing.", lastOfATieCounts},
	{"undated", "A row without event time is older than any that has one.", undatedIsOldest},
	{"future", "A row whose event time is further ahead of the store's clock than View.Tolerance is refused and counted as future.", futureIsRefused},
	{"whole-batch", "If one row of a batch is wrong, none is stored, and the error wraps a *RowError that names it.", wrongBatchIsRefused},
	{"ttl", "A row is missing when Now - event time > View.TTL, and still there at exactly the TTL.", ttlIsHonoured},
	{"stale", "A value is stale when Now - event time > MaxAge of its column. The Stale bit is set, and View.Stale decides what is read.", staleFollowsPolicy},
	{"age", "Block.Age has the age of each row that is not missing, in seconds, and so has the column that View.Age names.", agesAreWritten},
	{"default", "A float that is NaN in a stored row reads as its column's Default.", nanReadsAsDefault},
	{"own-memory", "Rows that are given are not kept, and rows that are returned are the caller's.", memoryIsNotShared},
	{"entities", "Keys are ItemIDs, UserIDs, PairKeys, or the values of an ID column of the request.", entitiesHaveKeys},
	{"whole-rows", "A row is stored whole or not at all, and read whole: never part of one write and part of another.", rowsAreWhole},
	{"cancelled-store", "A call that waits returns soon after ctx is done, with an error that wraps ctx.Err().", cancelledStoreCalls},
}

// storeProbe makes stores and reads them.
type storeProbe struct {
	newStore func(features.View) features.OnlineStore
	now      time.Time // a minute ago
}

// view is what most cases store.
func (p *storeProbe) view() features.View {
	return features.View{Name: "suite", Age: "age", Columns: []recsys.Column{
		{Name: "ctr", Default: new(float32(0.5)), MaxAge: 10 * time.Minute},
		{Name: "emb", Kind: recsys.Vector, Dim: 3, MaxAge: 20 * time.Minute},
		{Name: "creator", Kind: recsys.ID, MaxAge: 20 * time.Minute},
		{Name: "price"},
	}}
}

// row is a row of the view whose values are made of n.
func (p *storeProbe) row(key uint64, at time.Time, n int) features.Row {
	x := float32(n)
	return features.Row{Key: key, Time: at, Floats: []float32{x, x / 2}, IDs: []uint64{uint64(n)}, Vectors: []float32{x, -x, x / 4}}
}

// put writes rows and compares the counts.
func (p *storeProbe) put(s features.OnlineStore, want features.Written, rows ...features.Row) error {
	got, err := s.PutBatch(context.Background(), rows)
	if err == nil && got != want {
		err = fmt.Errorf("PutBatch says %+v; want %+v", got, want)
	}
	return err
}

// reads compares a row that is read with what its n makes.
func (p *storeProbe) reads(s features.OnlineStore, key uint64, n int) error {
	b, err := p.hydrate(s, p.now, recsys.ItemID(key))
	if err != nil {
		return err
	}
	want := p.row(key, p.now, n)
	if b.Missing.Has(0) || b.FloatRow(0)[1] != want.Floats[1] || b.ID[0][0] != want.IDs[0] || b.VectorAt(0, 0)[2] != want.Vectors[2] {
		return fmt.Errorf("key %d reads as %s; want the values of row %d: %v", key, show(b, 0), n, want)
	}
	return nil
}

// hydrate reads items of a store.
func (p *storeProbe) hydrate(s features.OnlineStore, now time.Time, items ...recsys.ItemID) (*recsys.Block, error) {
	b := recsys.NewBlock(s.View().Served(), recsys.PerItem, len(items))
	q := recsys.NewQuery(&recsys.Request{K: 1, User: 3, Now: now}, nil, "featurestest")
	return b, s.Hydrate(context.Background(), q, items, b)
}

func servedColumns(p *storeProbe) error {
	v := p.view()
	if got := p.newStore(v).Columns(); !reflect.DeepEqual(got, v.Served()) {
		return fmt.Errorf("columns are %+v; want %+v", got, v.Served())
	}
	return nil
}

func lookupReturnsWhatWasPut(p *storeProbe) error {
	s := p.newStore(p.view())
	old := p.row(2, p.now.AddDate(-1, 0, 0), 20)
	if err := p.put(s, features.Written{Stored: 2}, p.row(1, p.now, 10), old); err != nil {
		return err
	}
	got, err := s.Lookup(context.Background(), []uint64{2, 9, 1}, nil)
	if want := []features.Row{old, p.row(1, p.now, 10)}; err != nil || !reflect.DeepEqual(got, want) {
		return fmt.Errorf("Lookup returned %v, %v; want %v", got, err, want)
	}
	if got, err := s.Lookup(context.Background(), nil, got); err != nil || len(got) != 2 {
		return fmt.Errorf("Lookup of nothing returned %v, %v; want dst as it was", got, err)
	}
	return p.put(s, features.Written{})
}

func storeIsASource(p *storeProbe) error {
	var errs []error
	for _, v := range Check(func() recsys.FeatureSource {
		s := p.newStore(p.view())
		if err := p.put(s, features.Written{Stored: 2}, p.row(1, p.now, 10), p.row(2, p.now, 20)); err != nil {
			panic(err)
		}
		return s
	}, Config{Items: []recsys.ItemID{1, 2}, Unknown: []recsys.ItemID{8}, Written: p.now}) {
		errs = append(errs, errors.New(v.String()))
	}
	return errors.Join(errs...)
}

func lateIsRefused(p *storeProbe) error {
	s := p.newStore(p.view())
	return cmpErr(
		p.put(s, features.Written{Stored: 1}, p.row(1, p.now, 10)),
		p.put(s, features.Written{Late: 1, Stored: 1}, p.row(1, p.now.Add(-1), 11), p.row(2, p.now, 20)),
		p.reads(s, 1, 10), p.reads(s, 2, 20),
		p.put(s, features.Written{Late: 1, Stored: 2}, p.row(3, p.now.Add(-5), 30), p.row(3, p.now.Add(-4), 31), p.row(3, p.now.Add(-6), 32)),
		p.reads(s, 3, 31),
	)
}

func lastOfATieCounts(p *storeProbe) error {
	s := p.newStore(p.view())
	batch := []features.Row{p.row(1, p.now, 10), p.row(1, p.now, 11)}
	return cmpErr(
		p.put(s, features.Written{Stored: 2}, batch...), p.reads(s, 1, 11),
		p.put(s, features.Written{Stored: 2}, batch...), p.reads(s, 1, 11),
		p.put(s, features.Written{Stored: 1}, p.row(1, p.now, 12)), p.reads(s, 1, 12),
	)
}

func undatedIsOldest(p *storeProbe) error {
	v := p.view()
	for i := range v.Columns {
		v.Columns[i].MaxAge = 0
	}
	s := p.newStore(v)
	return cmpErr(
		p.put(s, features.Written{Stored: 1}, p.row(1, time.Time{}, 10)), p.reads(s, 1, 10),
		p.put(s, features.Written{Stored: 1}, p.row(1, time.Unix(-1e9, 0), 11)), p.reads(s, 1, 11),
		p.put(s, features.Written{Late: 1}, p.row(1, time.Time{}, 12)), p.reads(s, 1, 11),
	)
}

func futureIsRefused(p *storeProbe) error {
	s := p.newStore(p.view())
	ahead := time.Now().AddDate(50, 0, 0).UTC()
	if err := p.put(s, features.Written{Future: 1, Stored: 1}, p.row(1, ahead, 10), p.row(2, p.now, 20)); err != nil {
		return err
	}
	b, err := p.hydrate(s, ahead, 1)
	if err != nil || !b.Missing.Has(0) {
		return fmt.Errorf("a row of the future reads as %s, %v; want a missing row", show(b, 0), err)
	}
	return p.reads(s, 2, 20)
}

func wrongBatchIsRefused(p *storeProbe) error {
	for what, spoil := range map[string]func(r *features.Row){
		"an infinite float": func(r *features.Row) { r.Floats[1] = float32(math.Inf(1)) },
		"a NaN in a vector": func(r *features.Row) { r.Vectors[1] = float32(math.NaN()) },
		"too few floats":    func(r *features.Row) { r.Floats = r.Floats[:1] },
		"no ids":            func(r *features.Row) { r.IDs = nil },
		"no event time":     func(r *features.Row) { r.Time = time.Time{} },
	} {
		s := p.newStore(p.view())
		bad := p.row(77, p.now, 11)
		spoil(&bad)
		_, err := s.PutBatch(context.Background(), []features.Row{p.row(1, p.now, 10), bad, p.row(2, p.now, 20)})
		var row *features.RowError
		if !errors.As(err, &row) || row.Key != 77 {
			return fmt.Errorf("%s: the error is %v; want a *RowError of key 77", what, err)
		}
		if got, err := s.Lookup(context.Background(), []uint64{1, 77, 2}, nil); err != nil || len(got) > 0 {
			return fmt.Errorf("%s: %v was stored, %v; want nothing", what, got, err)
		}
	}
	return nil
}

func ttlIsHonoured(p *storeProbe) error {
	v := p.view()
	v.TTL = time.Hour
	s := p.newStore(v)
	if err := p.put(s, features.Written{Stored: 1}, p.row(1, p.now, 10)); err != nil {
		return err
	}
	for _, more := range []time.Duration{-time.Hour, 0, 1, 1000 * time.Hour} {
		b, err := p.hydrate(s, p.now.Add(time.Hour+more), 1)
		if err != nil || b.Missing.Has(0) != (more > 0) {
			return fmt.Errorf("at the TTL and %v more missing is %v, %v; want %v", more, b.Missing.Has(0), err, more > 0)
		}
	}
	s = p.newStore(p.view())
	if err := p.put(s, features.Written{Stored: 1}, p.row(1, p.now, 10)); err != nil {
		return err
	}
	if b, err := p.hydrate(s, p.now.AddDate(100, 0, 0), 1); err != nil || b.Missing.Has(0) {
		return fmt.Errorf("without TTL a row is missing after 100 years: %v", err)
	}
	return nil
}

func staleFollowsPolicy(p *storeProbe) error {
	for _, policy := range []features.StalePolicy{features.ServeStale, features.DefaultStale, features.DropStale} {
		v := p.view()
		v.Stale = policy
		s := p.newStore(v)
		if err := p.put(s, features.Written{Stored: 1}, p.row(1, p.now, 10)); err != nil {
			return err
		}
		for _, at := range []struct {
			age            time.Duration
			ctr            float32
			id             uint64
			stale, missing bool
		}{
			{10 * time.Minute, 10, 10, false, false},
			{10*time.Minute + 1, [...]float32{10, 0.5, 0.5}[policy], [...]uint64{10, 10, 0}[policy], true, policy == features.DropStale},
			{20*time.Minute + 1, [...]float32{10, 0.5, 0.5}[policy], [...]uint64{10, 0, 0}[policy], true, policy == features.DropStale},
		} {
			b, err := p.hydrate(s, p.now.Add(at.age), 1)
			if err != nil || b.FloatRow(0)[0] != at.ctr || b.ID[0][0] != at.id || b.Stale.Has(0) != at.stale || b.Missing.Has(0) != at.missing {
				return fmt.Errorf("policy %v, age %v: the row is %s, %v; want ctr %v, id %v, stale %v, missing %v", policy, at.age, show(b, 0), err, at.ctr, at.id, at.stale, at.missing)
			}
		}
	}
	return nil
}

func agesAreWritten(p *storeProbe) error {
	s := p.newStore(p.view())
	if err := p.put(s, features.Written{Stored: 2}, p.row(1, p.now, 10), p.row(2, p.now.Add(-time.Second), 20)); err != nil {
		return err
	}
	b, err := p.hydrate(s, p.now.Add(1500*time.Millisecond), 1, 9, 2)
	if err != nil {
		return err
	}
	for i, want := range []float32{1.5, float32(math.NaN()), 2.5} {
		if column := b.FloatRow(i)[2]; !near(b.Age[i], want) || !near(column, want) {
			return fmt.Errorf("row %d has Age %v and %v in the column; want %v", i, b.Age[i], column, want)
		}
	}
	for _, age := range []time.Duration{1, 1500, -300} { // which float64s of Unix nanoseconds do not tell apart
		b, err := p.hydrate(s, p.now.Add(age), 1)
		if want := float32(float64(age) / 1e9); err != nil || b.Age[0] != want || b.FloatRow(0)[2] != want {
			return fmt.Errorf("at the age of %v the row has Age %v and %v in the column, %v; want %v", age, b.Age[0], b.FloatRow(0)[2], err, want)
		}
	}
	b.Age = nil // a block of which nobody asks ages
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: p.now}, nil, "featurestest")
	return s.Hydrate(context.Background(), q, []recsys.ItemID{1, 9, 2}, b)
}

func near(a, b float32) bool { return a == b || a != a && b != b || math.Abs(float64(a-b)) < 1e-5 }

func nanReadsAsDefault(p *storeProbe) error {
	s := p.newStore(p.view())
	r := p.row(1, p.now, 10)
	r.Floats[0], r.Floats[1] = float32(math.NaN()), float32(math.NaN())
	if err := p.put(s, features.Written{Stored: 1}, r); err != nil {
		return err
	}
	b, err := p.hydrate(s, p.now, 1)
	if err != nil {
		return err
	}
	if row := b.FloatRow(0); row[0] != 0.5 || row[1] == row[1] || b.Missing.Has(0) {
		return fmt.Errorf("a row of NaNs is %s; want 0.5, NaN, and no Missing bit", show(b, 0))
	}
	return nil
}

func memoryIsNotShared(p *storeProbe) error {
	s := p.newStore(p.view())
	rows := []features.Row{p.row(1, p.now, 10)}
	spoil := func(r *features.Row) { r.Floats[1], r.IDs[0], r.Vectors[2] = 99, 99, 99 }
	if err := p.put(s, features.Written{Stored: 1}, rows...); err != nil {
		return err
	}
	spoil(&rows[0])
	if err := p.reads(s, 1, 10); err != nil {
		return fmt.Errorf("after the given row was written to: %w", err)
	}
	got, err := s.Lookup(context.Background(), []uint64{1}, nil)
	if err != nil || len(got) != 1 {
		return fmt.Errorf("Lookup returned %v, %v", got, err)
	}
	spoil(&got[0])
	if err := p.reads(s, 1, 10); err != nil {
		return fmt.Errorf("after the returned row was written to: %w", err)
	}
	return nil
}

func entitiesHaveKeys(p *storeProbe) error {
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest}}})
	if err != nil {
		return err
	}
	items := []recsys.ItemID{5, 6}
	for entity, keys := range map[features.Entity][]uint64{
		features.Item: {5, 6}, features.User: {3}, features.Context: {44},
		features.UserItem: {features.PairKey(3, 5), features.PairKey(3, 6)},
	} {
		v := p.view()
		if v.Entity = entity; entity == features.Context {
			v.Key = "country"
		}
		s := p.newStore(v)
		for i, key := range keys {
			if err := p.put(s, features.Written{Stored: 1}, p.row(key, p.now, 10*i+10)); err != nil {
				return fmt.Errorf("%v: %w", entity, err)
			}
		}
		bound, err := recsys.Bind[recsys.FeatureSource](s, schema)
		if err != nil {
			return fmt.Errorf("%v: %w", entity, err)
		}
		ask := items
		if entity.Scope() == recsys.PerRequest {
			ask = nil
		}
		for user, known := range map[recsys.UserID]bool{3: true, 4: false} {
			q := recsys.NewQuery(&recsys.Request{K: 1, User: user, Now: p.now}, schema, "featurestest")
			if known {
				q.IDs()[0] = 44
			}
			b := recsys.NewBlock(v.Served(), entity.Scope(), len(keys))
			if err := bound.Hydrate(context.Background(), q, ask, b); err != nil {
				return fmt.Errorf("%v: %w", entity, err)
			}
			for i := range keys {
				there := known || entity == features.Item
				if b.Missing.Has(i) == there || there && b.ID[0][i] != uint64(10*i+10) {
					return fmt.Errorf("%v: row %d of user %d is %s; want it there: %v", entity, i, user, show(b, i), there)
				}
			}
		}
	}
	return nil
}

func rowsAreWhole(p *storeProbe) error {
	const writers, rounds = 2, 60
	s := p.newStore(p.view())
	if err := p.put(s, features.Written{Stored: 1}, p.row(1, p.now, 4)); err != nil {
		return err
	}
	errs := make([]error, writers+2)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range rounds {
				if _, err := s.PutBatch(context.Background(), []features.Row{p.row(1, p.now, 4*(2*n+w+1))}); err != nil {
					errs[w] = err
				}
			}
		})
	}
	for g := range 2 {
		group.Go(func() {
			for range rounds {
				b, err := p.hydrate(s, p.now, 1)
				if err == nil {
					n := float32(b.ID[0][0])
					if v := b.VectorAt(0, 0); b.FloatRow(0)[0] != n || b.FloatRow(0)[1] != n/2 || v[0] != n || v[1] != -n || v[2] != n/4 {
						err = fmt.Errorf("a row of two writes: %s", show(b, 0))
					}
				}
				if err != nil {
					errs[writers+g] = err
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func cancelledStoreCalls(p *storeProbe) error {
	s := p.newStore(p.view())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.PutBatch(ctx, []features.Row{p.row(1, p.now, 1)}); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("PutBatch: %q does not wrap context.Canceled", err)
	}
	if _, err := s.Lookup(ctx, []uint64{1}, nil); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("Lookup: %q does not wrap context.Canceled", err)
	}
	return nil
}

// cmpErr returns the first error.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
