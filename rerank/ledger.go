package rerank

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

// ExposureLedger keeps accounts of the exposure that groups of items got over all requests, and of what was
// due to them, for [ExposureParity]. It is an exposure sink: a pipeline that logs to it credits what was really shown, after
// exploration.
//
//	ledger, err := rerank.NewExposureLedger("creator", nil)
//	recsys.ReRank(rerank.ExposureParity{Ledger: ledger, Lambda: 0.1}),
//	recsys.Log(ledger),
//
// The place of rank r has the exposure 1/log2(1+r), as in DCG. A row whose group is unknown counts for the value that was served in its
// place, the column's default.
//
// Methods are safe for concurrent use. An account takes about 64 bytes and is kept for ever. Slates are credited each time they are logged;
// a record that arrives twice counts twice.
type ExposureLedger struct {
	attribute string
	shares    map[uint64]float64 // declared, with the sum 1; nil: by relevance

	mu       sync.RWMutex
	accounts map[uint64]Account
}

// Account is what a group got and what was due to it, in units of the exposure of a first place.
type Account struct {
	Group         uint64
	Received, Due float64
}

// Deficit returns what the group is still owed; negative if it got more than was due.
func (a Account) Deficit() float64 { return a.Due - a.Received }

var _ recsys.ExposureSink = (*ExposureLedger)(nil)

// NewExposureLedger returns a ledger without accounts for the groups that an ID column of items tells apart.
//
// shares says what part of the exposure of each slate is due to each group: weights > 0 of any sum; a group that is not listed
// has none. If shares is empty, exposure is due by relevance: of each slate, a group's part is its part of the relevance of
// all candidates, scores brought to [0, 1] between the lowest and the highest (all 1 if they are equal). Of records that hold a sample of what was not
// shown, rows count by 1 over the probability that they stand in it, which makes the estimate unbiased; log with
// recsys.LogFull to be exact.
func NewExposureLedger(attribute string, shares map[uint64]float64) (*ExposureLedger, error) {
	if attribute == "" {
		return nil, errors.New("rerank: NewExposureLedger: attribute is empty; name an ID column of items")
	}
	l := &ExposureLedger{attribute: attribute, accounts: map[uint64]Account{}}
	groups := slices.Sorted(maps.Keys(shares))
	parts := make([]float64, len(groups))
	for i, g := range groups {
		s := shares[g]
		if !(s > 0) || math.IsInf(s, 0) {
			return nil, fmt.Errorf("rerank: NewExposureLedger: the share of group %d is %v; want a finite number > 0", g, s)
		}
		parts[i] = s
	}
	if normalize(parts) {
		l.shares = make(map[uint64]float64, len(groups))
		for i, g := range groups {
			l.shares[g] = parts[i]
		}
	}
	return l, nil
}

// Accounts returns the accounts in order of the group.
func (l *ExposureLedger) Accounts() []Account {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.SortedFunc(maps.Values(l.accounts), func(a, b Account) int { return cmp.Compare(a.Group, b.Group) })
}

// Restore replaces all accounts, such as by those of an earlier process. It is an error, and changes nothing, if an amount is negative or
// not finite, or if a group has two accounts.
func (l *ExposureLedger) Restore(accounts []Account) error {
	m := make(map[uint64]Account, len(accounts))
	for i, a := range accounts {
		if !(a.Received >= 0 && a.Due >= 0) || math.IsInf(a.Received, 0) || math.IsInf(a.Due, 0) {
			return fmt.Errorf("rerank: ExposureLedger.Restore: account %d, of group %d, has received %v of %v; want finite numbers >= 0", i, a.Group, a.Received, a.Due)
		}
		if _, ok := m[a.Group]; ok {
			return fmt.Errorf("rerank: ExposureLedger.Restore: account %d is the second one of group %d", i, a.Group)
		}
		m[a.Group] = a
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts = m
	return nil
}

// LogExposure credits the rows that were shown with the exposure of their places, and all groups with what was due. It is an
// error, and changes nothing, if the record's schema has no such column, or if a row that was shown has no place.
func (l *ExposureLedger) LogExposure(_ context.Context, x *recsys.Exposure) error {
	if x.Shown == 0 {
		return nil
	}
	f, ok := x.Schema.Field(l.attribute)
	if !ok || f.Kind != recsys.ID || f.Scope != recsys.PerItem {
		_, err := bindAttribute(x.Schema, "ExposureLedger", l.attribute)
		return err
	}
	if x.Shown < 0 || x.Shown > len(x.Rows) {
		return fmt.Errorf("rerank: ExposureLedger: record %q shows %d of %d rows", x.ID, x.Shown, len(x.Rows))
	}
	for i, row := range x.Rows {
		if f.Index >= len(row.IDs) || i < x.Shown && row.Position < 0 {
			return fmt.Errorf("rerank: ExposureLedger: record %q: row %d, shown at position %d, has %d IDs; want a position >= 0 and all IDs of the schema",
				x.ID, i, row.Position, len(row.IDs))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	total := 0.0
	for _, row := range x.Rows[:x.Shown] {
		e := discount(row.Position)
		l.credit(row.IDs[f.Index], e, 0)
		total += e
	}
	if l.shares != nil {
		for g, s := range l.shares {
			l.credit(g, 0, float64(s*total))
		}
		return nil
	}
	l.dueByRelevance(x, f.Index, total)
	return nil
}

// dueByRelevance deals exposure out by the relevance of the rows recorded.
func (l *ExposureLedger) dueByRelevance(x *recsys.Exposure, column int, total float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range x.Rows {
		if s := float64(row.Score); !math.IsInf(s, 0) && s == s {
			lo, hi = min(lo, s), max(hi, s)
		}
	}
	sum := 0.0
	for _, row := range x.Rows {
		sum += merit(row, lo, hi)
	}
	if sum == 0 {
		return
	}
	for _, row := range x.Rows {
		l.credit(row.IDs[column], 0, float64(merit(row, lo, hi)/sum*total))
	}
}

// merit returns the relevance of a row, times how many rows it stands for.
func merit(row recsys.ExposureRow, lo, hi float64) float64 {
	if !(row.Inclusion > 0) {
		return 0
	}
	return relevanceBetween(float64(row.Score), lo, hi) / row.Inclusion
}

// relevanceBetween maps scores from lo to hi to 0 to 1, equal ones to 1, and what is no number to 0.
func relevanceBetween(s, lo, hi float64) float64 {
	switch {
	case s != s:
		return 0
	case !(lo < hi):
		return 1
	}
	return (min(max(s, lo), hi) - lo) / (hi - lo)
}

func (l *ExposureLedger) credit(group uint64, received, due float64) {
	a := l.accounts[group]
	a.Group = group
	a.Received += received
	a.Due += due
	l.accounts[group] = a
}

// deficits fills dst with the deficits of groups, all of one moment.
func (l *ExposureLedger) deficits(dst []float64, groups []uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i, g := range groups {
		dst[i] = l.accounts[g].Deficit()
	}
}
