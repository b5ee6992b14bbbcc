package asof_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
)

// A store that was fed with the rows as they arrived, and asked at the label's moment, answers what the join
// finds: values, defaults, stale values, bits.
func TestJoinIsWhatAStoreWouldHaveServed(t *testing.T) {
	const unit = 1 << 30 // about a second
	def := float32(-1)
	columns := []recsys.Column{
		{Name: "a", Default: &def, MaxAge: 3 * unit},
		{Name: "id", Kind: recsys.ID, MaxAge: 6 * unit},
		{Name: "v", Kind: recsys.Vector, Dim: 3, MaxAge: 5 * unit},
		{Name: "b"},
		{Name: "w", Kind: recsys.Vector, Dim: 1},
		{Name: "c", Default: &def},
		{Name: "id2", Kind: recsys.ID},
	}
	stale, expired, refused := 0, 0, int64(0)
	for _, policy := range []features.StalePolicy{features.ServeStale, features.DefaultStale, features.DropStale} {
		for n := range uint64(60) {
			r := rand.New(rand.NewPCG(n, uint64(policy)))
			base := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() / unit * unit
			var rows []asof.Row
			for range 1 + r.IntN(40) {
				row := asof.Row{Key: r.Uint64N(4), Time: base + r.Int64N(30)*unit, IDs: []uint64{r.Uint64(), r.Uint64()}}
				row.Created = row.Time + r.Int64N(6)*unit
				if r.IntN(8) == 0 { // a clock ahead by 3, where 2 is tolerated
					row.Created = row.Time - 3*unit
				}
				for range 3 {
					x := r.Float32()
					if r.IntN(4) == 0 {
						x = float32(math.NaN())
					}
					row.Floats = append(row.Floats, x)
				}
				for range 4 {
					row.Vectors = append(row.Vectors, r.Float32())
				}
				rows = append(rows, row)
			}
			var labels []asof.Label
			for i := range int64(40) {
				labels = append(labels, asof.Label{Time: base + i*unit, Keys: []uint64{r.Uint64N(5)}, Weight: 1})
			}
			view := features.View{Name: "t", Columns: columns, Stale: policy, TTL: time.Duration(r.IntN(3)) * 6 * unit, Age: "age", Future: 2 * unit}
			table := asof.TableOf(&view)
			table.Rows, table.Arrival = asof.Rows(rows), true
			j, err := asof.New(asof.Config{Labels: asof.Labels{Rows: asof.LabelRows(labels), Keys: []string{"item"}}, Tables: []asof.Table{table}})
			if err != nil {
				t.Fatal(err)
			}
			now := int64(0)
			store, err := features.NewStore(features.StoreConfig{View: view, RefuseFuture: true, Clock: func() time.Time { return time.Unix(0, now) }})
			if err != nil {
				t.Fatal(err)
			}
			slices.SortStableFunc(rows, func(a, b asof.Row) int { return cmp.Compare(a.Created, b.Created) })
			fed := 0
			for row, err := range j.All(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				for ; fed < len(rows) && rows[fed].Created <= row.Time; fed++ {
					a := &rows[fed]
					now = a.Created
					if _, err := store.Put(features.Row{Key: a.Key, Time: time.Unix(0, a.Time), Floats: a.Floats, IDs: a.IDs, Vectors: a.Vectors}); err != nil {
						t.Fatal(err)
					}
				}
				got := fmt.Sprintf("%v %v %v missing %v stale %v", row.Floats, row.IDs, row.Vectors, row.Missing, row.Stale)
				if want := serve(t, store, row.Keys[0], row.Time); got != want {
					t.Fatalf("policy %d, case %d, key %d at +%d: joined %s; served %s", policy, n, row.Keys[0], (row.Time-base)/unit, got, want)
				}
				stale, expired = stale+int(row.Stale), expired+int(row.Expired)
			}
			refused += j.Report().Tables[0].Refused
		}
	}
	if stale == 0 || expired == 0 || refused == 0 {
		t.Errorf("%d stale, %d expired, %d refused; the case is too easy", stale, expired, refused)
	}
}

// serve reads a row as a pipeline does.
func serve(t *testing.T, store *features.Store, key uint64, now int64) string {
	t.Helper()
	items := []recsys.ItemID{recsys.ItemID(key)}
	out := recsys.NewBlock(store.Columns(), recsys.PerItem, 1)
	q := recsys.NewQuery(&recsys.Request{Now: time.Unix(0, now), K: 1}, nil, "store")
	if err := store.Hydrate(context.Background(), q, items, out); err != nil {
		t.Fatal(err)
	}
	var ids []uint64
	for j := range out.ID {
		ids = append(ids, out.ID[j][0])
	}
	var vectors []float32
	for j := range out.Vector {
		vectors = append(vectors, out.VectorAt(j, 0)...)
	}
	return fmt.Sprintf("%v %v %v missing %v stale %v", out.FloatRow(0), ids, vectors, out.Missing[0], out.Stale[0])
}
