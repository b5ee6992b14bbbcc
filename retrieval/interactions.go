package retrieval

import (
	"fmt"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
)

// Records is a log of acts in columns: record k says that Users[k] took
// Items[k]. It is what an [Interactions] is built from; append to the columns in
// any order.
type Records struct {
	Users   []recsys.UserID
	Items   []recsys.ItemID
	Weights []float32 // >= 0, finite; nil means 1 for every record
	Times   []int64   // Unix nanoseconds; nil means that the times are unknown
}

// Merge says what becomes of several records of one user and item: which weight
// their one cell of the matrix has. Its time is the latest in either case, and
// the history keeps them all.
type Merge uint8

const (
	// SumWeights adds the weights: of plays, clicks, seconds.
	SumWeights Merge = iota
	// LastWeight keeps the weight of the latest record, by time and then by
	// input order: of ratings that a user may change.
	LastWeight
)

// Interactions says who took what, how much and when: a sparse matrix users ×
// items, and for each user the history in time order.
//
// Users and items have dense rows from 0, ascending by id, the same in every
// view. The matrix has one cell for each user and item, duplicates merged by a
// [Merge]; a weight of 0 is a cell too. A history has every record, ordered by
// time and then by input; without times the input order is taken for the order
// of time.
//
// An Interactions is immutable, and safe for concurrent use. Slices that its
// methods return are parts of it, not to be written to, unless the method says
// otherwise. Methods that take a row panic if there is no such row.
//
// A cell takes 8 bytes, 16 with times, and 8 more once ByItem was called; a record
// takes 4, or where pairs repeat 8, 16 with times; a user or item takes 24 to 40.
type Interactions struct {
	users  index[recsys.UserID]
	items  index[recsys.ItemID]
	merge  Merge
	byUser CSR
	times  []int64 // of the cells of byUser; nil without times

	// The history of user u is histStart[u]:histStart[u+1] of the next three.
	// Without repeated pairs a record is a cell, and the last two are nil.
	histStart  []int64
	histCell   []int32 // cells of byUser
	histWeight []float32
	histTime   []int64

	once   sync.Once
	byItem *CSR
}

// NewInteractions builds an Interactions from the records. It keeps none of their
// memory. No records give an Interactions without users and items. It takes time
// linear in the records but for the sorting of rows, and fails if the columns
// differ in length, a weight is negative, NaN or infinite, or there are more than
// 2,147,483,647 records; the error names the record, counted from 0.
func NewInteractions(records Records, merge Merge) (*Interactions, error) {
	n := len(records.Users)
	switch {
	case len(records.Items) != n:
		return nil, fmt.Errorf("retrieval: Records has %d Users and %d Items; want as many", n, len(records.Items))
	case records.Weights != nil && len(records.Weights) != n:
		return nil, fmt.Errorf("retrieval: Records has %d Users and %d Weights; want as many, or nil", n, len(records.Weights))
	case records.Times != nil && len(records.Times) != n:
		return nil, fmt.Errorf("retrieval: Records has %d Users and %d Times; want as many, or nil", n, len(records.Times))
	case n > maxRows:
		return nil, fmt.Errorf("retrieval: Records has %d records; want at most %d", n, maxRows)
	case merge > LastWeight:
		return nil, fmt.Errorf("retrieval: Merge is %d; want SumWeights (0) or LastWeight (1)", merge)
	}
	for k, w := range records.Weights {
		if !validWeight(w) {
			return nil, fmt.Errorf("retrieval: record %d (user %d, item %d): weight is %v; want a finite number >= 0",
				k, records.Users[k], records.Items[k], w)
		}
	}
	users, u := newIndex(records.Users)
	items, i := newIndex(records.Items)
	return build(users, items, merge, acts{u, i, records.Weights, records.Times})
}

// validWeight is false for NaN.
func validWeight(w float32) bool { return w >= 0 && w <= maxWeight }

// NumUsers returns the number of users, those without interactions included.
func (x *Interactions) NumUsers() int { return len(x.users.ids) }

// NumItems returns the number of items, those without interactions included.
func (x *Interactions) NumItems() int { return len(x.items.ids) }

// Len returns the number of cells: of different pairs of user and item.
func (x *Interactions) Len() int { return x.byUser.Len() }

// NumRecords returns the number of records, repeated pairs included.
func (x *Interactions) NumRecords() int { return len(x.histCell) }

// Users returns the ids of the users, ascending: Users()[row] is the id of a row.
func (x *Interactions) Users() []recsys.UserID { return x.users.ids }

// Items returns the ids of the items, ascending: Items()[row] is the id of a row.
func (x *Interactions) Items() []recsys.ItemID { return x.items.ids }

// UserRow returns the row of a user, and whether there is one. It takes constant
// time and does not allocate.
func (x *Interactions) UserRow(id recsys.UserID) (row int, ok bool) { return x.users.row(id) }

// ItemRow returns the row of an item, and whether there is one. It takes constant
// time and does not allocate.
func (x *Interactions) ItemRow(id recsys.ItemID) (row int, ok bool) { return x.items.row(id) }

// ByUser returns the matrix with a row for each user and a column for each item.
func (x *Interactions) ByUser() *CSR { return &x.byUser }

// ByItem returns the matrix with a row for each item and a column for each user.
// The first call transposes ByUser, in linear time.
func (x *Interactions) ByItem() *CSR {
	x.once.Do(func() { x.byItem = x.byUser.Transpose() })
	return x.byItem
}

// HasTimes reports whether the times are known.
func (x *Interactions) HasTimes() bool { return x.times != nil }

// Times returns when each item of the user's row of ByUser was last taken, in
// Unix nanoseconds, or nil if the times are unknown.
func (x *Interactions) Times(user int) []int64 {
	lo, hi := x.byUser.Start[user], x.byUser.Start[user+1]
	if x.times == nil {
		return nil
	}
	return x.times[lo:hi:hi]
}

// HistoryLen returns how many events the history of the user at the row has.
func (x *Interactions) HistoryLen(user int) int {
	return int(x.histStart[user+1] - x.histStart[user])
}

// History returns what the user at the row did, oldest first: events of kind
// [recsys.Click] whose Value is the record's weight and whose Time is in UTC, or
// zero if the times are unknown. The slice is the caller's.
func (x *Interactions) History(user int) []recsys.Event {
	return x.AppendHistory(make([]recsys.Event, 0, x.HistoryLen(user)), user)
}

// AppendHistory appends [Interactions.History] to dst and returns the result.
func (x *Interactions) AppendHistory(dst []recsys.Event, user int) []recsys.Event {
	for h := x.histStart[user]; h < x.histStart[user+1]; h++ {
		weight, nano := x.record(h)
		e := recsys.Event{Item: x.items.ids[x.byUser.Index[x.histCell[h]]], Kind: recsys.Click, Value: weight}
		if x.HasTimes() {
			e.Time = time.Unix(0, nano).UTC()
		}
		dst = append(dst, e)
	}
	return dst
}

// AppendItemRows appends the rows of the items of the user's history to dst,
// oldest first, and returns the result. It does not allocate if dst has room.
func (x *Interactions) AppendItemRows(dst []int32, user int) []int32 {
	for _, cell := range x.histCell[x.histStart[user]:x.histStart[user+1]] {
		dst = append(dst, x.byUser.Index[cell])
	}
	return dst
}

// record returns the weight of record h of the histories, and its time, 0 without
// times.
func (x *Interactions) record(h int64) (weight float32, nano int64) {
	if x.histWeight != nil { // pairs repeat
		weight = x.histWeight[h]
		if x.histTime != nil {
			nano = x.histTime[h]
		}
		return weight, nano
	}
	cell := x.histCell[h]
	if x.times != nil {
		nano = x.times[cell]
	}
	return x.byUser.Weight[cell], nano
}
