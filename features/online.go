package features

import (
	"context"

	"github.com/recsyskit/recsys"
)

// OnlineStore is a store of the rows of one [View]: what a feed writes to and a pipeline reads. [Store] is one in memory,
// package features/redis has one outside of the process.
//
// The contract, which package features/featurestest checks (RunStore), beside that of [recsys.FeatureSource]:
//   - Columns returns the columns that View.Served names.
//   - A row is stored whole or not at all, and read whole: never part of one write and part of another.
//   - A write that meets a row of later event time is refused and counted as late. Of two rows with the same event time the one that was
//     written last counts, so writing the same rows again changes nothing. A row without event time is older than any that has one.
//   - A row whose event time is further ahead of the store's clock than View.Tolerance is refused and counted as future.
//   - If one row of a batch is wrong, none is stored, and the error wraps a [*RowError] that names it.
//   - A row is missing when Now - event time > View.TTL, and still there at exactly the TTL.
//   - A value is stale when Now - event time > MaxAge of its column. The Stale bit is set, and View.Stale decides what is read.
//   - Block.Age has the age of each row that is not missing, in seconds, and so has the column that View.Age names.
//   - A float that is NaN in a stored row reads as its column's Default.
//   - Rows that are given are not kept, and rows that are returned are the caller's.
//   - Any number of calls run concurrently; a call that waits returns soon after ctx is done, with an error that wraps ctx.Err().
type OnlineStore interface {
	recsys.FeatureSource

	// View returns the definition of the rows. It is read-only.
	View() *View

	// PutBatch writes rows, in their order where keys are doubled, and returns what became of them. After an error
	// that wraps no RowError, of a network for example, some may be stored and some not: write them again.
	PutBatch(ctx context.Context, rows []Row) (Written, error)

	// Lookup appends to dst a copy of the row of each key that has one, in the order of keys, as it was written and whatever
	// its age, and returns the extended slice. It is for tools and tests; serving reads through Hydrate.
	Lookup(ctx context.Context, keys []uint64, dst []Row) ([]Row, error)
}

// Written says what became of the rows of one write; the counts add up to their number.
type Written struct {
	Stored int // are what is read from now on, or until a later row of the same batch
	Late   int // refused: a row of later event time is there
	Future int // refused: the event time is too far ahead of the store's clock
}

// Add adds the counts of w2.
func (w *Written) Add(w2 Written) {
	w.Stored += w2.Stored
	w.Late += w2.Late
	w.Future += w2.Future
}

// ViewError says that something was made for another version of a view. See [recsys.ViewError].
type ViewError = recsys.ViewError
