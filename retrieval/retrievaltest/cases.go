package retrievaltest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

// testCase checks one rule.
type testCase struct {
	name   string
	rule   string // quoted from the doc comments of recsys
	check  func(*probe)
	scorer bool // only for a recsys.ItemScorer
	empty  bool // only with Suite.Empty
}

var cases = []testCase{
	{
		name:  "answers",
		rule:  "A suite needs a request that the retriever has an answer to: see Suite.Requests.",
		check: answers,
	},
	{
		name:  "best-first",
		rule:  "Candidates come best first; scores are the source's own, higher is better; a NaN score counts as the lowest.",
		check: bestFirst,
	},
	{
		name:  "ties-by-item",
		rule:  "The same query gives the same candidates in the same order; ties by item ID.",
		check: tiesByItem,
	},
	{
		name:  "distinct",
		rule:  "Doubles take room and are merged later: a retriever that proposes an item twice wastes its quota.",
		check: distinct,
	},
	{
		name:  "deterministic",
		rule:  "The same query gives the same candidates in the same order.",
		check: deterministic,
	},
	{
		name:  "until-full",
		rule:  "Retrieve proposes candidates to out, best first, until out is full.",
		check: untilFull,
	},
	{
		name:  "stops",
		rule:  "Stop when Add returns false.",
		check: stops,
	},
	{
		name:  "exclusions-take-no-room",
		rule:  "Items that the request excludes take no room: the retriever goes on with the next ones until out is full.",
		check: exclusionsTakeNoRoom,
	},
	{
		name:  "unknown",
		rule:  "An unknown user, an empty history and an empty index propose nothing and are no error.",
		check: unknown,
	},
	{
		name:  "empty-index",
		rule:  "An unknown user, an empty history and an empty index propose nothing and are no error.",
		check: emptyIndex,
		empty: true,
	},
	{
		name:  "query-is-read-only",
		rule:  "q is read-only and neither q nor out is kept after the call.",
		check: queryIsReadOnly,
	},
	{
		name:  "keeps-nothing",
		rule:  "q is read-only and neither q nor out is kept after the call.",
		check: keepsNothing,
	},
	{
		name:  "concurrent",
		rule:  "Any number of calls run concurrently.",
		check: concurrent,
	},
	{
		name:  "cancelled",
		rule:  "A call that waits (network, disk) returns soon after ctx is done, with an error that wraps ctx.Err().",
		check: cancelled,
	},
	{
		name:   "scores-items",
		rule:   "ScoreItems writes the score of items[i] into dst[i]: what Retrieve would give it, 0 for an item that it does not know.",
		check:  scoresItems,
		scorer: true,
	},
}

func answers(p *probe) {
	n := 0
	p.each(func(r recsys.Retriever, q *recsys.Query) { n += len(p.answer(r, q, plenty).items) })
	if n == 0 && len(p.details) == 0 {
		p.fail("none of %d requests gave a candidate, so that the other cases say nothing", len(p.Requests))
	}
}

func bestFirst(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		l := p.answer(r, q, plenty)
		for i := 1; i < len(l.scores); i++ {
			if a, b := l.scores[i-1], l.scores[i]; a < b || a != a && b == b {
				p.fail("user %d: candidate %d has score %v, the one before it %v", q.User, i, b, a)
				return
			}
		}
	})
}

func tiesByItem(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		l := p.answer(r, q, plenty)
		for i := 1; i < len(l.scores); i++ {
			if l.scores[i-1] == l.scores[i] && l.items[i-1] > l.items[i] {
				p.fail("user %d: item %d comes before item %d, both with score %v", q.User, l.items[i-1], l.items[i], l.scores[i])
				return
			}
		}
	})
}

func distinct(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		seen := map[recsys.ItemID]bool{}
		for _, id := range p.answer(r, q, plenty).items {
			if seen[id] {
				p.fail("user %d: item %d is proposed twice", q.User, id)
				return
			}
			seen[id] = true
		}
	})
}

func deterministic(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		want := p.answer(r, q, plenty)
		for range 3 {
			if err := same(want, p.answer(r, q, plenty)); err != nil {
				p.fail("user %d: %v", q.User, err)
				return
			}
		}
	})
}

// same says how two answers differ: in items, or in the bits of scores.
func same(want, got list) error {
	if len(want.items) != len(got.items) {
		return fmt.Errorf("%d candidates, then %d", len(want.items), len(got.items))
	}
	for i := range want.items {
		if want.items[i] != got.items[i] || math.Float32bits(want.scores[i]) != math.Float32bits(got.scores[i]) {
			return fmt.Errorf("candidate %d is item %d with score %v, then item %d with score %v",
				i, want.items[i], want.scores[i], got.items[i], got.scores[i])
		}
	}
	return nil
}

func untilFull(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		all := len(p.answer(r, q, plenty).items)
		for _, n := range []int{0, 1, 2, all - 1, all, all + 1} {
			if n < 0 {
				continue
			}
			if got, want := len(p.answer(r, q, n).items), min(n, all); got != want {
				p.fail("user %d: %d candidates with room for %d, and %d with room for %d", q.User, got, n, all, plenty)
			}
		}
	})
}

// stops excludes what comes after the first few: the pipeline counts the proposals that it
// refuses, and a retriever that stops in time never gets there.
func stops(p *probe) {
	for _, req := range p.Requests {
		var all list
		p.visit(context.Background(), req, 1, func(r recsys.Retriever, q *recsys.Query, _ *recsys.Sink) error {
			all = p.answer(r, q, plenty)
			return nil
		})
		for _, n := range []int{1, len(all.items) / 2} {
			if n < 1 || n >= len(all.items) {
				continue
			}
			req.Exclude = slices.Clone(all.items[n:])
			res := p.visit(context.Background(), req, n, func(r recsys.Retriever, q *recsys.Query, out *recsys.Sink) error {
				return r.Retrieve(context.Background(), q, out)
			})
			if res != nil && res.Trace.Excluded > 0 {
				p.fail("user %d: with room for %d it proposed %d more", req.User, n, res.Trace.Excluded)
			}
		}
	}
}

func exclusionsTakeNoRoom(p *probe) {
	for _, req := range p.Requests {
		var all, got list
		p.visit(context.Background(), req, 1, func(r recsys.Retriever, q *recsys.Query, _ *recsys.Sink) error {
			all = p.answer(r, q, plenty)
			return nil
		})
		n := len(all.items) / 2
		if n == 0 {
			continue
		}
		req.Exclude = slices.Clone(all.items[:n]) // the best
		p.visit(context.Background(), req, n, func(r recsys.Retriever, q *recsys.Query, out *recsys.Sink) error {
			got.err = r.Retrieve(context.Background(), q, out)
			got.items = slices.Clone(first(out.Items()))
			return got.err
		})
		if got.err != nil {
			p.fail("user %d: error %v", req.User, got.err)
		} else if len(got.items) < n {
			p.fail("user %d: with the best %d of %d excluded, it found %d for %d places", req.User, n, len(all.items), len(got.items), n)
		}
	}
}

func first(items []recsys.ItemID, _ []float32) []recsys.ItemID { return items }

func unknown(p *probe) {
	const nobody, nothing = math.MaxUint64 - 5, math.MaxUint64 - 7
	for _, req := range []recsys.Request{
		{User: nobody},
		{User: nobody, Surface: "retrievaltest: no such surface"},
		{User: nobody, History: []recsys.Event{{Item: nothing}, {Item: nothing - 1, Kind: 255, Value: float32(math.NaN())}}},
		{User: nobody, Items: []recsys.ItemID{nothing, nothing}},
	} {
		p.visit(context.Background(), req, 1, func(r recsys.Retriever, q *recsys.Query, _ *recsys.Sink) error {
			if l := ask(context.Background(), r, q, plenty); l.err != nil {
				p.fail("user %d, %d events, %d anchors, all unknown: error %v", q.User, len(q.History), len(q.Items), l.err)
			}
			return nil
		})
	}
}

func emptyIndex(p *probe) {
	p.retriever = p.Empty()
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		if l := p.answer(r, q, plenty); len(l.items) > 0 {
			p.fail("user %d: an empty index proposes %d candidates", q.User, len(l.items))
		}
	})
}

// clone returns a deep copy of a request.
func clone(r recsys.Request) recsys.Request {
	r.Items, r.History = slices.Clone(r.Items), slices.Clone(r.History)
	r.Exclude, r.Allow = slices.Clone(r.Exclude), slices.Clone(r.Allow)
	r.Arms, r.Context = slices.Clone(r.Arms), slices.Clone(r.Context)
	return r
}

func queryIsReadOnly(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		before, floats, ids := clone(q.Request), slices.Clone(q.Floats()), slices.Clone(q.IDs())
		p.answer(r, q, plenty)
		if !reflect.DeepEqual(before, q.Request) {
			p.fail("user %d: the request was\n\t%+v\nand is\n\t%+v", q.User, before, q.Request)
		}
		bits := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
		if !slices.EqualFunc(floats, q.Floats(), bits) || !slices.Equal(ids, q.IDs()) {
			p.fail("user %d: the request row has changed", q.User)
		}
	})
}

// keepsNothing writes over the slices of a request when its call is over, and asks again.
func keepsNothing(p *probe) {
	for _, req := range p.Requests {
		p.visit(context.Background(), req, 1, func(r recsys.Retriever, q *recsys.Query, _ *recsys.Sink) error {
			kept := recsys.NewSink(plenty)
			if err := r.Retrieve(context.Background(), q, kept); err != nil {
				p.fail("user %d: error %v", q.User, err)
				return nil
			}
			items, scores := kept.Items()
			want := list{items: slices.Clone(items), scores: slices.Clone(scores)}
			original := clone(q.Request)
			for i := range q.History {
				q.History[i] = recsys.Event{Item: math.MaxUint64 - recsys.ItemID(i)}
			}
			for i := range q.Items {
				q.Items[i] = math.MaxUint64
			}
			reused := p.answer(r, q, plenty)
			other := *q
			other.Request = clone(q.Request)
			if err := same(p.answer(r, &other, plenty), reused); err != nil {
				p.fail("user %d: with other contents in the memory of an earlier request, against new memory: %v", q.User, err)
			}
			copy(q.History, original.History)
			copy(q.Items, original.Items)
			if err := same(want, p.answer(r, q, plenty)); err != nil {
				p.fail("user %d: with the first contents again: %v", q.User, err)
			}
			items, scores = kept.Items()
			if err := same(want, list{items: items, scores: scores}); err != nil {
				p.fail("user %d: the sink of an earlier call has changed: %v", q.User, err)
			}
			return nil
		})
	}
}

func concurrent(p *probe) {
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		want := p.answer(r, q, plenty)
		const calls = 8
		got := make([]list, calls)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				defer func() {
					if v := recover(); v != nil {
						got[i].err = fmt.Errorf("panicked: %v", v)
					}
				}()
				for range 5 {
					got[i] = ask(context.Background(), r, q, plenty)
					if got[i].err == nil {
						got[i].err = same(want, got[i])
					}
					if got[i].err != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		for _, l := range got {
			if l.err != nil {
				p.fail("user %d: of %d concurrent calls one differs: %v", q.User, calls, l.err)
				return
			}
		}
	})
}

func cancelled(p *probe) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		want := p.answer(r, q, plenty)
		switch l := ask(done, r, q, plenty); {
		case l.err == nil && p.Waits:
			p.fail("user %d: no error though ctx is done", q.User)
		case l.err == nil:
			if err := same(want, l); err != nil {
				p.fail("user %d: no error though ctx is done, and another answer: %v", q.User, err)
			}
		case !errors.Is(l.err, context.Canceled):
			p.fail("user %d: the error does not wrap ctx.Err(): %v", q.User, l.err)
		}
	})
}

func scoresItems(p *probe) {
	const nothing = recsys.ItemID(math.MaxUint64 - 7)
	p.each(func(r recsys.Retriever, q *recsys.Query) {
		scorer, ok := r.(recsys.ItemScorer)
		if !ok {
			p.fail("the bound retriever is no recsys.ItemScorer any more")
			return
		}
		l := p.answer(r, q, plenty)
		items := append(slices.Clone(l.items), nothing)
		want := append(slices.Clone(l.scores), 0)
		slices.Reverse(items)
		slices.Reverse(want)
		items, want = append(items, items...), append(want, want...) // doubles
		given := slices.Clone(items)
		dst := make([]float32, len(items)+1)
		for i := range dst {
			dst[i] = -12345
		}
		if err := scorer.ScoreItems(context.Background(), q, items, dst[:len(items)]); err != nil {
			p.fail("user %d: ScoreItems: %v", q.User, err)
			return
		}
		if !slices.Equal(given, items) {
			p.fail("user %d: ScoreItems changed the items", q.User)
		}
		if dst[len(items)] != -12345 {
			p.fail("user %d: ScoreItems wrote behind dst", q.User)
		}
		for i, id := range given {
			if !near(want[i], dst[i]) {
				p.fail("user %d: ScoreItems gives item %d %v, Retrieve %v", q.User, id, dst[i], want[i])
				return
			}
		}
		if err := scorer.ScoreItems(context.Background(), q, nil, nil); err != nil {
			p.fail("user %d: ScoreItems of no items: %v", q.User, err)
		}
	})
}

// near allows for another order of summation.
func near(a, b float32) bool {
	x, y := float64(a), float64(b)
	return a == b || a != a && b != b || math.Abs(x-y) <= 1e-5*max(math.Abs(x), math.Abs(y))
}
