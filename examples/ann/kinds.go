package main

import (
	"context"
	"io"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// kind is a sort of index that the program knows.
type kind struct {
	name    string
	efforts []int // the sweep without -ef; 0 is what the index was built for
	build   func(ctx context.Context, o *options, m retrieval.Metric, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, error)
	open    func(file string) (retrieval.Index, error)
}

// kinds lists them, in the order of the documentation.
func kinds() []*kind { return nil }

func kindNamed(name string) *kind {
	for _, k := range kinds() {
		if k.name == name {
			return k
		}
	}
	return nil
}

func kindNames() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// saver is an index that can be written to a file.
type saver interface {
	Save(file string) error
}

// closer releases a mapped index.
type closer interface{ io.Closer }
