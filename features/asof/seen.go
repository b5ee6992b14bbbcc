package asof

import (
	"cmp"
	"slices"

	"github.com/recsyskit/recsys"
)

// Seen remembers what each user took or was shown, and since when: what negatives must
// not be drawn from. The zero Seen is empty. It takes 16 bytes for each pair of user and item, and as much again while it grows. It is not safe for
// concurrent use.
//
// What to exclude is a choice. All of a user's items, whenever taken, avoids false negatives, but
// tells the trainer what the user took later: an item that never comes as a negative of hers is one that
// she will take. Up to the label's time tells nothing that was not known then.
type Seen struct {
	users map[recsys.UserID]*seenItems
}

type seenItems struct {
	list   []seenItem // the first sorted of it by item, each once
	sorted int
}

type seenItem struct {
	item recsys.ItemID
	at   int64
}

// Add says that the user took the item, or was shown it, at a time in Unix nanoseconds. Of several the first counts.
func (s *Seen) Add(user recsys.UserID, item recsys.ItemID, at int64) {
	if s.users == nil {
		s.users = map[recsys.UserID]*seenItems{}
	}
	u := s.users[user]
	if u == nil {
		u = new(seenItems)
		s.users[user] = u
	}
	u.list = append(u.list, seenItem{item, at})
	if len(u.list) >= 2*u.sorted+16 {
		u.settle()
	}
}

// AddExposure says what an exposure record says: what was shown, at Exposure.Now.
func (s *Seen) AddExposure(x *recsys.Exposure) {
	for i := range x.Rows[:max(0, min(x.Shown, len(x.Rows)))] {
		s.Add(x.User, x.Rows[i].Item, nano(x.Now))
	}
}

// Items appends the items that the user had taken or was shown by a time, ascending, and returns dst; all of them with
// math.MaxInt64.
func (s *Seen) Items(dst []recsys.ItemID, user recsys.UserID, until int64) []recsys.ItemID {
	u := s.users[user]
	if u == nil {
		return dst
	}
	u.settle()
	for _, x := range u.list {
		if x.at <= until {
			dst = append(dst, x.item)
		}
	}
	return dst
}

// settle sorts the list and keeps the first of each item.
func (u *seenItems) settle() {
	if u.sorted == len(u.list) {
		return
	}
	slices.SortFunc(u.list, func(a, b seenItem) int { return cmp.Or(cmp.Compare(a.item, b.item), cmp.Compare(a.at, b.at)) })
	u.list = slices.CompactFunc(u.list, func(a, b seenItem) bool { return a.item == b.item })
	u.sorted = len(u.list)
}
