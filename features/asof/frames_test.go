package asof_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/features/frame"
)

// statsFrame has three rows: of item 7, of the item called "shoe", and of item 7 again without values.
func statsFrame() *frame.Frame {
	f := &frame.Frame{Rows: 3, Columns: []frame.Column{
		{Field: frame.Field{Name: "item", Kind: frame.String}, String: []string{"7", "shoe", "7"}},
		{Field: frame.Field{Name: "ctr", Kind: frame.Float64}, Float64: []float64{0.5, 0.25, math.NaN()}},
		{Field: frame.Field{Name: "clicks", Kind: frame.Int64}, Int64: []int64{3, 4, 0}},
		{Field: frame.Field{Name: "brand", Kind: frame.Uint64}, Uint64: []uint64{11, 12, 0}},
		{Field: frame.Field{Name: "vec", Kind: frame.Vector, Dim: 2}, Float32: []float32{1, 2, 3, 4, 0, 0}},
		{Field: frame.Field{Name: "at", Kind: frame.Time}, Int64: []int64{10, 20, 30}},
		{Field: frame.Field{Name: "seen", Kind: frame.Int64}, Int64: []int64{15, 20, 30}},
		{Field: frame.Field{Name: "extra", Kind: frame.Uint64}, Uint64: []uint64{1, 2, 3}},
	}}
	for j := 1; j < 5; j++ {
		f.Columns[j].SetMissing(2)
	}
	return f
}

func statsTable() asof.Table {
	return asof.Table{Name: "stats", Key: "item", Columns: []recsys.Column{
		{Name: "clicks"}, {Name: "vec", Kind: recsys.Vector, Dim: 2}, {Name: "brand", Kind: recsys.ID}, {Name: "ctr", Default: new(float32)},
	}}
}

func labelsFrame() *frame.Frame {
	return &frame.Frame{Rows: 4, Columns: []frame.Column{
		{Field: frame.Field{Name: "click", Kind: frame.Int64}, Int64: []int64{1, 0, 0, 1}},
		{Field: frame.Field{Name: "item", Kind: frame.String}, String: []string{"7", "7", "shoe", "7"}},
		{Field: frame.Field{Name: "t", Kind: frame.Time}, Int64: []int64{31, 15, 40, 14}},
		{Field: frame.Field{Name: "hour", Kind: frame.Float32}, Float32: []float32{1, 2, 3, 4}},
		{Field: frame.Field{Name: "query", Kind: frame.String}, String: []string{"a", "b", "9", "d"}},
		{Field: frame.Field{Name: "p", Kind: frame.Float64}, Float64: []float64{0.5, 0.25, 1, 0.125}},
		{Field: frame.Field{Name: "place", Kind: frame.Int64}, Int64: []int64{0, 1, 2, 3}},
		{Field: frame.Field{Name: "w", Kind: frame.Float64}, Float64: []float64{1, 2, 3, 4}},
	}}
}

func TestFramesAreRowsAndLabels(t *testing.T) {
	table, err := statsTable().FromFrame(frame.NewReader(statsFrame(), 2), asof.RowColumns{Key: "item", Time: "at", Created: "seen"})
	if err != nil || !table.Arrival {
		t.Fatal(table.Arrival, err)
	}
	labels, err := asof.Labels{Keys: []string{"item"}, Heads: []string{"click"}, Columns: []string{"hour"}, IDColumns: []string{"query"}}.FromFrame(
		frame.NewReader(labelsFrame(), 3), asof.LabelColumns{Time: "t", Weight: "w", Propensity: "p", Position: "place", Group: "query"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := asof.New(asof.Config{Labels: labels, Tables: []asof.Table{table}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row, err := range j.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(row.Number, row.Time, row.Values, row.Weight, row.Position, row.Propensity, row.Floats, row.IDs, row.Vectors, row.Group == row.IDs[0]))
	}
	id := recsys.HashID
	want := []string{
		fmt.Sprint(3, 14, "[1] 4 3 0.125 [4 NaN 0] [", id("d"), " 0] [0 0] true"),
		fmt.Sprint(1, 15, "[0] 2 1 0.25 [2 3 0.5] [", id("b"), " 11] [1 2] true"),
		fmt.Sprint(0, 31, "[1] 1 0 0.5 [1 NaN 0] [", id("a"), " 0] [0 0] true"), // item 7's newest row has no values
		fmt.Sprint(2, 40, "[0] 3 2 1 [3 4 0.25] [9 12] [3 4] true"),
	}
	for i := range want {
		if i >= len(got) || strings.ReplaceAll(got[i], " ", "") != strings.ReplaceAll(want[i], " ", "") {
			t.Errorf("row %d: %v; want %v", i, got, want)
		}
	}
	if c := j.Columns(); !slices.Equal(c, []string{"hour", "clicks", "ctr"}) || !slices.Equal(j.IDColumns(), []string{"query", "brand"}) || len(j.Vectors()) != 1 {
		t.Errorf("columns %v, %v, %v", c, j.IDColumns(), j.Vectors())
	}
}

func TestPairsAreMadeOfUserAndItem(t *testing.T) {
	f := labelsFrame()
	f.Columns[4].Name = "user"
	for _, own := range []bool{false, true} {
		if own { // a column of that name counts
			f.Columns = append(f.Columns, frame.Column{Field: frame.Field{Name: "user-item", Kind: frame.Uint64}, Uint64: []uint64{1, 2, 3, 4}})
		}
		labels, err := asof.Labels{Keys: []string{"user-item", "item", "user"}}.FromFrame(frame.NewReader(f, 3), asof.LabelColumns{Time: "t"})
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		for l, err := range labels.Rows {
			n++
			want := features.PairKey(recsys.UserID(l.Keys[2]), recsys.ItemID(l.Keys[1]))
			if own {
				want = n
			}
			if err != nil || l.Keys[0] != want {
				t.Errorf("keys %v, %v; want %d first", l.Keys, err, want)
			}
		}
	}
	if _, err := (asof.Labels{Keys: []string{"user-item", "item"}}).FromFrame(frame.NewReader(labelsFrame(), 3), asof.LabelColumns{Time: "t"}); err == nil {
		t.Error("no error for pairs without users")
	}
}

func TestOptionalLabelColumnsHaveDefaults(t *testing.T) {
	labels, err := asof.Labels{Keys: []string{"item"}}.FromFrame(frame.NewReader(labelsFrame(), 3), asof.LabelColumns{Time: "t"})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for l, err := range labels.Rows {
		if err != nil || l.Weight != 1 || l.Position != -1 || l.Propensity == l.Propensity || l.Group != n {
			t.Errorf("%+v, %v", l, err)
		}
		n++
	}
}

func TestMissingPositionsAndGroupsOfAFile(t *testing.T) {
	f, err := frame.New(frame.Field{Name: "item", Kind: frame.Uint64}, frame.Field{Name: "t", Kind: frame.Time},
		frame.Field{Name: "place", Kind: frame.Int64}, frame.Field{Name: "list", Kind: frame.String})
	if err != nil {
		t.Fatal(err)
	}
	f.Columns[0].Uint64, f.Columns[1].Int64, f.Rows = []uint64{7, 8}, []int64{1, 2}, 2
	f.Columns[2].Int64, f.Columns[3].String = []int64{4, 0}, []string{"12", ""}
	f.Columns[2].SetMissing(1)
	all := func(columns asof.LabelColumns) (list []asof.Label, failed error) {
		l, err := asof.Labels{Keys: []string{"item"}}.FromFrame(frame.NewReader(f, 0), columns)
		if err != nil {
			t.Fatal(err)
		}
		for a, err := range l.Rows {
			list, failed = append(list, a), errors.Join(failed, err)
		}
		return list, failed
	}
	list, err := all(asof.LabelColumns{Time: "t", Position: "place", Group: "list"})
	if err != nil || len(list) != 2 || list[0].Position != 4 || list[1].Position != -1 || list[0].Group != 12 {
		t.Errorf("%+v, %v; want positions 4 and -1, and group 12 first", list, err)
	}
	f.Columns[3].SetMissing(1)
	if _, err = all(asof.LabelColumns{Time: "t", Group: "list"}); err == nil || err.Error() != `column "list" has no value; want the group of the row` {
		t.Errorf("error %v; want one of the missing group", err)
	}
}

// A reader that is at its end would be a table without rows.
func TestAFrameIsReadByOneJoin(t *testing.T) {
	table, err := statsTable().FromFrame(frame.NewReader(statsFrame(), 0), asof.RowColumns{Key: "item", Time: "at"})
	if err != nil {
		t.Fatal(err)
	}
	labels := func() asof.Labels {
		l, err := asof.Labels{Keys: []string{"item"}}.FromFrame(frame.NewReader(labelsFrame(), 0), asof.LabelColumns{Time: "t"})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	run := func(l asof.Labels, table asof.Table) error {
		j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{table}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = j.Collect(context.Background())
		return err
	}
	first := labels()
	if err := run(first, table); err != nil {
		t.Fatal(err)
	}
	if err := run(labels(), table); err == nil || err.Error() != `asof: table "stats": row 0: its reader has been read; want FromFrame of a new one for each join` {
		t.Errorf("error %v", err)
	}
	if err := run(first, table); err == nil {
		t.Error("no error")
	}
}

func TestFrameErrorsNameTheColumns(t *testing.T) {
	table := statsTable()
	table.Columns = append(table.Columns, recsys.Column{Name: "size"}, recsys.Column{Name: "item"}, recsys.Column{Name: "ctr", Kind: recsys.ID}, recsys.Column{Name: "vec", Kind: recsys.Vector, Dim: 3})
	_, err := table.FromFrame(frame.NewReader(statsFrame(), 0), asof.RowColumns{Key: "item", Time: "ctr", Created: "arrived"})
	for _, want := range []string{
		`table "stats": frame: no column "size" (columns: "item"`, `column item string; want numbers`, `column ctr float64; want integers or text`,
		`column vec vector[2]; want dimension 3`, `column ctr float64; want times`, `no column "arrived"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %s", err, want)
		}
	}
	if !errors.As(err, new(*frame.ColumnError)) {
		t.Errorf("error %v wraps no *frame.ColumnError", err)
	}
	_, err = asof.Labels{Keys: []string{"item", "user"}, Heads: []string{"query"}}.FromFrame(frame.NewReader(labelsFrame(), 0), asof.LabelColumns{Time: "t", Weight: "weight"})
	for _, want := range []string{`labels: frame: no column "user"`, `column query string; want numbers`, `no column "weight"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

func TestWeightZeroInAFileIsAnError(t *testing.T) {
	f := labelsFrame()
	f.Columns[7].Float64[2] = 0
	l, err := asof.Labels{Keys: []string{"item"}}.FromFrame(frame.NewReader(f, 0), asof.LabelColumns{Time: "t", Weight: "w"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{stats()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Collect(context.Background()); err == nil || !strings.Contains(err.Error(), `labels: row 2: column "w" is 0`) {
		t.Errorf("error %v", err)
	}
}

func TestMissingKeysAndTimesEndTheJoin(t *testing.T) {
	for _, column := range []string{"item", "at", "seen", "t"} {
		rows, labels := statsFrame(), labelsFrame()
		for _, f := range []*frame.Frame{rows, labels} {
			if c, err := f.Column(column); err == nil {
				c.SetMissing(1)
			}
		}
		table, err := statsTable().FromFrame(frame.NewReader(rows, 0), asof.RowColumns{Key: "item", Time: "at", Created: "seen"})
		if err != nil {
			t.Fatal(err)
		}
		l, err := asof.Labels{Keys: []string{"item"}}.FromFrame(frame.NewReader(labels, 0), asof.LabelColumns{Time: "t"})
		if err != nil {
			t.Fatal(err)
		}
		j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{table}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = j.Collect(context.Background())
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("row 1: column %q has no value", column)) {
			t.Errorf("without %s: error %v", column, err)
		}
	}
}

var schema = func() *recsys.Schema {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "price"}, {Name: "ctr"}, {Name: "brand", Kind: recsys.ID}}})
	if err != nil {
		panic(err)
	}
	return s
}()

// exposure has two shown rows and one that was sampled of those not shown.
func exposure(id string, sec int64, user recsys.UserID) *recsys.Exposure {
	return &recsys.Exposure{
		ID: id, Now: time.Unix(sec, 0), User: user, Schema: schema, Shown: 2,
		Rows: []recsys.ExposureRow{
			{Item: 7, Position: 0, Propensity: 0.5, Inclusion: 1, Floats: []float32{1, 2}, IDs: []uint64{3}},
			{Item: 8, Position: 1, Propensity: 0.25, Inclusion: 1, Floats: []float32{4, 5}, IDs: []uint64{6}},
			{Item: 9, Position: -1, Inclusion: 0.125, Floats: []float32{7, 8}, IDs: []uint64{9}},
		},
	}
}

// youngExposure is a record with a column that those of exposure do not have, and no rows.
func youngExposure() *recsys.Exposure {
	young, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "young"}}})
	if err != nil {
		panic(err)
	}
	return &recsys.Exposure{ID: "young", Now: time.Unix(300, 0), User: 3, Schema: young}
}

func clicked(dst []float32, feedback []recsys.Feedback) error {
	dst[0] = 0
	for _, f := range feedback {
		switch f.Kind {
		case recsys.Click:
			dst[0] = 1
		case recsys.Hide:
			dst[0] = float32(math.NaN())
		case recsys.Skip:
			return errors.New("skipped")
		}
	}
	return nil
}

func joinedLog(t *testing.T, records ...any) func(func(recsys.Joined, error) bool) {
	t.Helper()
	j, err := recsys.NewJoiner(recsys.JoinerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return j.Join(func(yield func(recsys.LogRecord, error) bool) {
		for _, r := range records {
			var rec recsys.LogRecord
			switch r := r.(type) {
			case *recsys.Exposure:
				rec.Exposure = r
			case *recsys.Feedback:
				rec.Feedback = r
			case error:
				yield(rec, r)
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	})
}

func TestExposuresAreLabelsWithFeaturesAsServed(t *testing.T) {
	log := []any{
		exposure("a", 100, 1), exposure("b", 200, 2), youngExposure(),
		&recsys.Feedback{Request: "a", User: 1, Item: 8, Kind: recsys.Click, Time: time.Unix(110, 0)},
		&recsys.Feedback{Request: "b", User: 2, Item: 7, Kind: recsys.Hide, Time: time.Unix(210, 0)},
	}
	cfg := asof.ExposureConfig{Heads: []string{"click"}, Label: clicked, Columns: []string{"ctr", "young"}, IDColumns: []string{"brand"}}
	for _, unshown := range []bool{false, true} {
		cfg.Unshown = unshown
		l, err := asof.Exposures(cfg, joinedLog(t, log...))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		groups := map[uint64]bool{}
		for a, err := range l.Rows {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(a.Time/1e9, a.Keys[:2], a.Values, a.Weight, a.Position, a.Propensity, a.Floats, a.IDs))
			if pair := features.PairKey(recsys.UserID(a.Keys[0]), recsys.ItemID(a.Keys[1])); a.Keys[2] != pair {
				t.Errorf("keys %v; want %d last", a.Keys, pair)
			}
			groups[a.Group] = true
		}
		want := []string{
			"100 [1 7] [0] 1 0 0.5 [2 NaN] [3]",
			"100 [1 8] [1] 1 1 0.25 [5 NaN] [6]",
			"100 [1 9] [0] 8 -1 NaN [8 NaN] [9]",
			"200 [2 8] [0] 1 1 0.25 [5 NaN] [6]", // the label of 7 is not known
			"200 [2 9] [0] 8 -1 NaN [8 NaN] [9]",
		}
		if !unshown {
			want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, " 9] [0]") })
		}
		if !slices.Equal(got, want) {
			t.Errorf("unshown %v:\n%s\nwant\n%s", unshown, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(groups) != 2 || !slices.Equal(l.Keys, []string{"user", "item", "user-item"}) {
			t.Errorf("%d groups, keys %v", len(groups), l.Keys)
		}
	}
}

func TestExposuresDoNotShareTheSlicesOfTheirConfig(t *testing.T) {
	cfg := asof.ExposureConfig{Heads: []string{"click"}, Label: clicked, Columns: []string{"ctr"}, IDColumns: []string{"brand"}}
	l, err := asof.Exposures(cfg, joinedLog(t, exposure("a", 100, 1)))
	if err != nil {
		t.Fatal(err)
	}
	l.Columns[0], l.IDColumns[0], l.Heads[0] = "served.ctr", "served.brand", "y" // as for a join that has them of a table too
	if fmt.Sprint(cfg.Heads, cfg.Columns, cfg.IDColumns) != "[click] [ctr] [brand]" {
		t.Errorf("the config became %+v", cfg)
	}
	cfg.Columns[0], cfg.IDColumns[0] = "x", "y"
	n := 0
	for a, err := range l.Rows {
		if err != nil || a.Floats[0] != 2 && a.Floats[0] != 5 || a.IDs[0] == 0 {
			t.Errorf("%v %v, error %v", a.Floats, a.IDs, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestColumnThatNoRecordHasIsAnError(t *testing.T) {
	cfg := asof.ExposureConfig{Heads: []string{"click"}, Label: clicked, Columns: []string{"ctr", "ctrr"}, IDColumns: []string{"brnd"}}
	l, err := asof.Exposures(cfg, joinedLog(t, exposure("a", 100, 1), exposure("b", 200, 1)))
	if err != nil {
		t.Fatal(err)
	}
	j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{{
		Name: "t", Key: "item", Columns: []recsys.Column{{Name: "x"}}, Rows: asof.Rows(nil),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Collect(context.Background())
	var input *asof.InputError
	if want := `no record has the columns ["ctrr" "brnd"]; want columns that were served, the last record has ["price" "ctr" "brand"]`; !errors.As(err, &input) ||
		input.Input != "labels" || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %s", err, want)
	}
	l, err = asof.Exposures(cfg, joinedLog(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range l.Rows {
		t.Errorf("a log without records: %v", err)
	}
}

func TestArrivalWithoutCreatedIsAnError(t *testing.T) {
	j, err := asof.New(asof.Config{
		Labels: asof.Labels{Keys: []string{"item"}, Rows: asof.LabelRows([]asof.Label{{Time: 9, Keys: []uint64{1}}})},
		Tables: []asof.Table{{
			Name: "t", Key: "item", Arrival: true, Columns: []recsys.Column{{Name: "x"}},
			Rows: asof.Rows([]asof.Row{{Key: 1, Time: 1, Created: 1, Floats: []float32{1}}, {Key: 1, Time: 2, Floats: []float32{2}}}),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Collect(context.Background())
	var input *asof.InputError
	if !errors.As(err, &input) || input.Row != 1 || input.Input != `table "t"` || !strings.Contains(err.Error(), "the row's Created is 0; set it") {
		t.Errorf("error %v; want one that names row 1", err)
	}
}

func TestExposureErrors(t *testing.T) {
	cfg := asof.ExposureConfig{Heads: []string{"click"}, Label: clicked, Columns: []string{"ctr"}}
	if _, err := asof.Exposures(asof.ExposureConfig{Heads: []string{"click"}}, nil); err == nil {
		t.Error("no error without Label")
	}
	bad := func(edit func(*recsys.Exposure)) *recsys.Exposure {
		x := exposure("x", 1, 1)
		edit(x)
		return x
	}
	broken := errors.New("broken")
	for want, log := range map[string][]any{
		"broken":                              {exposure("a", 1, 1), broken},
		`exposure "x": the record has no sch`: {bad(func(x *recsys.Exposure) { x.Schema = nil })},
		`exposure "x": row 1 has 1 floats`:    {bad(func(x *recsys.Exposure) { x.Rows[1].Floats = x.Rows[1].Floats[:1] })},
		`labels of row 0: skipped`:            {exposure("x", 1, 1), &recsys.Feedback{Request: "x", Item: 7, Kind: recsys.Skip, Time: time.Unix(2, 0)}},
		`row 2: inclusion probability 0`:      {bad(func(x *recsys.Exposure) { x.Rows[2].Inclusion = 0 })},
		`feature "brand": source "test" writ`: {exposure("kinds", 1, 1)},
	} {
		cfg := cfg
		cfg.Unshown = strings.Contains(want, "inclusion")
		if strings.Contains(want, "brand") {
			cfg.Columns = []string{"brand"}
		}
		l, err := asof.Exposures(cfg, joinedLog(t, log...))
		if err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range l.Rows {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), want) {
			t.Errorf("error %v; want %s", last, want)
		}
	}
}

func TestNegativesStandBehindTheirPositive(t *testing.T) {
	items := []recsys.ItemID{1, 2, 3, 4, 5, 6, 7, 8}
	s := sampler(t, asof.SamplerConfig{Items: items, Draws: 3, Seed: 5})
	var seen asof.Seen
	seen.Add(9, 1, 100)
	seen.Add(9, 2, 300)
	positives := []asof.Label{
		{Time: 100, Keys: []uint64{9, 4, 94}, Values: []float32{1, 5}, Weight: 2, Group: 77, Position: 3, Propensity: 0.5, Floats: []float32{8}},
		{Time: 300, Keys: []uint64{9, 5, 95}, Values: []float32{1, 5}, Weight: 1, Group: 78, Position: 1, Propensity: 0.5, Floats: []float32{9}},
	}
	l := asof.Labels{Rows: asof.LabelRows(positives), Keys: []string{"user", "item", "pair"}, Heads: []string{"buy", "price"}, Columns: []string{"hour"}}
	l, err := asof.Negatives{
		Sampler: s, Item: "item", Rekey: func(keys []uint64) { keys[2] = 10*keys[0] + keys[1] },
		Exclude: func(dst []recsys.ItemID, a *asof.Label) []recsys.ItemID {
			return seen.Items(dst, recsys.UserID(a.Keys[0]), a.Time)
		},
	}.Labels(l)
	if err != nil {
		t.Fatal(err)
	}
	at, drawn := -1, 0
	var exclude []recsys.ItemID
	var want []asof.Negative
	for a, err := range l.Rows {
		if err != nil {
			t.Fatal(err)
		}
		if a.Values[0] == 1 {
			if len(want) != 0 {
				t.Errorf("positive %d lacks negatives %v", at, want)
			}
			at++
			if fmt.Sprint(a) != fmt.Sprint(positives[at]) {
				t.Errorf("positive %+v; want %+v", a, positives[at])
			}
			exclude = []recsys.ItemID{1, recsys.ItemID(positives[at].Keys[1])}
			if at == 1 {
				exclude = append(exclude, 2)
			}
			want = s.Draw(nil, uint64(at), exclude)
			continue
		}
		p := positives[at]
		if len(want) == 0 || a.Keys[1] != uint64(want[0].Item) || a.Weight != p.Weight*want[0].Weight {
			t.Fatalf("negative %+v; want %v next", a, want)
		}
		want = want[1:]
		drawn++
		if a.Keys[0] != 9 || a.Keys[2] != 90+a.Keys[1] || a.Time != p.Time || a.Group != p.Group || a.Position != -1 || a.Propensity == a.Propensity ||
			!slices.Equal(a.Values, []float32{0, 0}) || !slices.Equal(a.Floats, p.Floats) || slices.Contains(exclude, recsys.ItemID(a.Keys[1])) {
			t.Errorf("negative %+v of %+v", a, p)
		}
	}
	if at != 1 || drawn < 4 || len(want) != 0 {
		t.Errorf("%d positives, %d negatives, %v left", at+1, drawn, want)
	}
	l.Keys = []string{"user", "item", "user-item"}
	pairs, err := asof.Negatives{Sampler: s, Item: "item"}.Labels(asof.Labels{Rows: asof.LabelRows(positives), Keys: l.Keys})
	if err != nil {
		t.Fatal(err)
	}
	for a, err := range pairs.Rows {
		if pair := features.PairKey(9, recsys.ItemID(a.Keys[1])); err != nil || a.Values[0] == 0 && a.Keys[2] != pair {
			t.Errorf("keys %v, %v; want %d last", a.Keys, err, pair)
		}
	}
	l.Keys = []string{"who", "item", "user-item"}
	for name, n := range map[string]asof.Negatives{"a pair of nobody": {Sampler: s, Item: "item"}, "no sampler": {Item: "item"}, "no such key": {Sampler: s, Item: "thing"}} {
		if _, err := n.Labels(l); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The weight 0 means 1, for the negatives of a positive too.
func TestNegativesOfAnUnweightedPositiveAreWeighted(t *testing.T) {
	s := sampler(t, asof.SamplerConfig{Items: []recsys.ItemID{1, 2, 3, 4, 5, 6, 7, 8, 9}, Draws: 2})
	labels := func(weight float32) asof.Labels {
		positives := asof.LabelRows([]asof.Label{{Time: 1, Keys: []uint64{4}, Values: []float32{1}, Weight: weight}})
		l, err := asof.Negatives{Sampler: s, Item: "item"}.Labels(asof.Labels{Rows: positives, Keys: []string{"item"}, Heads: []string{"buy"}})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	weights := func(l asof.Labels) (all []float32) {
		j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{stats()}})
		if err != nil {
			t.Fatal(err)
		}
		for row, err := range j.All(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, row.Weight)
		}
		return all
	}
	got, want := weights(labels(0)), weights(labels(1))
	if !slices.Equal(got, want) || len(got) != 3 || got[1] != 4 {
		t.Errorf("weights %v; want %v, of which the negatives stand for 8 items together", got, want)
	}
}
