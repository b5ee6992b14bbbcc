// Windows times counting events over windows that move: nanoseconds of CPU time.
//
//	go run ./windows
//
// Rows:
//
//	add    an event of one of many keys, for three windows of counts, sums and a rate: [window.Aggregator] beside a map with
//	       the events of the last week for each key, which is what one writes first
//	read   the nine columns of a key, after more and more events: the map looks at all of them
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features/window"
)

func main() { cli.Main(run) }

type options struct {
	keys, events, rounds int
	seed                 uint64
	json                 bool
}

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := new(options)
	fs := cli.NewFlagSet("windows", "windows [flags]")
	fs.IntVar(&o.keys, "keys", 100_000, "`keys`; some come much more often than others")
	fs.IntVar(&o.events, "events", 4_000_000, "`events` that were added before, a millisecond apart")
	fs.IntVar(&o.rounds, "rounds", 15, "`rounds`; medians count")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the data")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && min(o.keys, o.events, o.rounds) < 1 {
		err = cli.Usagef("want numbers >= 1")
	}
	if err == nil {
		err = o.race(stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

var (
	lengths = []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
	clicks  = []recsys.EventKind{recsys.Click}
)

const granularity = 10 * time.Minute

func declaration() window.Config {
	return window.Config{
		Granularity: granularity,
		Lateness:    time.Minute,
		Aggregates: []window.Aggregate{
			{Name: "shown", Kinds: []recsys.EventKind{recsys.Impression}, Windows: lengths},
			{Name: "dwell", Func: window.Sum, Kinds: clicks, Windows: lengths},
			{Name: "ctr", Func: window.Rate, Kinds: clicks, Of: []recsys.EventKind{recsys.Impression}, Windows: lengths},
		},
	}
}

// traffic makes events: a tenth are clicks, and they come up to ten seconds out of order.
type traffic struct {
	r    *rand.Rand
	keys *rand.Zipf // nil: one key
	now  int64
	step int64
}

func (o *options) traffic(keys int, step time.Duration) *traffic {
	r := rand.New(rand.NewPCG(o.seed, 1))
	t := &traffic{r: r, now: 1_700_000_000_000_000_000, step: int64(step)}
	if keys > 1 {
		t.keys = rand.NewZipf(r, 1.1, 100, uint64(keys-1))
	}
	return t
}

func (t *traffic) next() window.Event {
	t.now += t.step
	u := t.r.Uint64()
	e := window.Event{Time: t.now - int64(u>>32%uint64(10*time.Second)), ID: u >> 40, Value: float32(u&63) + 1}
	if u>>8%10 == 0 {
		e.Kind = recsys.Click
	}
	if t.keys != nil {
		e.Key = t.keys.Uint64()
	}
	return e
}

// batch is how many events are added at a time.
const batch = 500

func (o *options) race(out io.Writer) error {
	if err := o.add(out); err != nil {
		return err
	}
	for n := 100; n <= min(o.events, 1_000_000); n *= 100 {
		if err := o.read(out, n); err != nil {
			return err
		}
	}
	return nil
}

// add times adding an event. Every lane has the same stream to itself, the making of which is taken off.
func (o *options) add(out io.Writer) error {
	a, err := window.New(declaration())
	if err != nil {
		return err
	}
	n := newNaive()
	lane := func(name string, add func(e window.Event)) lap.Lane {
		t := o.traffic(o.keys, time.Millisecond)
		for range o.events {
			add(t.next())
		}
		return lap.Lane{Name: name, Do: func() {
			for range batch {
				add(t.next())
			}
		}}
	}
	var last int64
	t := lap.Run(o.rounds, []lap.Lane{
		lane("stream", func(e window.Event) { last = e.Time }),
		lane("ours", func(e window.Event) { a.Add(e) }),
		lane("naive", func(e window.Event) { n.add(&e) }),
	})
	st := a.Stats()
	stream, ours, naive := t[0].Nanos/batch, t[1].Nanos/batch, t[2].Nanos/batch
	ours, naive = ours-stream, naive-stream
	perKey := st.Bytes / int64(max(st.Keys, 1))
	if last == 0 || st.Late > 0 {
		return fmt.Errorf("%d events were late", st.Late)
	}
	if o.json {
		return cli.WriteJSON(out, cli.Object{
			cli.F("work", "add"), cli.F("keys", st.Keys), cli.F("events", st.Accepted), cli.F("ns", ours), cli.F("events_per_s", 1e9/ours),
			cli.F("bytes_per_key", perKey), cli.F("naive_ns", naive), cli.F("ratio", naive/ours),
		})
	}
	_, err = fmt.Fprintf(out, "add, %d keys: %.0f ns, %.2f million events/s, %d bytes a key; naive %.0f ns, ratio %.2f\n",
		st.Keys, ours, 1e3/ours, perKey, naive, naive/ours)
	return err
}

// read times reading a key that had so many events within the last hour.
func (o *options) read(out io.Writer, events int) error {
	a, err := window.New(declaration())
	if err != nil {
		return err
	}
	n := newNaive()
	t := o.traffic(1, time.Hour/time.Duration(events))
	for range events {
		e := t.next()
		a.Add(e)
		n.add(&e)
	}
	var row window.Row
	values := make([]float64, 0, len(a.Columns()))
	times := lap.Run(o.rounds, []lap.Lane{
		{Name: "ours", Do: func() { a.Read(0, t.now, &row) }},
		{Name: "naive", Do: func() { values = n.read(values[:0], 0, t.now) }},
	})
	for i, c := range a.Columns() {
		if d := row.Floats[i] - values[i]; d > 1e-9*values[i] || d < -1e-9*values[i] {
			return fmt.Errorf("%s is %v; the naive loop has %v", c.Name, row.Floats[i], values[i])
		}
	}
	ours, naive := times[0].Nanos, times[1].Nanos
	if o.json {
		return cli.WriteJSON(out, cli.Object{
			cli.F("work", "read"), cli.F("events", events), cli.F("ns", ours), cli.F("naive_ns", naive), cli.F("ratio", naive/ours),
		})
	}
	_, err = fmt.Fprintf(out, "read after %d events: %.0f ns; naive %.0f ns, ratio %.1f\n", events, ours, naive, naive/ours)
	return err
}
