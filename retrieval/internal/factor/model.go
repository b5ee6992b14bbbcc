// Package factor holds the vectors of users and items that matrix factorisation learns, and
// serves them: the score of an item is the inner product of its vector and the user's, and
// the best of all items come from an exact scan.
//
// A model with a bias for each item has it as the last component of the item's vector, where
// every user has 1. An index over the vectors then finds the same items, without knowing of
// biases.
package factor

import (
	"fmt"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Limit is the largest magnitude of a component. Inner products of vectors within it do not
// leave the range of float32, so that no score is infinite or NaN.
const Limit = 1 << 50

// Model holds users and items and their vectors, of one dimension. It is immutable and safe
// for concurrent use; it must not be copied.
type Model struct {
	Users       []recsys.UserID // ascending
	Items       itemindex.Index
	UserVectors vector.Matrix // row u belongs to Users[u]
	ItemVectors vector.Matrix // row i belongs to item i of Items

	pool sync.Pool // of *Scratch
}

// New returns a model of users and items, which must ascend, and their vectors. It keeps
// the slices. It returns an error when they do not fit, are out of order, or when a component
// is not a number of at most [Limit].
func New(users []recsys.UserID, items []recsys.ItemID, userVectors, itemVectors vector.Matrix) (*Model, error) {
	for u := 1; u < len(users); u++ {
		if users[u-1] >= users[u] {
			return nil, fmt.Errorf("user %d at %d follows user %d; want ascending IDs", users[u], u, users[u-1])
		}
	}
	index, err := itemindex.New(items)
	if err != nil {
		return nil, err
	}
	switch {
	case userVectors.Rows != len(users) || itemVectors.Rows != len(items):
		return nil, fmt.Errorf("%d and %d vectors of %d users and %d items", userVectors.Rows, itemVectors.Rows, len(users), len(items))
	case userVectors.Dim != itemVectors.Dim:
		return nil, fmt.Errorf("vectors of users have %d components, those of items %d", userVectors.Dim, itemVectors.Dim)
	}
	for u := range userVectors.Rows {
		if v := userVectors.Row(u); !Bounded(v) {
			return nil, fmt.Errorf("user %d has a component that is not a number of at most %g", users[u], float64(Limit))
		}
	}
	for i := range itemVectors.Rows {
		if v := itemVectors.Row(i); !Bounded(v) {
			return nil, fmt.Errorf("item %d has a component that is not a number of at most %g", items[i], float64(Limit))
		}
	}
	return &Model{Users: users, Items: index, UserVectors: userVectors, ItemVectors: itemVectors}, nil
}

// Bounded reports whether every component of v is a number of at most [Limit].
func Bounded(v []float32) bool {
	for _, x := range v {
		if !(x >= -Limit && x <= Limit) {
			return false
		}
	}
	return true
}

// Dim returns the dimension of the vectors.
func (m *Model) Dim() int { return m.ItemVectors.Dim }

// FindUser returns the row of a user, -1 when the model does not know it.
func (m *Model) FindUser(id recsys.UserID) int {
	if at, ok := slices.BinarySearch(m.Users, id); ok {
		return at
	}
	return -1
}
