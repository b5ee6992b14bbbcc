package retrieval

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/recsyskit/recsys"
)

// Metric says how two vectors are compared. Every index gives scores that are
// larger the nearer two vectors are.
type Metric uint8

// The metrics. The bits of a score do not depend on the index that gives it, nor on
// whether it came from a search or from Score: they are those of the kernels of
// package vector on the vectors as stored.
const (
	// InnerProduct scores q·x. It is the score of a matrix factorisation or of a
	// two-tower model trained with a dot product.
	InnerProduct Metric = iota
	// Cosine scores q·x / (|q| |x|), in [-1, 1] but for rounding. Vectors are stored
	// normalised by vector.Normalize, queries are normalised likewise, and the score is
	// vector.Dot of the two, whose last bit may differ from that of vector.Cosine; a zero
	// vector scores 0 with everything.
	Cosine
	// L2 scores -|q-x|², the negative squared Euclidean distance.
	L2
)

// String returns the short name: "ip", "cos" or "l2".
func (m Metric) String() string {
	switch m {
	case InnerProduct:
		return "ip"
	case Cosine:
		return "cos"
	case L2:
		return "l2"
	}
	return fmt.Sprintf("Metric(%d)", uint8(m))
}

// ParseMetric returns the metric with a short name, as String writes it; "dot" is another
// name for "ip" and "cosine" for "cos". Case does not count.
func ParseMetric(name string) (Metric, error) {
	switch strings.ToLower(name) {
	case "ip", "dot":
		return InnerProduct, nil
	case "cos", "cosine":
		return Cosine, nil
	case "l2":
		return L2, nil
	}
	return 0, fmt.Errorf("retrieval: metric is %q; want ip, cos or l2", name)
}

// Neighbor is an item that a search found, with its score by the index's metric.
type Neighbor struct {
	Item  recsys.ItemID
	Score float32
}

// SearchOptions narrows and tunes one search. The zero value searches all items with
// the effort that the index was built for.
type SearchOptions struct {
	// Effort trades time for recall: the candidate pool of a graph (efSearch), the lists
	// that an inverted file reads (nprobe). 0 means the default of the index; exact
	// indexes ignore it. An index raises it to what k needs.
	Effort int

	// Filter keeps the items that it matches; nil keeps all. A Filter is made once and
	// used for many searches, so that an index remembers which of its rows match.
	Filter *Filter

	// Allow, unless nil, keeps only the items in it. It is meant for a list that belongs
	// to one request; empty but not nil finds nothing.
	Allow []recsys.ItemID

	// Exclude drops the items in it: what the user has seen.
	Exclude []recsys.ItemID

	// Stats, unless nil, is filled with what the search did.
	Stats *SearchStats
}

// SearchStats tells what a search did.
type SearchStats struct {
	// Plan names the method that was chosen, such as "walk", "scan" or "allowed".
	Plan string
	// Scored is the number of vectors compared with the query, approximate comparisons
	// included.
	Scored int
	// Rescored is the number of them compared again at full precision.
	Rescored int
}

// Index finds the items whose vectors are nearest to a query vector.
//
// All methods are safe for concurrent use, with each other and with those of
// [MutableIndex]. Vectors are of length Dim.
//
// An index that has a method Close is of no use after it, wherever its vectors were: all
// methods that return an error fail with [ErrClosed], Len is 0 and Vector finds nothing; a
// second Close does nothing.
type Index interface {
	// Search appends the k best items to dst, best first, equal scores by the smaller
	// item, and returns it. It appends fewer when fewer pass the options, none when
	// k <= 0 or the index is empty. An item appears once. Scores are exact even where
	// the choice of items is approximate.
	//
	// It fails with [ErrDimension] when len(q) is not Dim and with [ErrNotFinite] when q
	// has a NaN or an infinity; dst is then returned as it was. With enough room in dst it
	// does not allocate in steady state. It keeps nothing of its arguments.
	Search(dst []Neighbor, q []float32, k int, opt SearchOptions) ([]Neighbor, error)

	// Score writes the score of each item to dst, which has the length of items; NaN for
	// an item that is not in the index. It fails as Search does, and allocates nothing.
	Score(dst []float32, q []float32, items []recsys.ItemID) error

	// Vector appends the stored vector of an item to dst; ok is false when the item is
	// not in the index. Under [Cosine] the stored vector is normalised.
	Vector(dst []float32, item recsys.ItemID) (_ []float32, ok bool)

	// Len returns the number of items.
	Len() int
	// Dim returns the dimension of the vectors.
	Dim() int
	// Metric returns how vectors are compared.
	Metric() Metric
}

// MutableIndex is an [Index] whose items come and go while it is searched.
//
// Writers are serialised by the index: calls from several goroutines take effect in
// some order. A search that starts after a call has returned sees its effect; one that
// runs at the same time sees each item either before or after, never a mixture of two
// vectors.
type MutableIndex interface {
	Index

	// Insert adds an item. It fails with [ErrDuplicate] when the item is there already,
	// [ErrDimension] or [ErrNotFinite] for a vector that cannot be stored. The vector is
	// copied.
	Insert(item recsys.ItemID, vec []float32) error

	// Update replaces the vector of an item. It fails with [ErrNotFound] when the item is
	// not there, else as Insert does; then the old vector stays.
	Update(item recsys.ItemID, vec []float32) error

	// Delete removes an item. It fails with [ErrNotFound] when the item is not there.
	Delete(item recsys.ItemID) error
}

// StoredIndex is what the indexes of this module are: a [MutableIndex] that is saved to a file,
// which the package's Open maps into memory.
type StoredIndex interface {
	MutableIndex

	// Save writes the index to a file, all of it or nothing: the new file replaces the old
	// one when it is on disk.
	Save(path string) error

	// Verify reads all of the index, and of the file if it was opened, and returns what is
	// wrong with it.
	Verify() error

	// Compact gives back the memory of what was deleted and replaced. When ctx ends, the
	// index stays as it was.
	Compact(ctx context.Context) error

	// Bytes returns the memory that the index takes, mapped files included.
	Bytes() int

	// Close ends the use of the index and gives back its file; see [Index].
	Close() error
}

// What an index refuses. Errors that it returns wrap one of these and say which item, row
// or length it met.
var (
	// ErrDimension means that a vector has another length than the vectors of the index.
	ErrDimension = errors.New("wrong dimension")
	// ErrNotFinite means that a vector has a NaN or an infinity.
	ErrNotFinite = errors.New("vector is not finite")
	// ErrDuplicate means that an item is there already.
	ErrDuplicate = errors.New("item is in the index already")
	// ErrNotFound means that an item is not there.
	ErrNotFound = errors.New("item is not in the index")
	// ErrFull means that an index has no room for another row.
	ErrFull = errors.New("index is full")
	// ErrClosed means that an index was closed.
	ErrClosed = errors.New("index is closed")
)
