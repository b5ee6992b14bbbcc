package retrievaltest

import (
	"context"
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// Checkerboard is a data set whose answer is known: as many users as items, where even
// users took all even items and odd users all odd ones, but for the one item of the same
// number. Any model of collaborative filtering must propose to each user exactly that item
// first, since all users like them have it and it is all that they lack.
//
// Source of the idea: the tests of the library implicit (Ben Frederickson).
type Checkerboard struct {
	// Size is the number of users and of items, even; 0 means 50.
	Size int

	// FoldIn says that the model serves users whom it has not met, by their history, and
	// item pages, by their anchors. Without it only users of the training are asked for.
	FoldIn bool
}

// IDs differ from rows, so that a model that takes one for the other is found out.
func user(i int) recsys.UserID { return recsys.UserID(1000 + 3*i) }
func item(i int) recsys.ItemID { return recsys.ItemID(70_000 + 7*i) }

// number is the inverse of item, -1 for an ID that is none.
func (c Checkerboard) number(id recsys.ItemID) int {
	i := (int(id) - 70_000) / 7
	if id < 70_000 || i >= c.Size || item(i) != id {
		return -1
	}
	return i
}

// Interactions returns the data: Size²/2 - Size interactions of weight 1, without times.
func (c Checkerboard) Interactions() *retrieval.Interactions {
	c = c.defaults()
	var r retrieval.Records
	for u := range c.Size {
		for i := u % 2; i < c.Size; i += 2 {
			if i != u {
				r.Users, r.Items = append(r.Users, user(u)), append(r.Items, item(i))
			}
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		panic(err) // the records are valid
	}
	return in
}

func (c Checkerboard) defaults() Checkerboard {
	if c.Size <= 0 {
		c.Size = 50
	}
	c.Size += c.Size % 2
	return c
}

// Run trains a model on the data and checks what it proposes, one subtest for each rule. The
// requests hold the user, the history in training, and exclude what is in it.
func (c Checkerboard) Run(t *testing.T, train func(t *testing.T, in *retrieval.Interactions) recsys.Retriever) {
	t.Helper()
	c = c.defaults()
	for _, b := range boardCases {
		t.Run(b.name, func(t *testing.T) {
			t.Helper()
			if b.foldIn && !c.FoldIn {
				t.Skip("Checkerboard.FoldIn is not set")
			}
			in := c.Interactions()
			for _, v := range c.check(b, in, train(t, in)) {
				t.Errorf("%s\nrule: %s", v.Detail, v.Rule)
			}
		})
	}
}

// Check is Run without a testing.T: it returns what it finds, at most three violations of
// each rule.
func (c Checkerboard) Check(train func(in *retrieval.Interactions) recsys.Retriever) []Violation {
	c = c.defaults()
	var all []Violation
	for _, b := range boardCases {
		if !b.foldIn || c.FoldIn {
			in := c.Interactions()
			all = append(all, c.check(b, in, train(in))...)
		}
	}
	return all
}

// boardCase checks one rule. check returns what is wrong for user or item number i.
type boardCase struct {
	name, rule string
	foldIn     bool
	check      func(c Checkerboard, in *retrieval.Interactions, r recsys.Retriever, i int) error
}

var boardCases = []boardCase{
	{
		name:  "missing-item",
		rule:  "A user who has all items of a colour but one gets that one first.",
		check: missingItem,
	},
	{
		name:  "missing-item-scores-best",
		rule:  "The score of the item that a user lacks is above that of every item of the other colour.",
		check: missingScoresBest,
	},
	{
		name:   "new-user",
		rule:   "A new user who took two items of a colour gets items of that colour.",
		foldIn: true,
		check:  newUser,
	},
	{
		name:   "item-page",
		rule:   "What goes with an item is of its colour.",
		foldIn: true,
		check:  itemPage,
	},
}

func (c Checkerboard) check(b boardCase, in *retrieval.Interactions, r recsys.Retriever) (found []Violation) {
	for i := range c.Size {
		if err := b.check(c, in, r, i); err != nil && len(found) < 3 {
			found = append(found, Violation{Case: b.name, Rule: b.rule, Detail: fmt.Sprintf("number %d: %v", i, err)})
		}
	}
	return found
}

// known is the request of user number i of the training.
func known(in *retrieval.Interactions, i int) recsys.Request {
	row, _ := in.UserRow(user(i))
	req := recsys.Request{User: user(i), History: in.History(row)}
	for _, e := range req.History {
		req.Exclude = append(req.Exclude, e.Item)
	}
	return req
}

// propose returns up to n items that the request does not exclude, best first.
func propose(r recsys.Retriever, req recsys.Request, n int) ([]recsys.ItemID, error) {
	l := ask(context.Background(), r, recsys.NewQuery(&req, nil, "checkerboard"), n+len(req.Exclude))
	excluded := map[recsys.ItemID]bool{}
	for _, id := range req.Exclude {
		excluded[id] = true
	}
	var items []recsys.ItemID
	for _, id := range l.items {
		if !excluded[id] && len(items) < n {
			items = append(items, id)
		}
	}
	return items, l.err
}

func missingItem(c Checkerboard, in *retrieval.Interactions, r recsys.Retriever, i int) error {
	items, err := propose(r, known(in, i), 1)
	switch {
	case err != nil:
		return err
	case len(items) == 0:
		return fmt.Errorf("the user gets nothing; want item %d", item(i))
	case items[0] != item(i):
		return fmt.Errorf("the user gets item %d, number %d; want item %d", items[0], c.number(items[0]), item(i))
	}
	return nil
}

func missingScoresBest(c Checkerboard, in *retrieval.Interactions, r recsys.Retriever, i int) error {
	scorer, ok := r.(recsys.ItemScorer)
	if !ok {
		return nil
	}
	items := []recsys.ItemID{item(i)}
	for j := (i + 1) % 2; j < c.Size; j += 2 {
		items = append(items, item(j))
	}
	dst := make([]float32, len(items))
	req := known(in, i)
	if err := scorer.ScoreItems(context.Background(), recsys.NewQuery(&req, nil, "checkerboard"), items, dst); err != nil {
		return err
	}
	for k, s := range dst[1:] {
		if !(dst[0] > s) {
			return fmt.Errorf("the user's item has score %v, item %d of the other colour %v", dst[0], items[k+1], s)
		}
	}
	return nil
}

// ofColour returns an error unless the request is answered with n items of the colour of i.
func (c Checkerboard) ofColour(r recsys.Retriever, req recsys.Request, i, n int) error {
	items, err := propose(r, req, n)
	if err != nil {
		return err
	}
	if len(items) < n {
		return fmt.Errorf("%d candidates; want %d", len(items), n)
	}
	for k, id := range items {
		if j := c.number(id); j < 0 || j%2 != i%2 {
			return fmt.Errorf("candidate %d is item %d, number %d, of the other colour", k, id, j)
		}
	}
	return nil
}

func newUser(c Checkerboard, _ *retrieval.Interactions, r recsys.Retriever, i int) error {
	taken := []recsys.ItemID{item(i), item((i + 2) % c.Size)}
	req := recsys.Request{User: user(c.Size + i), Exclude: taken}
	for _, id := range taken {
		req.History = append(req.History, recsys.Event{Item: id, Kind: recsys.Click})
	}
	return c.ofColour(r, req, i, c.Size/2-2)
}

func itemPage(c Checkerboard, _ *retrieval.Interactions, r recsys.Retriever, i int) error {
	anchors := []recsys.ItemID{item(i)}
	return c.ofColour(r, recsys.Request{User: user(c.Size + i), Items: anchors, Exclude: anchors}, i, c.Size/2-1)
}
