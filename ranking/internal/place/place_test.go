package place_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking/internal/place"
)

func schema(t *testing.T, columns ...recsys.Column) *recsys.Schema {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	require.NoError(t, err)
	return s
}

func TestCheckNamesWhatIsNotWhereItWas(t *testing.T) {
	x, y := recsys.Column{Name: "x"}, recsys.Column{Name: "y"}
	shop := recsys.Column{Name: "shop", Kind: recsys.ID}
	bound := schema(t, x, y, shop)
	var c place.Columns
	for _, name := range []string{"y", "shop"} {
		f, ok := bound.Field(name)
		require.True(t, ok)
		c.Add(f)
	}
	require.NoError(t, c.Check(bound))
	require.NoError(t, c.Check(schema(t, x, y, shop, recsys.Column{Name: "z"})), "what is not read may be there or not")
	require.NoError(t, c.Check(schema(t, recsys.Column{Name: "other"}, y, shop)))

	for name, test := range map[string]struct {
		s    *recsys.Schema
		want string
		is   bool // a ColumnError
	}{
		"no columns": {schema(t), `feature "y": no source writes it (float columns: none)`, true},
		"nil":        {nil, `feature "shop": no source writes it`, true},
		"kind":       {schema(t, x, y, recsys.Column{Name: "shop"}), `feature "shop": source "test" writes it as float, want id`, true},
		"moved":      {schema(t, y, x, shop), `feature "y": float column 0 of the table; it was 1 in Bind`, false},
		"one id":     {schema(t, x, y), `feature "shop": no source writes it (id columns: none)`, true},
	} {
		for range 2 { // a schema that failed fails again
			err := c.Check(test.s)
			require.ErrorContains(t, err, test.want, name)
			require.ErrorContains(t, err, "the table is not of the schema that the model was bound to")
			if test.is {
				require.ErrorAs(t, err, new(*recsys.ColumnError), name)
			}
		}
		require.NoError(t, c.Check(bound))
	}
}

func TestCheckOfTwoSchemasAtOnce(t *testing.T) {
	a, b := schema(t, recsys.Column{Name: "x"}), schema(t, recsys.Column{Name: "x"}, recsys.Column{Name: "y"})
	var c place.Columns
	f, _ := a.Field("x")
	c.Add(f)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 200 {
				if c.Check(a) != nil || c.Check(b) != nil || c.Check(schema(t)) == nil {
					t.Error("another answer beside other calls")
				}
			}
		})
	}
	clients.Wait()
	if !race.Enabled {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if c.Check(a) != nil || c.Check(b) != nil {
				t.Error("refused")
			}
		}))
	}
}
