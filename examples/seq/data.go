package main

import (
	"cmp"
	"math/rand/v2"
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
	ids       *input.IDs // of all files
	train     *retrieval.Interactions
	catalogue []recsys.ItemID // ascending: of train and test
	now       time.Time       // the newest time in training
	exclude   bool            // the items of the input are not ranked
	tests     []test
}

// test is an input and the item that came next.
type test struct {
	user       recsys.UserID
	input      []recsys.Event
	target     int32   // place in the catalogue
	candidates []int32 // that are ranked, ascending; nil for all
}

// load reads the files.
func load(o *options) (*data, error) {
	ids, err := input.LoadIDs(o.ids, o.load)
	if err != nil {
		return nil, err
	}
	d, err := loadTests(o, ids)
	if err == nil {
		d.ids = ids
	}
	return d, err
}

// loadTests reads the files and makes the tests.
func loadTests(o *options, ids *input.IDs) (*data, error) {
	rnd := rand.New(rand.NewPCG(o.common.Seed, 0x7465_7374)) // "test"
	if !o.sessions() {
		in, err := input.Interactions(o.dataFile, o.format, ids)
		if err != nil {
			return nil, err
		}
		// The last but one is for validation, and something must be left to go by.
		d, err := lastOut(in, 3, o, o.evalUsers, rnd)
		if err == nil && len(d.tests) == 0 {
			err = cli.Inputf(o.dataFile, 0, "no sequence of three items")
		}
		return d, err
	}
	train, err := input.Interactions(o.trainFile, o.format, ids)
	if err != nil {
		return nil, err
	}
	test, err := input.Interactions(o.testFile, o.format, ids)
	if err != nil {
		return nil, err
	}
	d := newData(train, test.Items())
	for u, line := range test.Users() {
		h := test.History(u)
		user := train.Users()[train.NumUsers()-1] + 1 + recsys.UserID(u) // whom training does not know
		switch {
		case o.format == "csv":
			d.testPrefixes(user, h)
		case len(h) < 2:
			return nil, cli.Inputf(o.testFile, int(line), "1 item; want those of a session and the next")
		default:
			d.test(user, h)
		}
	}
	if len(d.tests) == 0 {
		return nil, cli.Inputf(o.testFile, 0, "no session of two items")
	}
	d.tests = sample(d.tests, o.evalUsers, rnd)
	return d, nil
}

// newData returns data without tests.
func newData(train *retrieval.Interactions, more []recsys.ItemID) *data {
	d := &data{train: train, catalogue: slices.Concat(train.Items(), more)}
	slices.Sort(d.catalogue)
	d.catalogue = slices.Compact(d.catalogue)
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

// test adds the test whose last event is the target.
func (d *data) test(user recsys.UserID, events []recsys.Event) *test {
	n := len(events) - 1
	d.tests = append(d.tests, test{user: user, input: events[:n:n], target: d.place(events[n].Item)})
	return &d.tests[len(d.tests)-1]
}

// testPrefixes adds a test for each event but the first.
func (d *data) testPrefixes(user recsys.UserID, events []recsys.Event) {
	for n := 2; n <= len(events); n++ {
		d.test(user, events[:n])
	}
}

// sample returns at most n random elements, all for 0, in their order.
func sample[T any](all []T, n int, rnd *rand.Rand) []T {
	if n == 0 || n >= len(all) {
		return all
	}
	chosen := rnd.Perm(len(all))[:n]
	slices.Sort(chosen)
	kept := make([]T, n)
	for i, at := range chosen {
		kept[i] = all[at]
	}
	return kept
}

// records collects what training has.
type records struct {
	retrieval.Records
	times bool
}

func (r *records) add(user recsys.UserID, events []recsys.Event) {
	for i := range events {
		e := &events[i]
		r.Users, r.Items, r.Weights = append(r.Users, user), append(r.Items, e.Item), append(r.Weights, e.Value)
		if r.times {
			r.Times = append(r.Times, e.Time.UnixNano())
		}
	}
}

// lastOut holds the last item of every sequence of least or more out, and tests at most
// users of them, all for 0.
func lastOut(in *retrieval.Interactions, least int, o *options, users int, rnd *rand.Rand) (*data, error) {
	kept := records{times: in.HasTimes()}
	var tested []int
	for u, user := range in.Users() {
		h := in.History(u)
		if len(h) >= least {
			tested = append(tested, u)
			h = h[:len(h)-1]
		}
		kept.add(user, h)
	}
	train, err := retrieval.NewInteractions(kept.Records, retrieval.SumWeights)
	if err != nil {
		return nil, err
	}
	d := newData(train, in.Items())
	d.exclude = true
	for _, u := range sample(tested, users, rnd) {
		t := d.test(in.Users()[u], in.History(u))
		if o.protocol == "sampled" {
			t.candidates = d.negatives(t, o.negatives, rnd)
		}
	}
	return d, nil
}

// negatives returns the places of the target and of n random items that are not in the
// sequence, ascending; of fewer when there are no more.
func (d *data) negatives(t *test, n int, rnd *rand.Rand) []int32 {
	taken := map[int32]bool{t.target: true}
	for i := range t.input {
		taken[d.place(t.input[i].Item)] = true
	}
	places := []int32{t.target}
	for range min(n, len(d.catalogue)-len(taken)) {
		at := int32(rnd.IntN(len(d.catalogue)))
		for taken[at] {
			at = int32(rnd.IntN(len(d.catalogue)))
		}
		taken[at] = true
		places = append(places, at)
	}
	slices.Sort(places)
	return places
}

// heldOut returns data for validation, made of what training has alone: the last item of
// each sequence, or of sessions every item but the first of the newest tenth.
func heldOut(in *retrieval.Interactions, o *options, rnd *rand.Rand) (*data, error) {
	if !o.sessions() {
		return lastOut(in, 2, o, maxTuned, rnd)
	}
	order := make([]int, in.NumUsers())
	for u := range order {
		order[u] = u
	}
	if in.HasTimes() {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(slices.Max(in.Times(a)), slices.Max(in.Times(b))) })
	}
	split := len(order) - max(1, len(order)/10)
	kept := records{times: in.HasTimes()}
	for _, u := range order[:split] {
		kept.add(in.Users()[u], in.History(u))
	}
	train, err := retrieval.NewInteractions(kept.Records, retrieval.SumWeights)
	if err != nil {
		return nil, err
	}
	d := newData(train, in.Items())
	for _, u := range order[split:] {
		d.testPrefixes(in.Users()[u], in.History(u))
	}
	d.tests = sample(d.tests, maxTuned, rnd)
	return d, nil
}

// request asks for what comes next.
func (d *data) request(t *test) recsys.Request {
	return recsys.Request{ID: "test", Seed: 1, User: t.user, Now: d.now, History: t.input}
}

// task returns the evaluation of all tests.
func (d *data) task(o *options) *protocol.Task {
	return &protocol.Task{
		Catalogue: d.catalogue,
		Cases:     len(d.tests),
		Cutoffs:   o.cutoffs,
		Workers:   o.common.Workers,
		Case: func(i int, c *protocol.Case) {
			t := &d.tests[i]
			c.Request = d.request(t)
			c.Relevant, c.Candidates = append(c.Relevant[:0], t.target), t.candidates
			c.Excluded = c.Excluded[:0]
			if d.exclude {
				for k := range t.input {
					c.Excluded = append(c.Excluded, d.place(t.input[k].Item))
				}
				slices.Sort(c.Excluded)
				c.Excluded = slices.Compact(c.Excluded)
			}
		},
	}
}
