package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
)

// data is what the program works on, wherever it came from: users with their events
// in time order, items by number, and what is known of both.
type data struct {
	size  string // one line for a person
	items []item
	users []user
	end   time.Time // a second after the last event: when the requests come

	attribute string   // what caps count: "package", or the first item column of a CSV; "" without one
	makers    []string // values of the attribute, by number
	makerless int      // items without a value
	twoMakers int      // lines that give an item another value than its first
	itemCols  []recsys.Column
	segments  int // kinds of users, >= 1
}

type item struct {
	name    string
	maker   uint64 // value of the attribute: an index into makers
	columns []float32
}

type user struct {
	name    string
	part    goapi.Part // A trains the sources, B the ranker, C is the test
	segment int        // kind of user, from 0
	events  []recsys.Event
}

// cut splits a user's events into the history and the targets: the last max(1, round(0.2 n)).
func (u *user) cut() (history, targets []recsys.Event) {
	n := len(u.events)
	at := n - max(1, int(math.Round(0.2*float64(n))))
	return u.events[:at], u.events[at:]
}

// of returns the users of a part, by number.
func (d *data) of(part goapi.Part) []int {
	var list []int
	for i := range d.users {
		if d.users[i].part == part {
			list = append(list, i)
		}
	}
	return list
}

// catalogue returns the items that the training users (A and B) touched, ascending.
func (d *data) catalogue() []recsys.ItemID {
	seen := make([]bool, len(d.items))
	for i := range d.users {
		if d.users[i].part != goapi.PartC {
			for _, e := range d.users[i].events {
				seen[e.Item] = true
			}
		}
	}
	var ids []recsys.ItemID
	for id, ok := range seen {
		if ok {
			ids = append(ids, recsys.ItemID(id))
		}
	}
	return ids
}

// settle sets what follows from the users.
func (d *data) settle() *data {
	for i := range d.users {
		if list := d.users[i].events; len(list) > 0 && list[len(list)-1].Time.After(d.end) {
			d.end = list[len(list)-1].Time
		}
	}
	d.end = d.end.Add(time.Second)
	return d
}

// fromGo reads the source tree of the installed toolchain: files are users, symbols items.
func fromGo(ctx context.Context, seed uint64, workers int, stderr io.Writer) (*data, error) {
	progress := &meter{w: stderr, label: "read Go sources"}
	src, err := goapi.Load(ctx, goapi.Config{Workers: workers, Progress: progress.set})
	if err != nil {
		return nil, err
	}
	for _, note := range src.Notes {
		fmt.Fprintln(stderr, "note:", note)
	}
	d := &data{
		size: src.Stats.String(), attribute: "package",
		itemCols: []recsys.Column{{Name: "is_type"}, {Name: "is_const"}, {Name: "is_var"}, {Name: "depth"}, {Name: "doc_words"}, {Name: "deprecated"}},
		segments: 4,
	}
	if src.HasAge {
		d.itemCols = append(d.itemCols, recsys.Column{Name: "since"})
	}
	number := map[string]uint64{}
	for i := range src.Items {
		x := &src.Items[i]
		maker, ok := number[x.Package]
		if !ok {
			maker = uint64(len(d.makers))
			number[x.Package] = maker
			d.makers = append(d.makers, x.Package)
		}
		columns := []float32{
			flag(x.Kind == goapi.Type), flag(x.Kind == goapi.Const), flag(x.Kind == goapi.Var),
			float32(x.Depth), log2(x.DocWords), flag(x.Deprecated),
		}
		if src.HasAge {
			since := float32(math.NaN())
			if x.HasSince {
				since = float32(x.Since)
			}
			columns = append(columns, since)
		}
		d.items = append(d.items, item{name: x.Name, maker: maker, columns: columns})
	}
	for i := range src.Users {
		u := &src.Users[i]
		d.users = append(d.users, user{
			name: u.Path, part: goapi.PartOf(u.Dir, seed), events: goapi.Events(nil, u.Uses),
			segment: int(flag(u.Test) + 2*flag(u.Cmd)),
		})
	}
	return d.settle(), nil
}

// meter turns goapi's progress into the programs' common form.
type meter struct {
	w     io.Writer
	label string
	bar   *cli.Progress
	done  int
}

func (m *meter) set(done, total int) {
	if m.bar == nil {
		m.bar = cli.NewProgress(m.w, m.label, total, time.Now)
	}
	m.bar.Add(done - m.done)
	if m.done = done; done == total {
		m.bar.Done()
	}
}

func flag(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func log2(n int) float32 { return float32(math.Log2(1 + float64(n))) }

// sortEvents brings a user's events into time order and keeps the first of each item.
// Unless the events carry values of their own, the number of an item's events becomes
// its value, and three or more count as a long stay, as uses in a source file do.
func sortEvents(events []recsys.Event, valued bool) []recsys.Event {
	slices.SortStableFunc(events, func(a, b recsys.Event) int { return a.Time.Compare(b.Time) })
	first := map[recsys.ItemID]int{}
	out := events[:0]
	for _, e := range events {
		at, known := first[e.Item]
		if !known {
			first[e.Item] = len(out)
			out = append(out, e)
			continue
		}
		if valued {
			continue
		}
		if out[at].Value++; out[at].Value >= goapi.LongDwell {
			out[at].Kind = recsys.Dwell
		}
	}
	return out
}
