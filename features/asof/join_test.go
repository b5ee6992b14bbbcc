package asof_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/internal/race"
)

// stats is a table of one float column with rows in the order given.
func stats(rows ...asof.Row) asof.Table {
	return asof.Table{Name: "stats", Key: "item", Columns: []recsys.Column{{Name: "x"}}, Rows: asof.Rows(rows)}
}

func row(key uint64, at, created int64, x float32) asof.Row {
	return asof.Row{Key: key, Time: at, Created: created, Floats: []float32{x}}
}

func labelsAt(key uint64, times ...int64) asof.Labels {
	var list []asof.Label
	for _, at := range times {
		list = append(list, asof.Label{Time: at, Keys: []uint64{key}, Weight: 1})
	}
	return asof.Labels{Rows: asof.LabelRows(list), Keys: []string{"item"}}
}

// values joins one table and returns its value for each label, in the order of time.
func values(t *testing.T, l asof.Labels, table asof.Table) (out []float32) {
	t.Helper()
	j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{table}})
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range j.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Floats[0])
	}
	return out
}

// Each rule of the definition by itself, with a case on either side of it.
func TestRulesOneByOne(t *testing.T) {
	none := float32(math.NaN())
	for _, c := range []struct {
		name  string
		table asof.Table
		edit  func(*asof.Table)
		times []int64
		want  []float32
	}{
		{"event time <= t", stats(row(1, 10, 0, 1), row(1, 20, 0, 2)), nil, []int64{9, 10, 19, 20}, []float32{none, 1, 1, 2}},
		{"strictly before where declared", stats(row(1, 10, 0, 1), row(1, 20, 0, 2)), func(t *asof.Table) { t.Strict = true }, []int64{10, 11, 20, 21}, []float32{none, 1, 1, 2}},
		{"created <= t, also where strict", stats(row(1, 10, 15, 1)), func(t *asof.Table) { t.Arrival, t.Strict = true, true }, []int64{14, 15}, []float32{none, 1}},
		{"created is not looked at without Arrival", stats(row(1, 10, 15, 1)), nil, []int64{10}, []float32{1}},
		{"a newer row that has not arrived hides nothing", stats(row(1, 10, 10, 1), row(1, 20, 30, 2)), func(t *asof.Table) { t.Arrival = true }, []int64{25, 30}, []float32{1, 2}},
		{"an older row that arrives late does not come back", stats(row(1, 20, 20, 2), row(1, 10, 30, 1)), func(t *asof.Table) { t.Arrival = true }, []int64{25, 30}, []float32{2, 2}},
		{"of equal event times the latest created", stats(row(1, 10, 12, 2), row(1, 10, 11, 1)), func(t *asof.Table) { t.Arrival = true }, []int64{11, 12, 13}, []float32{1, 2, 2}},
		{"created before the event counts in ties too", stats(row(1, 10, 9, 2), row(1, 10, 8, 1)), func(t *asof.Table) { t.Arrival = true }, []int64{10}, []float32{2}},
		{"then the last in the file", stats(row(1, 10, 12, 1), row(1, 10, 12, 2)), func(t *asof.Table) { t.Arrival = true }, []int64{12}, []float32{2}},
		{"without created too", stats(row(1, 10, 12, 1), row(1, 10, 11, 2)), nil, []int64{12}, []float32{2}},
		{"missing when t - event time > TTL", stats(row(1, 10, 0, 1)), func(t *asof.Table) { t.TTL = 5 }, []int64{15, 16}, []float32{1, none}},
		{"age counts from the event, not from arrival", stats(row(1, 10, 14, 1)), func(t *asof.Table) { t.Arrival, t.TTL = true, 5 }, []int64{14, 15, 16}, []float32{1, 1, none}},
		{"an expired row is not replaced by an older one", stats(row(1, 9, 17, 0), row(1, 10, 10, 1)), func(t *asof.Table) { t.Arrival, t.TTL = true, 5 }, []int64{15, 17}, []float32{1, none}},
		{"TTL 0 never expires", stats(row(1, math.MinInt64, 0, 1)), nil, []int64{math.MaxInt64}, []float32{1}},
		{"ages beyond 292 years expire", stats(row(1, math.MinInt64, 0, 1)), func(t *asof.Table) { t.TTL = math.MaxInt64 - 1 }, []int64{math.MaxInt64}, []float32{none}},
		{"the end of time, strictly", stats(row(1, math.MaxInt64, 0, 1)), func(t *asof.Table) { t.Strict = true }, []int64{math.MaxInt64}, []float32{none}},
		{"dated ahead of arrival it counts from its event time on", stats(row(1, 20, 10, 1)), func(t *asof.Table) { t.Arrival = true }, []int64{19, 20}, []float32{none, 1}},
		{"dated ahead by Future it does too", stats(row(1, 20, 10, 1)), func(t *asof.Table) { t.Arrival, t.Future = true, 10 }, []int64{19, 20}, []float32{none, 1}},
		{"dated further ahead it is refused", stats(row(1, 5, 5, 1), row(1, 20, 10, 2)), func(t *asof.Table) { t.Arrival, t.Future = true, 9 }, []int64{20}, []float32{1}},
		{"without arrival nothing is ahead", stats(row(1, 20, 10, 1)), func(t *asof.Table) { t.Future = 9 }, []int64{20}, []float32{1}},
		{"the end of time is too far ahead", stats(row(1, math.MaxInt64, math.MinInt64, 1)), func(t *asof.Table) { t.Arrival, t.Future = true, 9 }, []int64{math.MaxInt64}, []float32{none}},
		{"other keys do not matter", stats(row(2, 10, 0, 1)), nil, []int64{10}, []float32{none}},
		{"no rows", stats(), nil, []int64{10}, []float32{none}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.edit != nil {
				c.edit(&c.table)
			}
			got := values(t, labelsAt(1, c.times...), c.table)
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("at %v: %v; want %v", c.times, got, c.want)
			}
		})
	}
}

func TestConfigNamesEveryMistake(t *testing.T) {
	good := func() asof.Config { return asof.Config{Labels: labelsAt(1, 1), Tables: []asof.Table{stats()}} }
	for _, c := range []struct {
		want string
		edit func(*asof.Config)
	}{
		{"Labels.Rows is nil", func(c *asof.Config) { c.Labels.Rows = nil }},
		{"Labels.Keys is empty", func(c *asof.Config) { c.Labels.Keys = nil }},
		{`Labels.Keys has "item"`, func(c *asof.Config) { c.Labels.Keys = []string{"item", "item"} }},
		{`Labels.Heads has ""`, func(c *asof.Config) { c.Labels.Heads = []string{""} }},
		{"Tables has 0 tables", func(c *asof.Config) { c.Tables = nil }},
		{"Tables has 65 tables", func(c *asof.Config) { c.Tables = make([]asof.Table, 65) }},
		{`Tables[1].Name is "stats"`, func(c *asof.Config) { c.Tables = append(c.Tables, c.Tables[0]) }},
		{`column "x" is in the labels and in table "stats"; want each once: for what was served set ExposureConfig.Prefix`, func(c *asof.Config) { c.Labels.Columns = []string{"x"} }},
		{`column "x" is twice in table "stats"`, func(c *asof.Config) { c.Tables[0].Age = "x" }},
		{`column "x" is in table "stats" and in table "more"`, func(c *asof.Config) { c.Tables = append(c.Tables, c.Tables[0]); c.Tables[1].Name = "more" }},
		{`table "stats": Key is "user"`, func(c *asof.Config) { c.Tables[0].Key = "user" }},
		{`table "stats": Columns is empty`, func(c *asof.Config) { c.Tables[0].Columns = nil }},
		{`table "stats": Rows is nil`, func(c *asof.Config) { c.Tables[0].Rows = nil }},
		{`table "stats": TTL is -1ns`, func(c *asof.Config) { c.Tables[0].TTL = -1 }},
		{`table "stats": Stale is 9`, func(c *asof.Config) { c.Tables[0].Stale = 9 }},
		{"Future is -1ns", func(c *asof.Config) { c.Tables[0].Future = -1 }},
		{"Dim >= 1", func(c *asof.Config) { c.Tables[0].Columns = []recsys.Column{{Name: "v", Kind: recsys.Vector}} }},
		{"Memory is 1000 bytes; want >= 131072", func(c *asof.Config) { c.Memory = 1000 }},
		{"Memory is -1 bytes", func(c *asof.Config) { c.Memory, c.Labels.Sorted, c.Tables[0].Sorted = -1, true, true }},
	} {
		cfg := good()
		c.edit(&cfg)
		if _, err := asof.New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
	bad := good()
	bad.Labels.Rows, bad.Tables[0].TTL, bad.Tables[0].Key = nil, -1, ""
	_, err := asof.New(bad)
	for _, want := range []string{"Labels.Rows", "TTL", "Key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q among others", err, want)
		}
	}
	if _, err := asof.New(good()); err != nil {
		t.Error(err)
	}
}

func TestBadRowsAreNamed(t *testing.T) {
	inf := float32(math.Inf(1))
	columns := []recsys.Column{{Name: "x"}, {Name: "y"}, {Name: "id", Kind: recsys.ID}, {Name: "v", Kind: recsys.Vector, Dim: 2}, {Name: "w", Kind: recsys.Vector, Dim: 1}}
	fine := asof.Row{Key: 1, Time: 5, Floats: []float32{1, float32(math.NaN())}, IDs: []uint64{1}, Vectors: []float32{1, 2, 3}}
	edit := func(f func(*asof.Row)) asof.Row {
		r := fine
		r.Floats, r.IDs, r.Vectors = slices.Clone(r.Floats), slices.Clone(r.IDs), slices.Clone(r.Vectors)
		f(&r)
		return r
	}
	table := func(rows ...asof.Row) asof.Table {
		return asof.Table{Name: "t", Key: "item", Columns: columns, Rows: asof.Rows(rows)}
	}
	in := func(l asof.Label) asof.Labels {
		return asof.Labels{Rows: asof.LabelRows([]asof.Label{{Keys: []uint64{1}, Values: []float32{1}, Weight: 1}, l}), Keys: []string{"item"}, Heads: []string{"y"}}
	}
	sorted := func(t asof.Table) asof.Table { t.Sorted = true; return t }
	late := func(t asof.Table) asof.Table { t.Arrival, t.Sorted = true, true; return t }
	good := asof.Label{Keys: []uint64{1}, Values: []float32{1}, Weight: 1, Time: 9}
	for _, c := range []struct {
		name, want string
		labels     asof.Labels
		table      asof.Table
		order      bool
	}{
		{"infinite float", `asof: table "t": row 1: column "y": +Inf`, in(good), table(fine, edit(func(r *asof.Row) { r.Floats[1] = inf })), false},
		{"vector that is no number", `asof: table "t": row 0: column "w": NaN`, in(good), table(edit(func(r *asof.Row) { r.Vectors[2] = float32(math.NaN()) })), false},
		{"too few floats", `asof: table "t": row 0: 1 floats, 1 ids and 3 vector values; want 2, 1 and 3`, in(good), table(edit(func(r *asof.Row) { r.Floats = r.Floats[:1] })), false},
		{"too many ids", `asof: table "t": row 0: 2 floats, 2 ids`, in(good), table(edit(func(r *asof.Row) { r.IDs = append(r.IDs, 1) })), false},
		{"out of order", `asof: table "t": row 1: time 4 after 5: rows are not in the order that Sorted declares`, in(good), sorted(table(fine, edit(func(r *asof.Row) { r.Time = 4 }))), true},
		{"out of the order of arrival", `asof: table "t": row 1: time 6 after 8`, in(good), late(table(edit(func(r *asof.Row) { r.Created = 8 }), edit(func(r *asof.Row) { r.Time, r.Created = 6, 6 }))), true},
		{"after the last label too", `asof: table "t": row 1: time 14 after 15`, in(good), sorted(table(edit(func(r *asof.Row) { r.Time = 15 }), edit(func(r *asof.Row) { r.Time = 14 }))), true},
		{"keys", "asof: labels: row 1: 0 keys, 1 values", in(asof.Label{Values: []float32{1}, Weight: 1}), table(fine), false},
		{"negative weight", "asof: labels: row 1: weight -1", in(asof.Label{Keys: []uint64{1}, Values: []float32{1}, Weight: -1}), table(fine), false},
		{"propensity", "asof: labels: row 1: propensity 1.5", in(asof.Label{Keys: []uint64{1}, Values: []float32{1}, Propensity: 1.5}), table(fine), false},
		{"infinite label", `asof: labels: row 1: label "y" is +Inf; want a finite number`, in(asof.Label{Keys: []uint64{1}, Values: []float32{inf}, Weight: 1}), table(fine), false},
		{"labels out of order", "asof: labels: row 1: time -1 after 0", func() asof.Labels {
			l := in(asof.Label{Keys: []uint64{1}, Values: []float32{1}, Weight: 1, Time: -1})
			l.Sorted = true
			return l
		}(), table(fine), true},
	} {
		j, err := asof.New(asof.Config{Labels: c.labels, Tables: []asof.Table{c.table}})
		if err != nil {
			t.Fatal(c.name, err)
		}
		_, err = j.Collect(context.Background())
		if bad := (*asof.InputError)(nil); err == nil || !strings.HasPrefix(err.Error(), c.want) || !errors.As(err, &bad) || errors.Is(err, asof.ErrOrder) != c.order {
			t.Errorf("%s: error %v; want %s", c.name, err, c.want)
		}
	}
}

// many gives n rows of so many entities in order, without keeping them.
func many(n, entities int) iter.Seq2[asof.Row, error] {
	return func(yield func(asof.Row, error) bool) {
		r := asof.Row{Floats: make([]float32, 1)}
		for i := range n {
			r.Key, r.Time, r.Created = uint64(i)*7919%uint64(entities), int64(i), int64(i)+3
			if !yield(r, nil) {
				return
			}
		}
	}
}

func manyLabels(n int, every int64) iter.Seq2[asof.Label, error] {
	return func(yield func(asof.Label, error) bool) {
		a := asof.Label{Keys: make([]uint64, 1), Weight: 1}
		for i := range n {
			a.Time, a.Keys[0] = int64(i)*every, uint64(i)
			if !yield(a, nil) {
				return
			}
		}
	}
}

// allocated returns the bytes that a join allocates in all, and those of its entities.
func allocated(t *testing.T, rows, labels, entities int) (total uint64, state int64) {
	t.Helper()
	table := stats()
	table.Rows, table.Sorted, table.Arrival = many(rows, entities), true, true
	j, err := asof.New(asof.Config{Labels: asof.Labels{Rows: manyLabels(labels, int64(rows/labels)), Keys: []string{"item"}, Sorted: true}, Tables: []asof.Table{table}})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for _, err := range j.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	runtime.ReadMemStats(&after)
	if n != labels || j.Report().Tables[0].Entities != int64(entities) {
		t.Fatalf("%d labels, report %+v", n, j.Report())
	}
	return after.TotalAlloc - before.TotalAlloc, j.Report().Tables[0].Bytes
}

// Memory is O(entities): a join of sorted inputs allocates the same in all, freed or not, for ten times
// the rows and labels.
func TestMemoryIsThatOfTheEntities(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	few, small := allocated(t, 20_000, 2_000, 1000)
	more, same := allocated(t, 200_000, 20_000, 1000)
	if small != same || small < 1000*(8+8+8+8+12) || small > 4*1000*(8+8+8+8+12) {
		t.Errorf("entities take %d and %d bytes; want the same, of about 1,000 rows", small, same)
	}
	if more > few+few/10+16<<10 {
		t.Errorf("ten times the rows and labels allocate %d bytes, not %d", more, few)
	}
	_, large := allocated(t, 200_000, 20_000, 16_000)
	if large < 8*small || large > 32*small {
		t.Errorf("16 times the entities take %d bytes, 1,000 take %d", large, small)
	}
}

func TestProgressTellsOfEveryInput(t *testing.T) {
	table := stats()
	table.Rows, table.Arrival, table.Sorted = many(150_000, 10), true, true
	var told []string
	last := map[string]int64{}
	j, err := asof.New(asof.Config{
		Labels: asof.Labels{Rows: manyLabels(70_000, 1), Keys: []string{"item"}}, Tables: []asof.Table{table},
		Progress: func(p asof.Progress) {
			if p.Rows < last[p.Input] {
				t.Errorf("%+v after %d", p, last[p.Input])
			}
			last[p.Input] = p.Rows
			told = append(told, fmt.Sprint(p))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Collect(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{"{labels true 65536 false}", "{labels true 70000 true}", `{table "stats" false 65536 false}`, `{table "stats" false 131072 false}`, `{table "stats" false 150000 true}`}
	if !slices.Equal(told, want) {
		t.Errorf("told %v; want %v", told, want)
	}
}

func TestReportSaysWhereArrivalIsNotKnown(t *testing.T) {
	known, unknown := stats(row(1, 10, 12, 1), row(1, 9, 14, 1), row(1, 50, 49, 1), row(1, 20, 11, 1)), stats(row(1, 10, 0, 1))
	known.Arrival, known.TTL, known.Future = true, 5*time.Nanosecond, 1
	unknown.Name, unknown.Columns = "other", []recsys.Column{{Name: "z", MaxAge: 3}}
	j, err := asof.New(asof.Config{Labels: labelsAt(1, 11, 12, 14, 30), Tables: []asof.Table{known, unknown}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Collect(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := `4 labels
stats: 4 rows of 1 entities
  labels: 2 matched, 1 missing, 1 expired, 0 with stale values
  rows: 2 late, by at most 5ns, 1 superseded, 2 ahead of their arrival, 1 of them refused, 1 in the future of all labels
other: 1 rows of 1 entities
  labels: 4 matched, 0 missing, 0 expired, 2 with stale values
  rows: 0 in the future of all labels
  no arrival column: rows count as known from their event time on, so those that arrived late leak the future
`
	if got := j.Report().String(); got != want {
		t.Errorf("report:\n%s\nwant:\n%s", got, want)
	}
}

func TestZeroWeightAndPropensityAreDefaults(t *testing.T) {
	l := asof.Labels{Keys: []string{"item"}, Rows: asof.LabelRows([]asof.Label{{Keys: []uint64{1}}})}
	j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{stats()}})
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range j.All(context.Background()) {
		if err != nil || row.Weight != 1 || row.Propensity == row.Propensity {
			t.Errorf("weight %v, propensity %v, %v; want 1 and NaN", row.Weight, row.Propensity, err)
		}
	}
}

// A source that is nothing but rows to be left out is stopped as any other, and tells how far it is.
func TestRefusedRowsDoNotOutrunTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	table, given, told := stats(), 0, 0
	table.Arrival, table.Future = true, time.Second
	table.Rows = func(yield func(asof.Row, error) bool) {
		for given = range 1_000_000 {
			if given == 70_000 {
				cancel()
			}
			if !yield(row(1, int64(time.Hour), 1, 1), nil) {
				return
			}
		}
	}
	j, err := asof.New(asof.Config{Labels: labelsAt(1, 5), Tables: []asof.Table{table}, Progress: func(asof.Progress) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range j.All(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	if given > 71_000 || told != 1 {
		t.Errorf("%d rows were read, %d times told; want about 70,000 and 1", given, told)
	}
}

func TestSourcesMayReuseTheirSlices(t *testing.T) {
	keys, floats := []uint64{0}, []float32{0}
	table := stats()
	table.Rows = func(yield func(asof.Row, error) bool) {
		for i := range 5 {
			floats[0] = float32(i)
			if !yield(asof.Row{Key: uint64(i), Time: int64(5 - i), Floats: floats}, nil) {
				return
			}
		}
	}
	l := asof.Labels{Keys: []string{"item"}, Rows: func(yield func(asof.Label, error) bool) {
		for i := range 5 {
			keys[0] = uint64(i)
			if !yield(asof.Label{Time: int64(20 - i), Keys: keys, Weight: 1}, nil) {
				return
			}
		}
	}}
	if got := values(t, l, table); !slices.Equal(got, []float32{4, 3, 2, 1, 0}) {
		t.Error(got)
	}
}
