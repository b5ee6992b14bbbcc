package features_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/hash"
)

// derived is a set of encoders as a view sees it.
type derived struct {
	columns []features.Column
	hash    uint64
}

func (d *derived) Columns() []features.Column { return d.columns }
func (d *derived) Hash() uint64               { return d.hash }

func statsView() features.View {
	return features.View{Name: "item.stats", Columns: []features.Column{{Name: "ctr"}, {Name: "emb", Kind: recsys.Vector, Dim: 64}}}
}

// The hash is that of a text that any language can make; the text is spelled out here.
func TestViewHashIsThatOfTheDocumentedText(t *testing.T) {
	v := statsView()
	text := "recsys.view.1\nview 10:item.stats item 0:\ncolumn 3:ctr float 0\ncolumn 3:emb vector 64\n"
	require.Equal(t, hash.String(0, text), v.Hash())
	require.Equal(t, v.Hash(), v.RowHash())
	v.Encoders = &derived{hash: 0xdeadbeef}
	require.Equal(t, hash.String(0, text+"encoders 00000000deadbeef\n"), v.Hash())
	require.Equal(t, hash.String(0, text), v.RowHash(), "encoders do not change what is stored")
	v.Computed = 0xc0ffee00
	require.Equal(t, hash.String(0, text+"computed 00000000c0ffee00\nencoders 00000000deadbeef\n"), v.Hash())
	require.Equal(t, hash.String(0, text+"computed 00000000c0ffee00\n"), v.RowHash(), "what computes them decides what is stored")
	geo := features.View{Name: "geo", Entity: features.Context, Key: "country", Columns: []features.Column{{Name: "é", Kind: recsys.ID}}}
	require.Equal(t, hash.String(0, "recsys.view.1\nview 3:geo context 7:country\ncolumn 2:é id 0\n"), geo.Hash())
}

func TestViewHashIsOfTheMeaningAlone(t *testing.T) {
	base := statsView()
	seen := map[uint64]string{base.Hash(): "base"}
	for name, change := range map[string]func(v *features.View){
		"computed": func(v *features.View) { v.Computed = 1 },
		"name":     func(v *features.View) { v.Name = "item.stat" },
		"entity":   func(v *features.View) { v.Entity = features.User },
		"pair":     func(v *features.View) { v.Entity = features.UserItem },
		"key":      func(v *features.View) { v.Key = "country" },
		"column":   func(v *features.View) { v.Columns[0].Name = "cvr" },
		"kind":     func(v *features.View) { v.Columns[0].Kind = recsys.ID },
		"dim":      func(v *features.View) { v.Columns[1].Dim = 32 },
		"order":    func(v *features.View) { v.Columns[0], v.Columns[1] = v.Columns[1], v.Columns[0] },
		"fewer":    func(v *features.View) { v.Columns = v.Columns[:1] },
		"encoder":  func(v *features.View) { v.Encoders = &derived{hash: 1} },
	} {
		v := statsView()
		change(&v)
		require.Empty(t, seen[v.Hash()], name)
		seen[v.Hash()] = name
	}
	v := statsView()
	v.TTL, v.Stale, v.Age, v.Future = time.Hour, features.DropStale, "age", time.Minute
	v.Columns[0].MaxAge, v.Columns[0].Default, v.Columns[0].Scope = time.Hour, new(float32(1)), recsys.PerRequest
	require.Equal(t, base.Hash(), v.Hash(), "policies can be tuned while models and rows stay in use")
}

func TestValidateListsEveryMistake(t *testing.T) {
	v := features.View{
		Entity: features.Item, Key: "country", TTL: -1, Future: -2, Stale: 7, Age: "ctr",
		Columns: []features.Column{
			{Name: "ctr", Default: new(float32)},
			{Name: "ctr", MaxAge: -1},
			{Name: "v", Kind: recsys.Vector},
			{Name: "u", Scope: recsys.PerRequest},
			{},
			{Name: "k", Kind: 9},
		},
		Encoders: &derived{columns: []features.Column{{Name: "v"}}},
	}
	err := v.Validate()
	require.Error(t, err)
	for _, part := range []string{
		"Name is empty", `Key is "country"`, "TTL is -1ns", "Future is -2ns", "Stale is 7", `column "ctr": the name is taken`,
		`Age "ctr": the name is taken`, "MaxAge is -1ns", `column "v": vector of dimension 0`, `column "u" has scope PerRequest`,
		"column has no name", `column "k": unknown kind 9`, `derived column "v": the name is taken`,
	} {
		require.Equal(t, 1, strings.Count(err.Error(), part), "%q in\n%v", part, err)
	}
	for what, v := range map[string]features.View{
		"Entity is 9":           {Name: "x", Entity: 9, Columns: []features.Column{{Name: "a"}}},
		"Key is empty":          {Name: "x", Entity: features.Context, Columns: []features.Column{{Name: "a"}}},
		"no Columns":            {Name: "x"},
		"nil *features_test.de": {Name: "x", Columns: []features.Column{{Name: "a"}}, Encoders: (*derived)(nil)},
	} {
		require.ErrorContains(t, v.Validate(), what)
	}
	good := statsView()
	require.NoError(t, good.Validate())
	require.Contains(t, good.String(), "rows never expire")
}

// The keys never change: rows are stored under them.
func TestPairKeysStayWhatTheyAre(t *testing.T) {
	require.NotEqual(t, features.PairKey(1, 2), features.PairKey(2, 1))
	seen := map[uint64]bool{}
	for u := range recsys.UserID(300) {
		for i := range recsys.ItemID(300) {
			seen[features.PairKey(u, i)] = true
		}
	}
	require.Len(t, seen, 300*300)
}

func TestRowsChecksAsStoresDo(t *testing.T) {
	v := statsView()
	v.TTL = time.Hour
	rows, err := features.NewRows(&v)
	require.NoError(t, err)
	r, err := rows.Row(7, time.Unix(1, 0), map[string]any{"ctr": 0.5})
	require.NoError(t, err)
	require.NoError(t, rows.Check(&r))
	r.Time = time.Time{}
	var bad *features.RowError
	require.ErrorAs(t, rows.Check(&r), &bad, "a TTL needs an event time")
	_, err = features.NewRows(&features.View{})
	require.Error(t, err)
}
