package asof_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
)

// world is a small random join: its tables and labels, as they stand in files.
type world struct {
	labels []asof.Label
	tables []worldTable
}

type worldTable struct {
	asof.Table
	rows []asof.Row
}

// answer is what a table has for a label: the number of the row, -1 for none.
type answer struct {
	row     int
	expired bool
	age     int64
}

// bruteForce is the definition: the row with the largest event time <= t (< t where strict) among the
// rows with created <= t where there is an arrival time; of ties the latest created, then the last in
// the file; none when t - event time > TTL.
func bruteForce(t *worldTable, key uint64, now int64) answer {
	best := -1
	for i, r := range t.rows {
		switch {
		case r.Key != key, r.Time > now, t.Strict && r.Time == now, t.Arrival && r.Created > now:
			continue
		case best < 0:
		case r.Time < t.rows[best].Time:
			continue
		case r.Time == t.rows[best].Time && t.Arrival && r.Created < t.rows[best].Created:
			continue
		}
		best = i
	}
	if best < 0 {
		return answer{row: -1}
	}
	age := now - t.rows[best].Time
	if t.TTL > 0 && age > int64(t.TTL) {
		return answer{row: -1, expired: true}
	}
	return answer{row: best, age: age}
}

var tableNames = [...]string{"a", "b", "c"}

// newWorld draws a world: few entities and moments, so that ties abound. All of it is
// reused by the next.
func (w *world) draw(r *rand.Rand) {
	const keys = 3
	w.labels = w.labels[:0]
	span := 1 + r.Int64N(10)
	from := []int64{0, -5, 1_700_000_000_000_000_000, math.MinInt64, math.MaxInt64 - span - 2}[r.IntN(5)]
	for range r.IntN(7) {
		w.labels = append(w.labels, asof.Label{
			Time: from + r.Int64N(span+3), Keys: []uint64{r.Uint64N(keys + 1), r.Uint64N(keys + 1)}, Values: []float32{r.Float32()},
			Weight: 1, Group: r.Uint64(), Position: int32(r.IntN(5)) - 1, Propensity: r.Float64(),
		})
	}
	w.tables = slices.Grow(w.tables[:0], len(tableNames))
	for k := range 1 + r.IntN(len(tableNames)) {
		w.tables = w.tables[:k+1]
		t := &w.tables[k]
		t.rows = t.rows[:0]
		t.Table = asof.Table{
			Name: tableNames[k], Key: [...]string{"user", "item"}[r.IntN(2)], Columns: []recsys.Column{{Name: tableNames[k]}},
			Arrival: r.IntN(3) > 0, Strict: r.IntN(2) == 0, TTL: time.Duration(r.IntN(2) * r.IntN(6)),
		}
		delay := 1 + r.Int64N(4)
		for i := range r.IntN(9) {
			row := asof.Row{Key: r.Uint64N(keys), Time: from + r.Int64N(span+2), Floats: []float32{float32(i)}}
			row.Created = row.Time
			if r.IntN(2) == 0 {
				row.Created += min(r.Int64N(delay), math.MaxInt64-max(row.Time, 0))
			} else if r.IntN(4) == 0 && row.Time > math.MinInt64+9 {
				row.Created -= r.Int64N(delay) // a clock that is ahead
			}
			if row.Created == 0 {
				row.Created = 1 // 0 is an error
			}
			t.rows = append(t.rows, row)
		}
	}
}

// visible is when a row can first be read; of one that never can, the end of time.
func (t *worldTable) visible(r *asof.Row) int64 {
	at := r.Time
	if t.Strict && at < math.MaxInt64 {
		at++
	}
	if t.Arrival {
		at = max(at, r.Created)
	}
	return at
}

// join runs the world's join. Inputs of which presort has the bit are given in order and declared so: the
// oracle then sees the sorted tables too, so that the order of the file is the same for both.
func (w *world) config(presort uint) asof.Config {
	cfg := asof.Config{Labels: asof.Labels{Keys: []string{"user", "item"}, Heads: []string{"click"}}}
	if presort&1 != 0 {
		slices.SortStableFunc(w.labels, func(a, b asof.Label) int { return cmp.Compare(a.Time, b.Time) })
		cfg.Labels.Sorted = true
	}
	cfg.Labels.Rows = asof.LabelRows(w.labels)
	for k := range w.tables {
		t := &w.tables[k]
		if presort>>(k+1)&1 != 0 {
			slices.SortStableFunc(t.rows, func(a, b asof.Row) int { return cmp.Compare(t.visible(&a), t.visible(&b)) })
			t.Sorted = true
		}
		t.Rows = asof.Rows(t.rows)
		cfg.Tables = append(cfg.Tables, t.Table)
	}
	return cfg
}

// check compares a join with the oracle. It returns what differs first.
func (w *world) check(cfg asof.Config) error {
	j, err := asof.New(cfg)
	if err != nil {
		return err
	}
	want := make([]asof.TableReport, len(w.tables))
	seen, last, lastNumber := 0, int64(math.MinInt64), int64(-1)
	for row, err := range j.All(context.Background()) {
		if err != nil {
			return err
		}
		label := &w.labels[row.Number]
		if row.Time < last || row.Time == last && row.Number < lastNumber {
			return fmt.Errorf("label %d at %d comes after label %d at %d", row.Number, row.Time, lastNumber, last)
		}
		seen, last, lastNumber = seen+1, row.Time, row.Number
		if row.Time != label.Time || !slices.Equal(row.Keys, label.Keys) || !slices.Equal(row.Values, label.Values) ||
			row.Group != label.Group || row.Position != label.Position || row.Propensity != label.Propensity || row.Weight != label.Weight {
			return fmt.Errorf("label %d is %+v; want %+v", row.Number, row.Label, *label)
		}
		for k := range w.tables {
			t := &w.tables[k]
			key := label.Keys[slices.Index(cfg.Labels.Keys, t.Key)]
			a := bruteForce(t, key, label.Time)
			bit := uint64(1) << k
			switch {
			case a.expired:
				want[k].Expired++
			case a.row < 0:
				want[k].Missing++
			default:
				want[k].Matched++
			}
			got := row.Floats[k]
			ok := row.Missing&bit != 0 == (a.row < 0) && row.Expired&bit != 0 == a.expired
			if a.row < 0 {
				ok = ok && got != got && row.Ages[k] != row.Ages[k]
			} else {
				ok = ok && got == t.rows[a.row].Floats[0] && row.Ages[k] == float32(float64(a.age)/1e9)
			}
			if !ok {
				return fmt.Errorf("label %d (%v at %d), table %q: got row %v, age %v, missing %b, expired %b; want %+v of %+v",
					row.Number, label.Keys, label.Time, t.Name, got, row.Ages[k], row.Missing, row.Expired, a, t.rows)
			}
		}
	}
	if seen != len(w.labels) {
		return fmt.Errorf("%d labels came out of %d", seen, len(w.labels))
	}
	report := j.Report()
	for k, r := range report.Tables {
		if r.Matched != want[k].Matched || r.Missing != want[k].Missing || r.Expired != want[k].Expired {
			return fmt.Errorf("table %q: report %+v; want %d matched, %d missing, %d expired", r.Name, r, want[k].Matched, want[k].Missing, want[k].Expired)
		}
		if err := w.tables[k].checkRows(r, last, seen > 0); err != nil {
			return err
		}
	}
	return nil
}

// checkRows compares the counts of rows.
func (t *worldTable) checkRows(r asof.TableReport, last int64, any bool) error {
	want := asof.TableReport{}
	keys := map[uint64]bool{}
	for i := range t.rows {
		row := &t.rows[i]
		want.Rows++
		if t.Arrival && row.Created > row.Time {
			want.Late++
			want.MaxDelay = max(want.MaxDelay, time.Duration(row.Created-row.Time))
		}
		if t.Arrival && row.Created < row.Time {
			want.Ahead++
		}
		if !any || t.visible(row) > last || t.Strict && row.Time == math.MaxInt64 {
			want.Future++
			continue
		}
		keys[row.Key] = true
		// Something better was visible no later, and had come before.
		for j := range t.rows {
			o := &t.rows[j]
			ov, v := t.visible(o), t.visible(row)
			better := o.Key == row.Key && (o.Time > row.Time || o.Time == row.Time && t.Arrival && o.Created > row.Created)
			if better && (ov < v || ov == v && j < i) {
				want.Superseded++
				break
			}
		}
	}
	want.Entities = int64(len(keys))
	if r.Rows != want.Rows || r.Late != want.Late || r.MaxDelay != want.MaxDelay || r.Ahead != want.Ahead ||
		r.Future != want.Future || r.Superseded != want.Superseded || r.Entities != want.Entities {
		return fmt.Errorf("table %q: report of rows %+v; want %+v of %+v", t.Name, r, want, t.rows)
	}
	return nil
}

// cases is how many random joins to try: 1,000,000 and more with ASOF_CASES.
func cases(t *testing.T, quick int) int {
	if text := os.Getenv("ASOF_CASES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("ASOF_CASES is %q", text)
		}
		return n
	}
	return quick
}

func TestJoinIsTheBruteForceJoin(t *testing.T) {
	quick := 25_000
	if testing.Short() {
		quick = 4_000
	}
	n := cases(t, quick)
	var w world
	matched := 0
	for i := range n {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		w.draw(r)
		if err := w.check(w.config(uint(r.IntN(16)))); err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		matched += len(w.labels) * len(w.tables)
	}
	t.Logf("%d joins, %d look-ups", n, matched)
}
