// Asof times the point-in-time join of a log of events and of labels: seconds, and peak memory.
//
//	go run ./asof
//	go run ./asof -events 2000000 -labels 200000 -lane sorted
//
// The events are rows of two tables: of items, with times of arrival, a tenth of them late by up to an hour, and a TTL; and of users, strictly
// before the label. A row has eight floats and an id. All lanes join the same rows to the same labels, and must find
// the same:
//
//	sorted     both come in order, as from a log: one pass, nothing but a row for each entity is kept
//	unsorted   both come shuffled: sorted on disk first
//	history    the way one writes first: all rows in memory, a sorted list for each entity, and a search in it for each label
//
// Peak memory is the resident set's, where the system tells it (Linux); it contains this program and what the collector has not
// yet returned.
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/internal/hash"
)

func main() { cli.Main(run) }

type options struct {
	events, labels, items, users int
	memory                       int
	lane, temp                   string
	seed                         uint64
	json                         bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := new(options)
	fs := cli.NewFlagSet("asof", "asof [flags]")
	fs.IntVar(&o.events, "events", 10_000_000, "`events`, half of them of items and half of users")
	fs.IntVar(&o.labels, "labels", 1_000_000, "`labels`")
	fs.IntVar(&o.items, "items", 100_000, "`items`")
	fs.IntVar(&o.users, "users", 200_000, "`users`")
	fs.IntVar(&o.memory, "memory", 128, "`MiB` to sort in")
	fs.StringVar(&o.lane, "lane", "", "`names` of lanes, separated by commas; empty for all")
	fs.StringVar(&o.temp, "temp", "", "`folder` to sort in")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the data")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && (min(o.events, o.labels, o.items, o.users, o.memory) < 1 || max(o.events, o.labels) > 1<<31) {
		err = cli.Usagef("want numbers from 1 to %d", 1<<31)
	}
	if err == nil {
		err = o.race(ctx, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// found is what a lane found.
type found struct {
	sum              uint64 // over labels and tables, in any order
	matched, expired int64
}

// add takes what table k has for a label; value is NaN where there is no row.
func (f *found) add(label int64, k int, value float32) {
	f.sum += hash.Combine(uint64(label), uint64(k), uint64(math.Float32bits(value)))
}

type lane struct {
	name string
	do   func(ctx context.Context) (found, string, error)
}

func (o *options) race(ctx context.Context, out io.Writer) error {
	lanes := []lane{
		{"sorted", func(ctx context.Context) (found, string, error) { return o.join(ctx, true) }},
		{"unsorted", func(ctx context.Context) (found, string, error) { return o.join(ctx, false) }},
		{"history", func(context.Context) (found, string, error) { return o.history() }},
	}
	if o.lane != "" {
		names := strings.Split(o.lane, ",")
		lanes = slices.DeleteFunc(lanes, func(l lane) bool { return !slices.Contains(names, l.name) })
	}
	if len(lanes) == 0 {
		return cli.Usagef("-lane %s: want sorted, unsorted or history", o.lane)
	}
	var first found
	for i, l := range lanes {
		resetPeak()
		watch := annset.StartStopwatch()
		f, note, err := l.do(ctx)
		if err != nil {
			return err
		}
		wall, cpu := watch.Seconds()
		peak := float64(peakBytes()) / (1 << 20)
		if i == 0 {
			first = f
		} else if f != first {
			return fmt.Errorf("lane %s found %+v, lane %s %+v", l.name, f, lanes[0].name, first)
		}
		if o.json {
			err = cli.WriteJSON(out, cli.Object{
				cli.F("lane", l.name), cli.F("events", o.events), cli.F("labels", o.labels), cli.F("cpu_s", cpu), cli.F("wall_s", wall),
				cli.F("peak_mib", peak), cli.F("matched", f.matched), cli.F("expired", f.expired),
			})
		} else {
			_, err = fmt.Fprintf(out, "%-8s  %d events, %d labels: %.2f s of CPU, %.2f s, peak %.0f MiB; %d matched, %d expired%s\n",
				l.name, o.events, o.labels, cpu, wall, peak, f.matched, f.expired, note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	span = int64(30 * 24 * time.Hour)
	ttl  = 12 * time.Hour
)

var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// order returns what comes at place i of n: i itself, or when shuffled a permutation of all.
func order(i, n int, shuffled bool) int {
	if !shuffled {
		return i
	}
	step := 2*(n/3)/2*2 + 1 // odd
	for gcd(step, n) != 1 {
		step += 2
	}
	return int(uint64(i) * uint64(step) % uint64(n))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// rows gives the rows of a table, in the order of arrival or shuffled.
func (o *options) rows(k int, shuffled bool) iter.Seq2[asof.Row, error] {
	n, entities := o.events/2, uint64([]int{o.items, o.users}[k])
	return func(yield func(asof.Row, error) bool) {
		row := asof.Row{Floats: make([]float32, 8), IDs: make([]uint64, 1)}
		for at := range n {
			i := order(at, n, shuffled)
			h := hash.Combine(o.seed, uint64(k), uint64(i))
			row.Key = skewed(h, entities)
			// No two rows arrive at once, so that shuffling changes no tie.
			row.Created = start + int64(float64(i)/float64(n)*float64(span)) + int64(i)
			row.Time = row.Created
			if k == 0 && hash.Mix64(h)%10 == 0 {
				row.Time -= int64(hash.Mix64(h+1) % uint64(time.Hour))
			}
			row.Floats[0], row.IDs[0] = float32(i%(1<<24)), h
			if !yield(row, nil) {
				return
			}
		}
	}
}

// skewed returns a key below n from a hash: the small ones often.
func skewed(h, n uint64) uint64 {
	u := float64(h>>11) / (1 << 53)
	return min(uint64(float64(u*u)*float64(n)), n-1)
}

func (o *options) labelRows(shuffled bool) iter.Seq2[asof.Label, error] {
	return func(yield func(asof.Label, error) bool) {
		a := asof.Label{Keys: make([]uint64, 2), Values: make([]float32, 1), Weight: 1, IDs: make([]uint64, 1)}
		for at := range o.labels {
			i := order(at, o.labels, shuffled)
			a.Time, a.Keys[0], a.Keys[1] = o.label(i)
			a.IDs[0] = uint64(i)
			if !yield(a, nil) {
				return
			}
		}
	}
}

// label returns label i: when, which item, which user.
func (o *options) label(i int) (at int64, item, user uint64) {
	h := hash.Combine(o.seed, 2, uint64(i))
	return start + int64(float64(i)/float64(o.labels)*float64(span)), skewed(h, uint64(o.items)), skewed(hash.Mix64(h), uint64(o.users))
}

// join is the lane of the library.
func (o *options) join(ctx context.Context, sorted bool) (f found, note string, err error) {
	dir, err := os.MkdirTemp(o.temp, "bench-*")
	if err != nil {
		return f, "", err
	}
	defer os.RemoveAll(dir)
	cfg := asof.Config{
		Labels: asof.Labels{Rows: o.labelRows(!sorted), Sorted: sorted, Keys: []string{"item", "user"}, Heads: []string{"click"}, IDColumns: []string{"number"}},
		Memory: int64(o.memory) << 20, Temp: dir,
	}
	for k, name := range []string{"item", "user"} {
		t := asof.Table{Name: name, Key: name, Rows: o.rows(k, !sorted), Sorted: sorted, Arrival: k == 0, Strict: k == 1}
		if k == 0 {
			t.TTL = ttl
		}
		for c := range 8 {
			t.Columns = append(t.Columns, recsys.Column{Name: fmt.Sprint(name, c)})
		}
		t.Columns = append(t.Columns, recsys.Column{Name: name + ".id", Kind: recsys.ID})
		cfg.Tables = append(cfg.Tables, t)
	}
	j, err := asof.New(cfg)
	if err != nil {
		return f, "", err
	}
	for row, err := range j.All(ctx) {
		if err != nil {
			return f, "", err
		}
		for k := range cfg.Tables {
			f.add(int64(row.IDs[0]), k, row.Floats[8*k])
		}
	}
	r := j.Report()
	kept := int64(0)
	for _, t := range r.Tables {
		f.matched, f.expired, kept = f.matched+t.Matched, f.expired+t.Expired, kept+t.Bytes
	}
	note = fmt.Sprintf("; rows of entities %d MiB", kept>>20)
	if r.Runs > 0 {
		note += fmt.Sprintf(", %d runs of %d MiB on disk", r.Runs, r.Spilled>>20)
	}
	return f, note, nil
}
