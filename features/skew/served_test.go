package skew_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/features/skew"
)

var statsView = features.View{Name: "item.stats", Columns: []recsys.Column{{Name: "price"}, {Name: "brand", Kind: recsys.ID}}}

// slates are two records: what was served of items 1 and 2, and again a minute later.
func slates() func(func(recsys.Joined, error) bool) {
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: append(statsView.Stored(), recsys.Column{Name: "rank"})})
	if err != nil {
		panic(err)
	}
	return func(yield func(recsys.Joined, error) bool) {
		for i, price := range []float32{10, 12} {
			x := &recsys.Exposure{ID: fmt.Sprint(i), Now: time.Unix(int64(60*(i+1)), 0), Schema: schema, Shown: 2, Rows: []recsys.ExposureRow{
				{Item: 1, Propensity: 1, Floats: []float32{price, 1}, IDs: []uint64{7}},
				{Item: 2, Propensity: 1, Floats: []float32{30, 2}, IDs: []uint64{0}},
			}}
			if !yield(recsys.Joined{Exposure: x}, nil) {
				return
			}
		}
	}
}

// servedJoin joins the slates with rows of the view.
func servedJoin(prefix string, columns []string, rows ...asof.Row) (*asof.Join, error) {
	labels, err := asof.Exposures(asof.ExposureConfig{
		Heads: []string{"click"}, Columns: columns, IDColumns: []string{"brand"}, Prefix: prefix,
		Label: func(dst []float32, feedback []recsys.Feedback) error {
			dst[0] = float32(len(feedback))
			return nil
		},
	}, slates())
	if err != nil {
		return nil, err
	}
	table := asof.TableOf(&statsView)
	table.Arrival, table.Rows = true, asof.Rows(rows)
	return asof.New(asof.Config{Labels: labels, Tables: []asof.Table{table}})
}

// written is what serving had; the price of 12 was true from 50 s on, and served only after it was written at 90 s.
func written(createdAt int64) []asof.Row {
	at := func(sec int64) int64 { return sec * int64(time.Second) }
	return []asof.Row{
		{Key: 1, Time: at(5), Created: at(6), Floats: []float32{10}, IDs: []uint64{7}},
		{Key: 2, Time: at(5), Created: at(6), Floats: []float32{30}, IDs: []uint64{0}},
		{Key: 1, Time: at(50), Created: at(createdAt), Floats: []float32{12}, IDs: []uint64{7}},
	}
}

// What was served is compared with what a join finds, in one step: here with a history that says that the price was known before it was.
func ExampleCompareServed() {
	j, err := servedJoin("served.", []string{"price"}, written(51)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := skew.CompareServed(context.Background(), j, "served.", skew.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range report.Columns {
		fmt.Printf("%s: %v, %.0f %% differ\n", c.Name, c.Verdict, 100*c.Mismatch)
	}
	e := report.Columns[0].Example
	fmt.Println("row", e.Row, "was served", e.Logged, "and joined", e.Rejoined)
	// Output:
	// price: skew, 25 % differ
	// brand: ok, 0 % differ
	// row 0 was served 10 and joined 12
}

func TestServedIsWhatWasWrittenThen(t *testing.T) {
	j, err := servedJoin("served.", []string{"price", "rank"}, written(90)...)
	require.NoError(t, err)
	require.Equal(t, []string{"served.price", "served.rank", "price"}, j.Columns())
	r, err := skew.CompareServed(context.Background(), j, "served.", skew.Config{})
	require.NoError(t, err)
	require.Equal(t, skew.OK, r.Verdict)
	require.EqualValues(t, 4, r.Rows)
	require.Equal(t, []string{"rank"}, r.OnlyLogged)
	require.Equal(t, "brand", r.Columns[1].Name)
	require.Equal(t, 0.5, r.Columns[1].LoggedMissing, "an ID of 0 is none")
	require.Equal(t, 0.5, r.Columns[1].RejoinedMissing)

	_, err = skew.CompareServed(context.Background(), j, "served.", skew.Config{})
	require.ErrorIs(t, err, asof.ErrUsed)
}

func TestCompareServedErrors(t *testing.T) {
	for _, c := range []struct {
		prefix, given string
		columns       []string
		cfg           skew.Config
		want          string
	}{
		{"served.", "", []string{"price"}, skew.Config{}, "the prefix is empty"},
		{"served.", "logged.", []string{"price"}, skew.Config{}, `no column of the join begins with "logged."`},
		{"served.", "served.", []string{"price"}, skew.Config{Keys: []string{"item"}}, "Config.Keys"},
		{"served.", "served.", []string{"price"}, skew.Config{KS: -1}, "Config.KS is -1"},
		{"served.", "served.b", []string{"rank"}, skew.Config{}, "no table has one without"},
		{"served.", "served.", []string{"price"}, skew.Config{Columns: []string{"rank"}}, "rank"},
		{"served.", "served.", []string{"nowhere"}, skew.Config{}, `no record has the columns ["nowhere"]`},
	} {
		j, err := servedJoin(c.prefix, c.columns, written(90)...)
		require.NoError(t, err)
		_, err = skew.CompareServed(context.Background(), j, c.given, c.cfg)
		require.ErrorContains(t, err, c.want)
	}
	_, err := servedJoin("", []string{"price"})
	require.ErrorContains(t, err, `column "price" is in the labels and in table "item.stats"`)
	require.True(t, strings.Contains(err.Error(), "ExposureConfig.Prefix"), "the error tells the remedy: %v", err)
}
