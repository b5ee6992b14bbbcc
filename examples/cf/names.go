package main

import (
	"errors"
	"strconv"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// names turns the ids of the files into those of the library. The zero value takes them for
// numbers.
type names struct {
	users, items *features.Vocabulary // of ids that are strings
}

func newNames() *names {
	return &names{users: new(features.Vocabulary), items: new(features.Vocabulary)}
}

func (n *names) user(text string) (recsys.UserID, error) {
	id, err := id(n.users, text)
	return recsys.UserID(id), err
}

func (n *names) item(text string) (recsys.ItemID, error) {
	id, err := id(n.items, text)
	return recsys.ItemID(id), err
}

func id(v *features.Vocabulary, text string) (uint64, error) {
	if v != nil {
		return v.Add(text)
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errors.New("want an unsigned number below 2^64 (-ids string takes any text)")
	}
	return id, nil
}
