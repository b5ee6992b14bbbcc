package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/input"
	"github.com/recsyskit/recsys/examples/internal/protocol"
	"github.com/recsyskit/recsys/retrieval"
)

// data is what a model is trained on, and what it is asked.
type data struct {
	ids       *input.IDs // of both files
	train     *retrieval.Interactions
	catalogue []recsys.ItemID // ascending: of train and test
	places    []int32         // in the catalogue, by row of the training items
	now       time.Time       // the newest time in training
	tests     []test
	positives int // pairs of user and held-out item
	cold      coldness
}

// test is what one user, or one line of sampled tests, holds out.
type test struct {
	user       recsys.UserID
	relevant   []int32 // places in the catalogue, ascending
	candidates []int32 // that are ranked, ascending; nil for all
	weight     float64 // tests of one user add up to 1
	cold       bool    // little is known of the user
}

// line is a line of sampled tests.
type line struct {
	user     recsys.UserID
	positive recsys.ItemID
	negative []recsys.ItemID
}

// load reads both files.
func load(o *options) (*data, error) {
	ids, err := input.LoadIDs(o.ids, o.load)
	if err != nil {
		return nil, err
	}
	train, err := input.Interactions(o.trainFile, o.format, ids)
	if err != nil {
		return nil, err
	}
	d, err := loadTests(o, train, ids)
	if err != nil {
		return nil, err
	}
	d.ids = ids
	d.markCold(o.coldAtMost)
	return d, nil
}

// loadTests reads the test file.
func loadTests(o *options, train *retrieval.Interactions, ids *input.IDs) (*data, error) {
	if o.sampled {
		lines, err := readSampled(o.testFile, ids)
		if err != nil {
			return nil, err
		}
		if len(lines) == 0 {
			return nil, cli.Inputf(o.testFile, 0, "no tests")
		}
		return sampledData(train, lines), nil
	}
	held, err := input.Interactions(o.testFile, o.format, ids)
	if err != nil {
		return nil, err
	}
	return fullData(train, held), nil
}

// readSampled reads lines "user positive negative…".
func readSampled(name string, ids *input.IDs) ([]line, error) {
	var lines []line
	var fields [][]byte
	err := cli.ReadLines(name, func(_ int, text []byte) error {
		fields = cli.Fields(fields[:0], bytes.ReplaceAll(text, []byte{','}, []byte{' '}))
		switch len(fields) {
		case 0:
			return nil
		case 1:
			return errors.New("1 field; want user, positive and negatives")
		}
		user, err := ids.User(string(fields[0]))
		if err != nil {
			return fmt.Errorf("user %q: %w", fields[0], err)
		}
		items := make([]recsys.ItemID, len(fields)-1)
		for i, f := range fields[1:] {
			if items[i], err = ids.Item(string(f)); err != nil {
				return fmt.Errorf("item %q: %w", f, err)
			}
		}
		lines = append(lines, line{user, items[0], items[1:]})
		return nil
	})
	return lines, err
}

// newData returns data of the training interactions and the further items of the tests.
func newData(train *retrieval.Interactions, more ...recsys.ItemID) *data {
	d := &data{train: train, catalogue: slices.Concat(train.Items(), more)}
	slices.Sort(d.catalogue)
	d.catalogue = slices.Compact(d.catalogue)
	for _, id := range train.Items() {
		d.places = append(d.places, d.place(id))
	}
	for u := range train.NumUsers() {
		for _, t := range train.Times(u) {
			if at := time.Unix(0, t).UTC(); at.After(d.now) {
				d.now = at
			}
		}
	}
	return d
}

// place returns where an item stands in the catalogue, which has it.
func (d *data) place(id recsys.ItemID) int32 {
	at, _ := slices.BinarySearch(d.catalogue, id)
	return int32(at)
}

// fullData has a test for each user of held who has an item there.
func fullData(train, held *retrieval.Interactions) *data {
	d := newData(train, held.Items()...)
	for u, user := range held.Users() {
		items, _ := held.ByUser().Row(u)
		if len(items) == 0 {
			continue
		}
		t := test{user: user, weight: 1}
		for _, i := range items {
			t.relevant = append(t.relevant, d.place(held.Items()[i]))
		}
		d.tests = append(d.tests, t)
		d.positives += len(items)
	}
	return d
}

// sampledData has a test for each line.
func sampledData(train *retrieval.Interactions, lines []line) *data {
	var more []recsys.ItemID
	count := map[recsys.UserID]int{}
	for _, l := range lines {
		more = append(append(more, l.positive), l.negative...)
		count[l.user]++
	}
	d := newData(train, more...)
	for _, l := range lines {
		t := test{user: l.user, weight: 1 / float64(count[l.user]), relevant: []int32{d.place(l.positive)}}
		seen := d.seen(nil, l.user)
		t.candidates = append(t.candidates, t.relevant...)
		for _, id := range l.negative {
			at := d.place(id)
			if _, had := slices.BinarySearch(seen, at); !had {
				t.candidates = append(t.candidates, at)
			}
		}
		slices.Sort(t.candidates)
		t.candidates = slices.Compact(t.candidates)
		d.tests = append(d.tests, t)
		d.positives++
	}
	return d
}

// users returns the number of users with a test.
func (d *data) users() int {
	users := map[recsys.UserID]bool{}
	for i := range d.tests {
		users[d.tests[i].user] = true
	}
	return len(users)
}

// seen appends the places of the items that a user has in training, ascending.
func (d *data) seen(dst []int32, user recsys.UserID) []int32 {
	if row, ok := d.train.UserRow(user); ok {
		items, _ := d.train.ByUser().Row(row)
		for _, i := range items {
			dst = append(dst, d.places[i])
		}
	}
	return dst
}

// task returns the evaluation of all tests.
func (d *data) task(o *options) *protocol.Task {
	return &protocol.Task{
		Catalogue: d.catalogue,
		Cases:     len(d.tests),
		Cutoffs:   o.cutoffs,
		ColdItems: d.cold.item,
		Workers:   o.common.Workers,
		Case: func(i int, c *protocol.Case) {
			t := &d.tests[i]
			d.ask(&c.Request, t.user)
			c.Relevant, c.Candidates, c.Weight, c.Cold = t.relevant, t.candidates, t.weight, t.cold
			c.Excluded = d.seen(c.Excluded[:0], t.user)
		},
	}
}

// ask fills r, whose slices it reuses, with what a service would ask for a user: with the user's
// history, and without what is in it.
func (d *data) ask(r *recsys.Request, user recsys.UserID) {
	history, exclude := r.History[:0], r.Exclude[:0]
	if row, ok := d.train.UserRow(user); ok {
		history = d.train.AppendHistory(history, row)
		items, _ := d.train.ByUser().Row(row)
		for _, i := range items {
			exclude = append(exclude, d.train.Items()[i])
		}
	}
	*r = recsys.Request{ID: "test", Seed: 1, User: user, Now: d.now, History: history, Exclude: exclude}
}
