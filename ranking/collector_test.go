package ranking_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

func schemaOf(t testing.TB, columns ...recsys.Column) *recsys.Schema {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exposure is a record of a slate of items 10, 11, … with the shown rows first.
func exposure(t testing.TB, id string, s *recsys.Schema, shown int, rows ...recsys.ExposureRow) *recsys.Exposure {
	t.Helper()
	for i := range rows {
		rows[i].Item = recsys.ItemID(10 + i)
		rows[i].Position, rows[i].Propensity = -1, 0
		if i < shown {
			rows[i].Position, rows[i].Propensity = i, 1/float64(2+i)
		}
	}
	return &recsys.Exposure{ID: id, Schema: s, Rows: rows, Shown: shown, Now: time.Unix(0, 5_000)}
}

func TestCollectorTakesWhatWasServed(t *testing.T) {
	s := schemaOf(t, recsys.Column{Name: "age", Scope: recsys.PerRequest}, recsys.Column{Name: "price"},
		recsys.Column{Name: "topic", Kind: recsys.ID}, recsys.Column{Name: "v", Kind: recsys.Vector, Dim: 2})
	c, err := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"click", "buy"}})
	if err != nil {
		t.Fatal(err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := exposure(t, "r1", s, 3,
		recsys.ExposureRow{Floats: []float32{30, 5}, IDs: []uint64{7}},
		recsys.ExposureRow{Floats: []float32{30, inf}, IDs: []uint64{8}},
		recsys.ExposureRow{Floats: []float32{30, 6}, IDs: []uint64{9}},
		recsys.ExposureRow{Floats: []float32{30, 7}, IDs: []uint64{7}}, // sampled, not shown
	)
	if err := c.Add(x, []float32{1, 0, 0, nan, nan, nan}); err != nil {
		t.Fatal(err)
	}
	// A later schema: price stands elsewhere, topic is gone, age is newer than the log.
	s2 := schemaOf(t, recsys.Column{Name: "x"}, recsys.Column{Name: "price"})
	if err := c.Add(exposure(t, "r2", s2, 1, recsys.ExposureRow{Floats: []float32{1, 2}}), []float32{0, 1}); err != nil {
		t.Fatal(err)
	}
	d, err := c.Dataset()
	if err != nil {
		t.Fatal(err)
	}
	if got := d.String(); got != "3 rows, 2 float and 1 id columns, 2 heads" {
		t.Fatalf("got %s; a row without a label and one that was not shown must be left out", got)
	}
	want := "[30 5] [7] [1 0]|[30 NaN] [8] [0 NaN]|[NaN 2] [0] [0 1]"
	var rows []string
	for i := range d.Len() {
		rows = append(rows, fmt.Sprint(d.FloatRow(i), d.IDRow(i), d.LabelRow(i)))
	}
	if got := strings.Join(rows, "|"); got != want {
		t.Errorf("rows %s; want %s", got, want)
	}
	if d.Groups[0] != d.Groups[1] || d.Groups[0] == d.Groups[2] {
		t.Errorf("groups %v; want one for each record", d.Groups)
	}
	if !slices.Equal(d.Positions, []int32{0, 1, 0}) || !slices.Equal(d.Propensities, []float64{0.5, 1.0 / 3, 0.5}) || !slices.Equal(d.Times, []int64{5000, 5000, 5000}) {
		t.Errorf("positions %v, propensities %v, times %v", d.Positions, d.Propensities, d.Times)
	}
}

func TestCollectorTakesLabelsOfRowsThatWereNotShown(t *testing.T) {
	s := schemaOf(t, recsys.Column{Name: "price"})
	c, _ := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"click"}, IDColumns: []string{}})
	x := exposure(t, "r", s, 1, recsys.ExposureRow{Floats: []float32{1}}, recsys.ExposureRow{Floats: []float32{2}})
	if err := c.Add(x, []float32{1, 0}); err != nil {
		t.Fatal(err)
	}
	d, err := c.Dataset()
	if err != nil || d.Len() != 2 || d.Positions[1] != -1 || !math.IsNaN(d.Propensities[1]) {
		t.Errorf("%v, positions %v, propensities %v, error %v", d, d.Positions, d.Propensities, err)
	}
}

func TestCollectorLabelsJoinedRows(t *testing.T) {
	s := schemaOf(t, recsys.Column{Name: "price"})
	row := func(v float32) recsys.ExposureRow { return recsys.ExposureRow{Floats: []float32{v}} }
	c, _ := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"click", "buy"}})
	j := recsys.Joined{
		Exposure: exposure(t, "r", s, 3, row(1), row(2), row(3), row(4)),
		Feedback: [][]recsys.Feedback{{{Kind: recsys.Click}}, nil}, // shorter than Shown: nothing came for the rest
	}
	boom := errors.New("boom")
	label := func(dst []float32, feedback []recsys.Feedback) error {
		if dst[0] == dst[0] || dst[1] == dst[1] || len(dst) != 2 {
			t.Errorf("labels arrive as %v; want NaN", dst)
		}
		dst[0] = float32(len(feedback))
		return nil
	}
	if err := c.AddJoined(j, label); err != nil {
		t.Fatal(err)
	}
	fails := 0
	if err := c.AddJoined(j, func([]float32, []recsys.Feedback) error {
		if fails++; fails == 2 {
			return boom
		}
		return nil
	}); !errors.Is(err, boom) || !strings.Contains(err.Error(), "labels of row 1") {
		t.Errorf("error %v; want boom with the row", err)
	}
	d, err := c.Dataset()
	if err != nil || !slices.Equal(d.Floats, []float32{1, 2, 3}) || fmt.Sprint(d.Labels) != "[1 NaN 0 NaN 0 NaN]" {
		t.Errorf("rows %v, labels %v, error %v", d.Floats, d.Labels, err)
	}
}

func TestCollectorErrors(t *testing.T) {
	s := schemaOf(t, recsys.Column{Name: "price"}, recsys.Column{Name: "topic", Kind: recsys.ID})
	full := recsys.ExposureRow{Floats: []float32{1}, IDs: []uint64{2}}
	if _, err := ranking.NewCollector(ranking.CollectorConfig{}); err == nil || !strings.Contains(err.Error(), "Heads is empty") {
		t.Errorf("no heads: error %v", err)
	}
	if _, err := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"a"}, Columns: []string{"x", "x"}}); err == nil {
		t.Error("a doubled column is no error")
	}
	for _, c := range []struct {
		want   string
		cfg    ranking.CollectorConfig
		x      *recsys.Exposure
		labels []float32
	}{
		{`exposure "r": 3 labels for 1 rows and 2 heads`, ranking.CollectorConfig{}, exposure(t, "r", s, 1, full), []float32{1, 2, 3}},
		{`exposure "r": 4 labels for 1 rows and 2 heads`, ranking.CollectorConfig{}, exposure(t, "r", s, 1, full), []float32{1, 2, 3, 4}},
		{"the record has no schema", ranking.CollectorConfig{}, exposure(t, "r", nil, 1, full), []float32{1, 0}},
		{"row 0 has 0 floats; its schema has 1", ranking.CollectorConfig{}, exposure(t, "r", s, 1, recsys.ExposureRow{}), []float32{1, 0}},
		{"row 0 has 0 ids", ranking.CollectorConfig{}, exposure(t, "r", s, 1, recsys.ExposureRow{Floats: []float32{1}}), []float32{1, 0}},
		{`feature "topic": source "test" writes it as id, want float`, ranking.CollectorConfig{Columns: []string{"topic"}}, exposure(t, "r", s, 1, full), []float32{1, 0}},
	} {
		c.cfg.Heads = []string{"click", "buy"}
		col, err := ranking.NewCollector(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := col.Add(c.x, c.labels); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
	half, _ := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"click"}})
	if err := half.Add(exposure(t, "r", s, 2, full, recsys.ExposureRow{}), []float32{1, 0}); err == nil {
		t.Error("a row without floats is no error")
	}
	if d, err := half.Dataset(); err != nil || d.Len() != 0 {
		t.Errorf("of a record with an error %d rows were added, error %v", d.Len(), err)
	}
	col, _ := ranking.NewCollector(ranking.CollectorConfig{Columns: []string{"price", "prise"}, Heads: []string{"click"}})
	if err := col.Add(exposure(t, "r", s, 1, full), []float32{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := col.Dataset(); err == nil || !strings.Contains(err.Error(), "no exposure record has the column prise") {
		t.Errorf("a column that was never served: error %v", err)
	}
}

func events(list ...recsys.Event) iter.Seq2[recsys.UserID, recsys.Event] {
	return func(yield func(recsys.UserID, recsys.Event) bool) {
		for i, e := range list {
			if !yield(recsys.UserID(i), e) {
				return
			}
		}
	}
}

func TestFromEventsPutsNegativesBesideThePositive(t *testing.T) {
	at := time.Unix(0, 77)
	cfg := ranking.EventsConfig{
		Columns: []string{"price", "gap"}, IDColumns: []string{"item"}, Heads: []string{"click", "buy"},
		Features: func(floats []float32, ids []uint64, user recsys.UserID, item recsys.ItemID, when time.Time) error {
			floats[0], ids[0] = float32(item)+float32(user)/10, uint64(item)
			if !when.Equal(at) {
				return errors.New("another time")
			}
			return nil
		},
		Negatives: func(dst []recsys.ItemID, user recsys.UserID, e recsys.Event) []recsys.ItemID {
			if user == 1 {
				return dst
			}
			return append(dst, e.Item+100, e.Item+200)
		},
		Labels: func(dst []float32, e recsys.Event) {
			dst[0] = 1
			if e.Kind == recsys.Purchase {
				dst[1] = 1
			}
		},
		NegativeWeight: 10,
	}
	d, err := ranking.FromEvents(cfg, events(
		recsys.Event{Item: 1, Kind: recsys.Click, Time: at},
		recsys.Event{Item: 2, Kind: recsys.Purchase, Time: at},
	))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i := range d.Len() {
		rows = append(rows, fmt.Sprint(d.FloatRow(i), d.IDRow(i), d.LabelRow(i), d.Weight(i)))
	}
	want := "[1 NaN] [1] [1 NaN] 1|[101 NaN] [101] [0 0] 10|[201 NaN] [201] [0 0] 10|[2.1 NaN] [2] [1 1] 1"
	if got := strings.Join(rows, "|"); got != want {
		t.Errorf("rows %s\nwant %s", got, want)
	}
	if g := d.Groups; g[0] != g[1] || g[0] != g[2] || g[0] == g[3] {
		t.Errorf("groups %v; want the positive with its negatives", g)
	}
	if d.Times[0] != 77 {
		t.Errorf("times %v", d.Times)
	}
	cfg.Labels, cfg.Negatives = nil, nil
	d, err = ranking.FromEvents(cfg, events(recsys.Event{Item: 5, Time: at}))
	if err != nil || !slices.Equal(d.Labels, []float32{1, 1}) {
		t.Errorf("labels %v, error %v; want all 1", d.Labels, err)
	}
}

func TestFromEventsErrors(t *testing.T) {
	boom := errors.New("boom")
	features := func(_ []float32, _ []uint64, _ recsys.UserID, item recsys.ItemID, _ time.Time) error {
		if item == 9 {
			return boom
		}
		return nil
	}
	_, err := ranking.FromEvents(ranking.EventsConfig{NegativeWeight: -1}, events())
	for _, want := range []string{"Features is nil", "Heads is empty", "NegativeWeight is -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	cfg := ranking.EventsConfig{Heads: []string{"h"}, Features: features}
	if _, err := ranking.FromEvents(cfg, events(recsys.Event{Item: 1}, recsys.Event{Item: 9})); !errors.Is(err, boom) || !strings.Contains(err.Error(), "event 1 (user 1, item 9)") {
		t.Errorf("error %v; want boom with the event", err)
	}
	cfg.Negatives = func(dst []recsys.ItemID, _ recsys.UserID, _ recsys.Event) []recsys.ItemID { return append(dst, 9) }
	if _, err := ranking.FromEvents(cfg, events(recsys.Event{Item: 1})); !errors.Is(err, boom) || !strings.Contains(err.Error(), "negative item 9") {
		t.Errorf("error %v; want boom with the negative", err)
	}
}
