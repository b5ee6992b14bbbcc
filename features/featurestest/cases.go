package featurestest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
)

// cases are the rules of [recsys.FeatureSource], in its words.
var cases = [...]testCase{
	{"columns", "Columns returns the same columns every time; the result is read-only.", columnsAreFixed},
	{"every-cell", "Hydrate writes every cell of every row, or calls out.Miss for the row.", everyCellIsWritten},
	{"missing-is-default", "Hydrate writes every cell of every row, or calls out.Miss for the row.", missingRowsHoldDefaults},
	{"known", "An unknown item or user is a missing row, not an error.", knownIsThere},
	{"unknown", "An unknown item or user is a missing row, not an error.", unknownIsMissing},
	{"row-of-item", "Columns of scope PerItem: one row per item; row i belongs to items[i] of the call.", rowsBelongToItems},
	{"doubled-items", "Doubled items get equal rows.", doubledItemsGetEqualRows},
	{"no-items", "Columns of scope PerItem: one row per item.", noItemsNoRows},
	{"own-block", "Block is a view of its columns only, straight into the candidate table.", staysInItsBlock},
	{"stale", "A value older than its column's MaxAge at q.Now sets the row's Stale bit.", oldRowsAreStale},
	{"never-stale", "MaxAge is the age at which a value counts as stale; 0 means never.", freshRowsAreNotStale},
	{"same-answer", "The same query gives the same rows.", sameQuerySameRows},
	{"read-only", "q and items are read-only.", argumentsAreReadOnly},
	{"not-kept", "q, items and out are not kept after the call.", nothingIsKept},
	{"concurrent", "Any number of calls run concurrently.", callsRunConcurrently},
	{"cancelled", "A call that waits (network, disk) returns soon after ctx is done, with an error that wraps ctx.Err().", cancelledCallsReturn},
}

func columnsAreFixed(p *probe) error {
	if len(p.columns) == 0 {
		return errors.New("no columns")
	}
	if _, err := recsys.NewSchema(recsys.SchemaConfig{Columns: p.columns}); err != nil {
		return err
	}
	for what, columns := range map[string][]recsys.Column{
		"a second call": p.given.Columns(), "the bound source": p.source.Columns(),
	} {
		if !reflect.DeepEqual(p.columns, columns) {
			return fmt.Errorf("the columns of %s are %v; before %v", what, columns, p.columns)
		}
	}
	for _, a := range p.asks(5) {
		if _, err := p.result(a); err != nil {
			return err
		}
	}
	if after := p.source.Columns(); !reflect.DeepEqual(p.columns, after) {
		return fmt.Errorf("the columns after a call are %v; before %v", after, p.columns)
	}
	return nil
}

func everyCellIsWritten(p *probe) error {
	if !p.overwrites() {
		return skip("no Overwriter: the pipeline writes the defaults first")
	}
	for _, a := range append(p.asks(5), p.asks(130)...) {
		b, err := p.result(a)
		if err != nil {
			return err
		}
		for i := range b.Rows {
			left := ""
			eachCell(b, i, func(kind recsys.Kind, j int, bits uint64) {
				if kind == recsys.ID && bits == poisonID || kind != recsys.ID && bits == poisonFloat {
					left = p.name(a.scope(), kind, j)
				}
			})
			if left != "" {
				return fmt.Errorf("it overwrites, but row %d of %s has column %q as it was before", i, a, left)
			}
		}
	}
	return nil
}

func missingRowsHoldDefaults(p *probe) error {
	seen := false
	for _, a := range p.asks(70) {
		b, err := p.result(a)
		if err != nil {
			return err
		}
		want := recsys.NewBlock(p.columns, a.scope(), b.Rows)
		for i := range b.Rows {
			if !b.Missing.Has(i) {
				continue
			}
			seen = true
			if !slices.Equal(row(want, i)[1:], row(b, i)[1:]) {
				return fmt.Errorf("row %d of %s is missing, but holds %s; want the defaults: %s", i, a, show(b, i), show(want, i))
			}
		}
	}
	if !seen {
		return skip("no row was missing; set Config.Unknown or UnknownUsers")
	}
	return nil
}

func knownIsThere(p *probe) error {
	if len(p.config.Items) == 0 && len(p.config.Users) == 0 {
		return skip("Config names no Items and no Users")
	}
	return p.missing(p.config.Items, p.config.Users, false)
}

func unknownIsMissing(p *probe) error {
	if len(p.config.Unknown) == 0 && len(p.config.UnknownUsers) == 0 {
		return skip("Config names no Unknown and no UnknownUsers")
	}
	return p.missing(p.config.Unknown, p.config.UnknownUsers, true)
}

// missing checks the Missing bits of all items and users.
func (p *probe) missing(items []recsys.ItemID, users []recsys.UserID, want bool) error {
	var asks []ask
	if p.has(recsys.PerItem) && len(items) > 0 {
		a := p.forItems(0)
		a.items = items
		asks = append(asks, a)
	}
	if p.has(recsys.PerRequest) {
		for _, u := range users {
			asks = append(asks, ask{context.Background(), p.query(u), nil})
		}
	}
	for _, a := range asks {
		b, err := p.result(a)
		if err != nil {
			return err
		}
		for i := range b.Rows {
			if b.Missing.Has(i) != want {
				return fmt.Errorf("row %d of %s: missing is %v; want %v", i, a, b.Missing.Has(i), want)
			}
		}
	}
	return nil
}

func rowsBelongToItems(p *probe) error {
	if !p.has(recsys.PerItem) || p.readsTable() {
		return skip("no columns of scope PerItem that come from the item alone")
	}
	for _, n := range []int{1, 2, 63, 64, 65, 130} {
		all := p.forItems(n)
		got, err := p.result(all)
		if err != nil {
			return err
		}
		for i, id := range all.items {
			one := all
			one.items = []recsys.ItemID{id}
			want, err := p.result(one)
			if err != nil {
				return err
			}
			if !slices.Equal(row(want, 0), row(got, i)) {
				return fmt.Errorf("row %d of %s, item %d, is %s; alone it is %s", i, all, id, show(got, i), show(want, 0))
			}
		}
	}
	return nil
}

func doubledItemsGetEqualRows(p *probe) error {
	if !p.has(recsys.PerItem) || p.readsTable() {
		return skip("no columns of scope PerItem that come from the item alone")
	}
	a := p.forItems(20)
	a.items = append(a.items, a.items...)
	b, err := p.result(a)
	if err != nil {
		return err
	}
	for i := range 20 {
		if !slices.Equal(row(b, i), row(b, i+20)) {
			return fmt.Errorf("item %d is %s in row %d and %s in row %d", a.items[i], show(b, i), i, show(b, i+20), i+20)
		}
	}
	return nil
}

func noItemsNoRows(p *probe) error {
	if !p.has(recsys.PerItem) {
		return skip("no columns of scope PerItem")
	}
	a := p.forItems(0)
	_, err := p.result(a)
	return err
}

func staysInItsBlock(p *probe) error {
	for _, a := range append(p.asks(5), p.asks(65)...) {
		g := guard(p.columns, a)
		if err := p.fill(a, g.block); err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
		if err := g.intact(); err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
		want, err := p.result(a)
		if err != nil {
			return err
		}
		if err := compare("in a table with other columns", a, want, g.block); err != nil {
			return err
		}
	}
	return nil
}

func oldRowsAreStale(p *probe) error {
	if p.config.Written.IsZero() {
		return skip("Config.Written is not set")
	}
	seen := false
	for _, scope := range []recsys.Scope{recsys.PerItem, recsys.PerRequest} {
		age := p.maxAge(scope)
		if age == 0 {
			continue
		}
		for _, a := range p.knownAsks(scope) {
			seen = true
			for _, more := range []time.Duration{0, 1} {
				q := p.config.Request
				q.User, q.Now = a.q.User, p.config.Written.Add(age+more)
				a.q = recsys.NewQuery(&q, p.schema, "featurestest")
				b, err := p.result(a)
				if err != nil {
					return err
				}
				for i := range b.Rows {
					if b.Stale.Has(i) != (more > 0) {
						return fmt.Errorf("row %d of %s at the age of %v: stale is %v; MaxAge is %v", i, a, age+more, b.Stale.Has(i), age)
					}
				}
			}
		}
	}
	if !seen {
		return skip("no column with MaxAge whose Items or Users Config names")
	}
	return nil
}

// maxAge returns the smallest MaxAge of a scope.
func (p *probe) maxAge(scope recsys.Scope) (age time.Duration) {
	for _, c := range p.columns {
		if c.Scope == scope && c.MaxAge > 0 && (age == 0 || c.MaxAge < age) {
			age = c.MaxAge
		}
	}
	return age
}

// knownAsks returns calls for what the source knows.
func (p *probe) knownAsks(scope recsys.Scope) (out []ask) {
	if scope == recsys.PerItem && len(p.config.Items) > 0 && p.has(scope) {
		a := p.forItems(0)
		a.items = p.config.Items
		out = append(out, a)
	}
	if scope == recsys.PerRequest && p.has(scope) {
		for _, u := range p.config.Users {
			out = append(out, ask{context.Background(), p.query(u), nil})
		}
	}
	return out
}

func freshRowsAreNotStale(p *probe) error {
	for _, scope := range []recsys.Scope{recsys.PerItem, recsys.PerRequest} {
		if p.maxAge(scope) > 0 {
			continue // see oldRowsAreStale
		}
		for _, a := range p.asks(10) {
			if a.scope() != scope {
				continue
			}
			q := p.config.Request
			q.User, q.Now = a.q.User, q.Now.AddDate(50, 0, 0)
			a.q = recsys.NewQuery(&q, p.schema, "featurestest")
			b, err := p.result(a)
			if err != nil {
				return err
			}
			for i := range b.Rows {
				if b.Stale.Has(i) {
					return fmt.Errorf("row %d of %s is stale, but no column of scope %v has a MaxAge", i, a, scope)
				}
			}
		}
	}
	return nil
}
