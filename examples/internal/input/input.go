// Package input reads the files of interactions that the programs cf and seq take. What is
// wrong with a file is a *[cli.InputError], which makes a program exit with 2.
package input

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/retrieval"
)

// IDs turns the ids of the files of a run into those of the library. The zero value takes
// them for numbers.
type IDs struct {
	users, items *features.Vocabulary // of ids that are strings
}

// NewIDs returns the ids of a kind, "number" or "string", nil for another.
func NewIDs(kind string) *IDs {
	switch kind {
	case "number":
		return &IDs{}
	case "string":
		return &IDs{users: new(features.Vocabulary), items: new(features.Vocabulary)}
	}
	return nil
}

// besideOf names the file of ids beside that of a model.
func besideOf(model string) string { return model + ".ids" }

// Save writes strings and their ids to a file beside that of a model, so that [LoadIDs] gives them
// the same ids. Ids that are numbers need none: old ids are removed, lest they be taken for
// theirs.
func (ids *IDs) Save(model string) error {
	path := besideOf(model)
	if ids.users == nil {
		if data, err := os.ReadFile(path); err != nil || NewIDs("string").decode(data) != nil {
			return nil // there is none, or it is not ours
		}
		return os.Remove(path)
	}
	var b bytes.Buffer
	for _, v := range []*features.Vocabulary{ids.users, ids.items} {
		if _, err := v.WriteTo(&b); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path+".tmp", b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// LoadIDs returns ids of a kind that begin with those that [IDs.Save] wrote beside a model; without a
// model, new ones. The error is a *[cli.InputError] when there is no such model, ids were of the
// other kind, or the file is none of ids where there must be one.
func LoadIDs(kind, model string) (*IDs, error) {
	ids := NewIDs(kind)
	if model == "" {
		return ids, nil
	}
	if _, err := os.Stat(model); err != nil {
		return nil, &cli.InputError{File: "-load", Err: err} // err names the file
	}
	path := besideOf(model)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if ids.users == nil {
			return ids, nil
		}
		return nil, cli.Inputf(path, 0, "the model has no file of ids beside it: it was saved without -ids %s", kind)
	}
	if err != nil {
		return nil, cli.Inputf(path, 0, "%w", err)
	}
	if ids.users == nil {
		if NewIDs("string").decode(data) != nil {
			return ids, nil // not ours
		}
		return nil, cli.Inputf(path, 0, "the ids of the model are strings; want -ids string")
	}
	if err := ids.decode(data); err != nil {
		return nil, cli.Inputf(path, 0, "%w", err)
	}
	return ids, nil
}

// decode reads what Save writes of ids that are strings.
func (ids *IDs) decode(data []byte) error {
	r := bytes.NewReader(data)
	for _, v := range []*features.Vocabulary{ids.users, ids.items} {
		if _, err := v.ReadFrom(r); err != nil {
			return err
		}
	}
	return nil
}

// User returns the id of a user.
func (ids *IDs) User(text string) (recsys.UserID, error) {
	id, err := parse(ids.users, text)
	return recsys.UserID(id), err
}

// Item returns the id of an item.
func (ids *IDs) Item(text string) (recsys.ItemID, error) {
	id, err := parse(ids.items, text)
	return recsys.ItemID(id), err
}

func parse(v *features.Vocabulary, text string) (uint64, error) {
	if v != nil {
		return v.Add(text)
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errors.New("want an unsigned number below 2^64 (-ids string takes any text)")
	}
	return id, nil
}

// Format returns "csv" for a file named .csv or .tsv, packed or not, and other for any other:
// as lists of items, the values and times of a log would pass for items.
func Format(file, other string) string {
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(file, ".gz"))) {
	case ".csv", ".tsv":
		return "csv"
	}
	return other
}

// Interactions reads a file in a format: "lists" is "user item item …" per line, "pairs"
// "user item", "sessions" "item item …", whose users are the lines, from 1, and any other
// "user,item[,value][,time]" with an optional header. A file without interactions is an error.
func Interactions(name, format string, ids *IDs) (*retrieval.Interactions, error) {
	in, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var x *retrieval.Interactions
	opt := retrieval.ReadOptions{UserID: ids.User, ItemID: ids.Item}
	switch format {
	case "lists":
		x, err = retrieval.ReadLists(in, name, opt)
	case "sessions":
		x, err = retrieval.ReadSessions(in, name, opt)
	case "pairs":
		opt.Columns, opt.Header = []string{"user", "item"}, retrieval.HeaderNone
		x, err = retrieval.ReadInteractions(in, name, opt)
	default:
		x, err = retrieval.ReadInteractions(in, name, opt)
	}
	if e, ok := errors.AsType[*retrieval.ReadError](err); ok {
		reason := e.Reason
		if e.Field != "" {
			reason = fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Reason)
		}
		return nil, cli.Inputf(e.File, e.Line, "%s", reason)
	}
	if err != nil {
		return nil, cli.Inputf(name, 0, "%w", err)
	}
	if x.Len() == 0 {
		return nil, cli.Inputf(name, 0, "no interactions")
	}
	return x, nil
}
