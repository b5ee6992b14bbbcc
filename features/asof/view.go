package asof

import (
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// The names of keys by which tables of views are looked up: those of the entities.
const (
	itemKey = "item"
	userKey = "user"
	pairKey = "user-item" // features.PairKey of both
)

// TableOf returns the table of a view, all but its rows: the definition by which they are served. Its Key is "item", "user", "user-item" or,
// for the entity Context, View.Key; labels have keys of these names. TTL, Stale, MaxAge, Default and Age hold as they do online, and rows
// that a store would have refused as too far in the future are left out, if Arrival is set. Set Rows, or call [Table.FromFrame].
//
// Columns that encoders derive are not among those of the table: apply the view's encoder.Set to what was joined.
func TableOf(v *features.View) Table {
	t := Table{Name: v.Name, View: v.FeatureView(), Key: v.Entity.String(), Columns: v.Stored(), TTL: v.TTL, Stale: v.Stale, Age: v.Age, Future: v.Tolerance()}
	if v.Entity == features.Context {
		t.Key = v.Key
	}
	return t
}

// pair computes the key of user and item from the others.
type pair struct{ user, item, to int }

// pairOf returns where the keys are; ok: all three are there.
func pairOf(keys []string) (p pair, ok bool) {
	p = pair{slices.Index(keys, userKey), slices.Index(keys, itemKey), slices.Index(keys, pairKey)}
	return p, p.user >= 0 && p.item >= 0 && p.to >= 0
}

func (p pair) set(keys []uint64) {
	keys[p.to] = features.PairKey(recsys.UserID(keys[p.user]), recsys.ItemID(keys[p.item]))
}
