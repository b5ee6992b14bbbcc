package features

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// Entity says what the rows of a [View] describe, and with it their keys.
type Entity uint8

// The entities.
const (
	Item     Entity = iota // keys are ItemIDs; columns have scope PerItem
	User                   // keys are UserIDs; columns have scope PerRequest
	UserItem               // keys are PairKeys; columns have scope PerItem
	Context                // keys are the values of an ID column of the request, see View.Key; columns have scope PerRequest
)

// String returns "item", "user", "user-item" or "context".
func (e Entity) String() string {
	switch e {
	case Item:
		return "item"
	case User:
		return "user"
	case UserItem:
		return "user-item"
	case Context:
		return "context"
	}
	return fmt.Sprintf("Entity(%d)", uint8(e))
}

// Scope returns the scope of the entity's columns: PerItem where each candidate has a row of
// its own, PerRequest where the request has one.
func (e Entity) Scope() recsys.Scope {
	if e == User || e == Context {
		return recsys.PerRequest
	}
	return recsys.PerItem
}

// PairKey returns the key of the row of a user and an item: 64 well-mixed bits of both, in this
// order. The same pair has the same key for ever, on every machine. In numbers of 64 bits that wrap around it is
//
//	key(user, item) = step(step(0x7061697220206b65, user), item)
//	step(h, x)      = mix(mix(h + 0x9e3779b97f4a7c15) + x)
//
// where mix, the finalizer of SplitMix64, is
//
//	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
//	x = (x ^ x>>27) * 0x94d049bb133111eb
//	mix = x ^ x>>31
//
// so that key(1, 2) = 0x22f7a0b36d61a51f.
//
// Two pairs may have the same key, and then share a row. Among n pairs the odds that any two do are
// about n²/2^65: 1 in 3,700 for 10^8 pairs, 1 in 37 for 10^9. The odds that a pair that has no row finds one are n/2^64.
func PairKey(user recsys.UserID, item recsys.ItemID) uint64 {
	return hash.Combine(pairSeed, uint64(user), uint64(item))
}

// pairSeed keeps pair keys apart from other hashes of two numbers. It never changes.
const pairSeed = 0x7061697220206b65

// Keys turns a query into the keys of a view's rows; [View.Keys] makes one.
type Keys struct {
	entity Entity
	index  int // of the request's ID column, for Context
}

// Append appends the key of each row that the query asks for and returns the extended slice: for Item
// and UserItem one for each of items, for User and Context one. It allocates only to grow dst.
func (k Keys) Append(dst []uint64, q *recsys.Query, items []recsys.ItemID) []uint64 {
	switch k.entity {
	case User:
		return append(dst, uint64(q.User))
	case Context:
		return append(dst, q.IDs()[k.index])
	case UserItem:
		user := hash.Combine(pairSeed, uint64(q.User))
		for _, item := range items {
			dst = append(dst, hash.Combine(user, uint64(item)))
		}
		return dst
	}
	for _, item := range items {
		dst = append(dst, uint64(item))
	}
	return dst
}
