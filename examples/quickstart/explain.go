package main

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
)

// example is one request in full: the slate, why its items stand there, and why one that
// the user took does not.
type example struct {
	variant string
	user    string
	history []string // the last few
	events  int
	places  []place
	wanted  int

	missed, why string // a target that was not served and the answer of WhyNot; empty if all were
}

type place struct {
	name, maker string
	hit         bool
	explanation recsys.Explanation
}

// exampleOf picks the first test user with a history of eight items, a hit and a miss; the
// first of all where there is none.
func exampleOf(d *data, users []int, o *outcome) int {
	for i, u := range users {
		if history, _ := d.users[u].cut(); len(history) >= 8 && o.recall[i] > 0 && o.recall[i] < 1 {
			return u
		}
	}
	return users[0]
}

// explain serves a user and keeps everything that the result can tell.
func explain(ctx context.Context, d *data, number int, v variant) (*example, error) {
	u := &d.users[number]
	history, targets := u.cut()
	req := request(d, number, history)
	req.Explain = true
	var res recsys.Result
	if err := serve(ctx, v.pipeline, req, &res); err != nil {
		return nil, err
	}
	e := &example{variant: v.name, user: u.name, events: len(history), wanted: len(targets)}
	for _, x := range history[max(0, len(history)-5):] {
		e.history = append(e.history, d.items[x.Item].name)
	}
	for _, x := range res.Items {
		explanation, err := res.Explain(x.ID)
		if err != nil {
			return nil, err
		}
		p := place{name: d.items[x.ID].name, hit: hits(targets, x.ID), explanation: explanation}
		if d.attribute != "" {
			p.maker = d.makers[d.items[x.ID].maker]
		}
		e.places = append(e.places, p)
	}
	for _, x := range targets {
		outcome, why, err := res.WhyNot(x.Item)
		if err != nil {
			return nil, err
		}
		if outcome == recsys.Served {
			continue
		}
		explanation, err := res.Explain(x.Item)
		if err != nil {
			return nil, err
		}
		e.missed, e.why = d.items[x.Item].name, explanation.String()
		if why != "" {
			e.why = why + "; " + e.why
		}
		break
	}
	return e, nil
}

// sources lists who proposed an item and at which rank, from 1.
func sources(x recsys.Explanation) []string {
	var list []string
	for _, s := range x.Sources {
		list = append(list, fmt.Sprintf("%s #%d", s.Source, s.Rank+1))
	}
	return list
}
