package journal

import (
	"errors"
	"iter"

	"github.com/recsyskit/recsys/bandit"
)

// Record is an entry of a journal.
type Record struct {
	Seq    uint64 // its number, from 1
	Change *bandit.Change
}

// Records yields the records of the journal in dir after number after, in order, for audits, tests and to teach another policy:
//
//	for r, err := range journal.Records(dir, 0) {
//		if err != nil {
//			return err
//		}
//		err = policy.Redo(r.Change)
//		…
//	}
//
// It changes nothing and takes no lock, so it may read beside a process that writes; then it ends somewhere near the end. A torn tail is
// the end. If the record after+1 has been removed by a [Journal.Checkpoint], or a file is damaged, the last pair has a
// [*FileError]. An empty folder has no records. A Record's memory is valid until the next one.
func Records(dir string, after uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f, err := survey(dir)
		if err != nil {
			yield(Record{}, err)
			return
		}
		f.snapshots = nil
		if len(f.segments) == 0 {
			return
		}
		var c bandit.Change
		stopped := false
		err = f.walk(after, 0, new(ending), func(seq uint64, payload []byte) error {
			if err := decodeChange(&c, payload); err != nil {
				return err
			}
			if stopped = !yield(Record{seq, &c}, nil); stopped {
				return errStopped
			}
			return nil
		})
		if err != nil && !stopped {
			yield(Record{}, err)
		}
	}
}

var errStopped = errors.New("stopped")
