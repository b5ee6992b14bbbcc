// Package annindex is the table of the vector indexes that programs can build
// by name.
package annindex

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Config is what any index may need to know; each takes what concerns it.
type Config struct {
	Metric         retrieval.Metric
	Quant          string        // codes that are searched: one of the kind's Quants; "" for the first
	M              int           // links of a node of hnsw
	EfConstruction int           // pool while hnsw is built
	Lists          int           // of ivf; 0 for its default
	K              int           // neighbours that searches will ask for
	Recall         float64       // what searches without an effort are to find; 0 for the default
	Sample         vector.Matrix // queries for indexes that tune themselves; none for those that they make up
	MaxBytes       int64         // that an index which chooses itself may keep resident; 0 for no bound
	Seed           uint64
	Workers        int
	// Progress, unless nil, is told what is being done, by one goroutine; total is 0 where it
	// is not known.
	Progress func(stage string, done, total int)
}

// progress tells what of one stage is done.
func (c *Config) progress(stage string) func(done, total int) {
	return func(done, total int) { c.Progress(stage, done, total) }
}

// Kind is a sort of index.
type Kind struct {
	Name string
	// Efforts is a sweep from fast to thorough; {0} where there is nothing to set.
	Efforts []int
	// Quants lists the codes that it can search; the first is the default.
	Quants []string

	build func(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error)
	open  func(file string) (retrieval.Index, error)
}

// Kinds lists them.
func Kinds() []*Kind { return []*Kind{&flatKind, &hnswKind, &ivfKind, &autoKind} }

// pools is a sweep of a graph's candidate pool.
var pools = []int{10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024}

// lists is a sweep of the lists that an inverted file reads.
var lists = []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}

// Named returns the kind of a name, nil for none.
func Named(name string) *Kind {
	for _, k := range Kinds() {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Names lists the names.
func Names() []string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// Cost is what it took to build an index.
type Cost struct {
	Wall, CPU float64 // seconds; CPU is of all threads
	Bytes     int64   // memory that it holds
	Resident  int64   // the part of it that stays in use when the vectors are mapped from a file
	Why       string  // why the index is as it is, where it chooses itself
}

// Build builds an index of rows and takes its cost. Bytes is what the index says of itself,
// else by how much the heap has grown.
func (k *Kind) Build(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, Cost, error) {
	if c.Quant != "" && !slices.Contains(k.Quants, c.Quant) {
		return nil, Cost{}, fmt.Errorf("index %s has no codes %q; want one of %s", k.Name, c.Quant, strings.Join(k.Quants, ", "))
	}
	report := c.Progress
	c.Progress = func(stage string, done, total int) {
		if report != nil {
			report(stage, done, total)
		}
	}
	before := heapInUse()
	watch := annset.StartStopwatch()
	index, why, err := k.build(ctx, c, items, base)
	report = nil // the index may keep c
	if err != nil {
		return nil, Cost{}, err
	}
	cost := Cost{Why: why}
	cost.Wall, cost.CPU = watch.Seconds()
	if s, ok := index.(interface{ Bytes() int }); ok {
		cost.Bytes = int64(s.Bytes())
	} else {
		cost.Bytes = heapInUse() - before
	}
	cost.Resident = cost.Bytes
	if s, ok := index.(interface{ Resident() int }); ok {
		cost.Resident = int64(s.Resident())
	}
	return index, cost, nil
}

// Tunes reports whether the effort of a search changes anything for this kind: it does not for
// exact search, nor for an index that has set its effort itself.
func (k *Kind) Tunes() bool { return k.Efforts[0] > 0 }

// Saver is an index that can be written to a file.
type Saver interface {
	Save(file string) error
}

// Saves reports whether indexes of this kind can be saved and mapped.
func (k *Kind) Saves() bool { return k.open != nil }

// Open maps a file that an index of this kind saved.
func (k *Kind) Open(file string) (retrieval.Index, error) {
	if k.open == nil {
		return nil, fmt.Errorf("an index of kind %s cannot be mapped", k.Name)
	}
	return k.open(file)
}

// heapInUse returns the bytes that are reachable.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // the first one may leave what finalizers and pools held
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
