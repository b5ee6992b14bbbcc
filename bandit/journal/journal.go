package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/filelock"
	"github.com/recsyskit/recsys/internal/hash"
)

// Options are those of a [Journal]. The zero value is the safe default.
type Options struct {
	// SyncEvery is how long what Learn has acknowledged may stay without a sync. 0: not at all, Learn returns when its
	// feedback is on the disk; calls that wait at the same time share a sync. Above 0 Learn returns when the operating
	// system has the feedback, which the end of the process does not touch; when power fails, what was acknowledged
	// since the last sync may be gone. Decisions, which nobody waits for, are synced with the next
	// feedback, and with SyncEvery 0 after a second at the latest.
	SyncEvery time.Duration

	// MaxSegmentBytes is the size that a file should not exceed: the next one is begun for the batch of records that
	// would. At least 1 KiB; 0 means 64 MiB. Recovery reads one file at a time into memory.
	MaxSegmentBytes int64

	// MaxPendingBytes bounds what waits in memory for a disk that does not keep up; beyond it the journal
	// fails with [ErrBehind]. 0 means 256 MiB.
	MaxPendingBytes int64

	disk disk
}

func (o *Options) complete() error {
	var errs []error
	if o.SyncEvery < 0 {
		errs = append(errs, fmt.Errorf("journal: Options.SyncEvery is %v; want >= 0 (0 means that Learn waits for the disk)", o.SyncEvery))
	}
	if o.MaxSegmentBytes < 0 || o.MaxSegmentBytes > 0 && o.MaxSegmentBytes < 1<<10 {
		errs = append(errs, fmt.Errorf("journal: Options.MaxSegmentBytes is %d; want >= 1024 (0 means %d)", o.MaxSegmentBytes, 64<<20))
	}
	if o.MaxPendingBytes < 0 {
		errs = append(errs, fmt.Errorf("journal: Options.MaxPendingBytes is %d; want >= 0 (0 means %d)", o.MaxPendingBytes, 256<<20))
	}
	if o.MaxSegmentBytes == 0 {
		o.MaxSegmentBytes = 64 << 20
	}
	if o.MaxPendingBytes == 0 {
		o.MaxPendingBytes = 256 << 20
	}
	if o.disk == nil {
		o.disk = osDisk{}
	}
	return errors.Join(errs...)
}

// Journal is a [bandit.Policy] whose decisions and feedback outlive the process: an explorer for a pipeline, which learns
// and which the pipeline closes.
//
// Explore is the policy's; each decision goes into a buffer that a goroutine of the journal's own writes, without an
// allocation and without waiting for it. Learn returns when its feedback is on the disk. In the files, as in the policy, a decision
// comes before its feedback, and what was learned before the decisions that were made from it.
//
// What else changes the policy, its Advance and Forget, is in the journal too; Sync waits for it. The policy
// that Open was given, and its bindings, can be asked and saved as ever; its ReadFrom
// fails until Close. A Journal is safe for concurrent use.
type Journal struct {
	policy  *bandit.Policy
	dir     string
	opts    Options
	lock    *os.File
	version uint64

	checkpoint sync.Mutex // one at a time; taken before mu

	mu        sync.Mutex
	w         *writer // nil: not recovered yet
	recovery  Recovery
	snapshots []uint64 // the good ones: numbers of the last record that each has, ascending
	closed    bool
	closeErr  error
}

var (
	_ recsys.Explorer                 = (*Journal)(nil)
	_ recsys.Judge                    = (*Journal)(nil)
	_ recsys.Learner                  = (*Journal)(nil)
	_ recsys.Versioned                = (*Journal)(nil)
	_ recsys.ExplorationKinder        = (*Journal)(nil)
	_ recsys.Wrapper[recsys.Explorer] = (*Journal)(nil)
	_ recsys.Binder[recsys.Explorer]  = (*Journal)(nil)
	_ io.Closer                       = (*Journal)(nil)
	_ recsys.Judge                    = (*binding)(nil)
	_ recsys.Learner                  = (*binding)(nil)
	_ recsys.Versioned                = (*binding)(nil)
	_ recsys.ExplorationKinder        = (*binding)(nil)
	_ recsys.Wrapper[recsys.Explorer] = (*binding)(nil)
)

// Open recovers policy from the journal in dir, which it makes if need be, and journals all that the policy does from now on.
// The policy must have learned nothing yet, and be the same as before: one of the same [bandit.Policy.Version] and the same
// Config.Reward, Window and Retention, since recovery does again what was done. If the policy reads columns
// and is not bound, all that concerns the files but the lock happens when it is ([Journal.Bind], which Build calls).
//
// Errors are [ErrLocked], [*FileError], those of the operating system, and those that name a field of opts.
func Open(dir string, policy *bandit.Policy, opts Options) (*Journal, error) {
	if policy == nil {
		return nil, errors.New("journal: Open: policy is nil")
	}
	if err := opts.complete(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(dir, 0o755), opts.disk.SyncDir(filepath.Dir(dir))); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	l, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := filelock.Lock(l); err != nil {
		if errors.Is(err, filelock.ErrLocked) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("%w: %s", err, dir), l.Close())
	}
	j := &Journal{policy: policy, dir: dir, opts: opts, lock: l, version: hash.String(0, policy.Version())}
	if policy.Bound() {
		if err := j.recover(policy); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return j, nil
}

// lockName is the file that is locked. It is empty and stays.
const lockName = "lock"

// recover brings policy to where the journal ends and begins to write after it. The caller holds mu, or is alone.
func (j *Journal) recover(policy *bandit.Policy) error {
	if st := policy.Stats(); st.Version > 0 || st.Decisions > 0 {
		return errors.New("journal: Open: the policy has decided or learned already; want a new one")
	}
	f, err := survey(j.dir)
	if err != nil {
		return err
	}
	end, err := f.restore(policy, j.version)
	if err != nil {
		return err
	}
	again, err := f.repair(j.opts.disk, end)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	w := newWriter(j.dir, &j.opts, j.version, end.next, f.segments)
	if err := w.begin(end.next, again); err != nil {
		if w.file != nil {
			err.Err = errors.Join(err.Err, w.file.Close())
		}
		return err
	}
	w.marked = end.next - 1
	if err := policy.Watch(w.add); err != nil {
		return errors.Join(err, w.file.Close())
	}
	j.recovery, j.snapshots = end.Recovery, f.snapshots
	j.w = w
	go w.run()
	return nil
}

// writer returns the writer, or why there is none.
func (j *Journal) writer() (*writer, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.w == nil {
		return nil, ErrUnbound
	}
	return j.w, nil
}

// Bind binds the policy; the first one recovers it if Open could not. What it returns works on this Journal.
func (j *Journal) Bind(s *recsys.Schema) (recsys.Explorer, error) {
	bound, err := recsys.Bind[recsys.Explorer](j.policy, s)
	if err != nil {
		return nil, err
	}
	b := &binding{j, bound.(*bandit.Policy)}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	if j.w != nil {
		return b, nil
	}
	return b, j.recover(b.policy)
}

// binding is a Journal's policy bound to a schema. The rest it leaves to the Journal, which all its bindings share.
type binding struct {
	journal *Journal
	policy  *bandit.Policy
}

// Unwrap returns the Journal.
func (b *binding) Unwrap() recsys.Explorer { return b.journal }

// Explore is the policy's.
func (b *binding) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	return b.policy.Explore(ctx, q, c, s)
}

// Propensities is the policy's.
func (b *binding) Propensities(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	return b.policy.Propensities(ctx, q, c, s, slate, dst)
}

// Learn is the Journal's.
func (b *binding) Learn(ctx context.Context, feedback []recsys.Feedback) error {
	return b.journal.Learn(ctx, feedback)
}

// Version is the policy's.
func (b *binding) Version() string { return b.policy.Version() }

// Exploration is the policy's.
func (b *binding) Exploration() recsys.Exploration { return b.policy.Exploration() }

// Unwrap returns the policy.
func (j *Journal) Unwrap() recsys.Explorer { return j.policy }

// Version is [bandit.Policy.Version].
func (j *Journal) Version() string { return j.policy.Version() }

// Exploration is [bandit.Policy.Exploration].
func (j *Journal) Exploration() recsys.Exploration { return j.policy.Exploration() }

// Explore is [bandit.Policy.Explore]; the decision goes into the journal before Explore returns to the caller, but not onto the disk.
func (j *Journal) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	return j.policy.Explore(ctx, q, c, s)
}

// Propensities is [bandit.Policy.Propensities].
func (j *Journal) Propensities(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	return j.policy.Propensities(ctx, q, c, s, slate, dst)
}

// Learn is [bandit.Policy.Learn], and acknowledges when the feedback is safe; see [Options].SyncEvery. The error joins those of the
// policy, each about one record that was refused, and that of the journal: a [*WriteError], [ErrClosed] or [ErrUnbound],
// after which nothing was learned, or one that wraps ctx.Err(). The failure of a write that Learn waited for, and the end of ctx,
// leave open whether the feedback will be there after a restart: it has been learned and may be given again, since it counts once.
func (j *Journal) Learn(ctx context.Context, feedback []recsys.Feedback) error {
	w, err := j.writer()
	if err == nil {
		_, err = w.last()
	}
	if err != nil {
		return err
	}
	err = j.policy.Learn(ctx, feedback)
	seq, trouble := w.last()
	if trouble == nil {
		trouble = w.wait(ctx, seq, j.opts.SyncEvery == 0)
	}
	switch {
	case trouble == nil:
		return err
	case err == nil:
		return trouble
	}
	return errors.Join(err, trouble)
}

// Sync waits until all that the policy has done so far is on the disk. The error is that of Learn.
func (j *Journal) Sync(ctx context.Context) error {
	w, err := j.writer()
	if err != nil {
		return err
	}
	seq, err := w.last()
	if err != nil {
		return err
	}
	return w.wait(ctx, seq, true)
}

// Close ends the journal: it writes and syncs what there is, and gives the folder free. The policy can be used
// on, without a journal. It returns the [*WriteError] that has stayed, if any. Further calls do nothing and
// return the same.
func (j *Journal) Close() error {
	j.checkpoint.Lock()
	defer j.checkpoint.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return j.closeErr
	}
	j.closed = true
	var errs []error
	if j.w != nil {
		j.w.shut()
		errs = append(errs, j.policy.Watch(nil), j.w.close())
	}
	errs = append(errs, j.lock.Close())
	j.closeErr = errors.Join(errs...)
	return j.closeErr
}

// Stats tells how a [Journal] fares. Its counts begin with Open.
type Stats struct {
	Records  uint64 // that the journal has taken
	Bytes    uint64 // written, without headers and marks
	Syncs    uint64
	Segments int    // files that there are
	Last     uint64 // number of the newest record; they are counted through, from 1
	Durable  uint64 // number of the last record that is known to be on the disk
	Pending  int    // bytes that wait for the disk
	Lost     uint64 // changes that are in no journal because Err has come before
	Err      error  // the *WriteError that stays; nil: all is well

	Snapshot uint64 // number of the last record of the newest snapshot, 0 if there is none
	Recovery Recovery
}

// Recovery tells what Open found.
type Recovery struct {
	Snapshot uint64  // number of the last record of the snapshot that was used, 0 if none was
	Broken   []error // of the snapshots, newer ones, that could not be read; the next Checkpoint removes them
	Replayed uint64  // records after the snapshot
	Torn     int64   // bytes at the end of the journal that were no whole record, and were cut off
}

// Stats returns the counts as they are now. Before the recovery all are 0.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Stats{Recovery: j.recovery}
	if k := len(j.snapshots); k > 0 {
		s.Snapshot = j.snapshots[k-1]
	}
	w := j.w
	if w == nil {
		return s
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Records, s.Bytes, s.Syncs, s.Segments = w.counts.records, w.counts.bytes, w.counts.syncs, len(w.segments)
	s.Last, s.Durable, s.Pending, s.Lost = w.next-1, w.durable, len(w.buf), w.lost
	if w.err != nil {
		s.Err = w.err
	}
	return s
}
