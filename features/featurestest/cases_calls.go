package featurestest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
)

func sameQuerySameRows(p *probe) error {
	for _, a := range p.asks(100) {
		want, err := p.result(a)
		if err != nil {
			return err
		}
		for range 3 {
			got, err := p.result(a)
			if err != nil {
				return err
			}
			if err := compare("asked again", a, want, got); err != nil {
				return err
			}
		}
	}
	return nil
}

func argumentsAreReadOnly(p *probe) error {
	for _, a := range p.asks(20) {
		items := slices.Clone(a.items)
		before := describe(a.q)
		if _, err := p.result(a); err != nil {
			return err
		}
		if !slices.Equal(items, a.items) {
			return fmt.Errorf("items were %v, are %v", items, a.items)
		}
		if after := describe(a.q); after != before {
			return fmt.Errorf("the query was %s, is %s", before, after)
		}
	}
	return nil
}

// describe prints everything that a query shows.
func describe(q *recsys.Query) string {
	bits := make([]uint32, len(q.Floats()))
	for i, v := range q.Floats() {
		bits[i] = math.Float32bits(v)
	}
	return fmt.Sprintf("%+v %v %v", q.Request, bits, q.IDs())
}

func nothingIsKept(p *probe) error {
	for _, a := range p.asks(20) {
		want, err := p.result(a)
		if err != nil {
			return err
		}
		// A call whose arguments are then reused for something else, as a pipeline reuses them.
		first := p.query(a.q.User)
		items := slices.Clone(a.items)
		kept := p.block(a)
		if err := p.fill(ask{a.ctx, first, items}, kept); err != nil {
			return err
		}
		for i := range items {
			items[i] = ^recsys.ItemID(i)
		}
		*first = *recsys.NewQuery(&recsys.Request{K: 1, User: ^recsys.UserID(0)}, p.schema, "other")
		poison(kept)
		got, err := p.result(a)
		if err != nil {
			return err
		}
		if err := compare("after the arguments of another call were reused", a, want, got); err != nil {
			return err
		}
		for i := range kept.Rows {
			clean := true
			eachCell(kept, i, func(kind recsys.Kind, _ int, bits uint64) {
				clean = clean && (kind == recsys.ID && bits == poisonID || kind != recsys.ID && bits == poisonFloat)
			})
			if !clean {
				return fmt.Errorf("row %d of the block of an earlier call was written to by a later one", i)
			}
		}
	}
	return nil
}

func callsRunConcurrently(p *probe) error {
	const goroutines, rounds = 4, 25
	asks := append(p.asks(100), p.asks(3)...)
	if len(asks) == 0 {
		return skip("no columns")
	}
	var want []*recsys.Block
	for _, a := range asks {
		b, err := p.result(a)
		if err != nil {
			return err
		}
		want = append(want, b)
	}
	errs := make([]error, goroutines+1)
	var group sync.WaitGroup
	if p.config.Write != nil {
		group.Go(func() {
			errs[goroutines] = guarded(func() error {
				for n := range goroutines * rounds {
					p.config.Write(p.given, n)
				}
				return nil
			})
		})
	}
	for g := range goroutines {
		group.Go(func() {
			for n := range rounds {
				i := (g + n) % len(asks)
				got, err := p.result(ask{asks[i].ctx, p.query(asks[i].q.User), asks[i].items})
				if err == nil && p.config.Write == nil {
					err = compare("while others are asked for", asks[i], want[i], got)
				}
				if err != nil {
					errs[g] = err
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func cancelledCallsReturn(p *probe) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, a := range p.asks(20) {
		a.ctx = ctx
		b := p.block(a)
		done := make(chan error, 1)
		go func() { done <- p.fill(a, b) }()
		var err error
		select {
		case err = <-done:
		case <-time.After(p.config.Patience):
			return fmt.Errorf("%s: the context is done, and Hydrate did not return in %v", a, p.config.Patience)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: the context is cancelled; the error is %q, which does not wrap context.Canceled", a, err)
		}
		if err != nil {
			continue
		}
		a.ctx = context.Background()
		want, err := p.result(a)
		if err != nil {
			return err
		}
		if err := compare("with a cancelled context and no error", a, want, b); err != nil {
			return err
		}
	}
	return nil
}
