package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
)

// keepSnapshots is the number of snapshots that stay, so that there is another when one cannot be read.
const keepSnapshots = 2

// Checkpoint saves a snapshot of the policy, all or nothing, and then removes what is not needed any more: snapshots but the
// newest two and files whose records the older of these has. Recovery then costs what comes after the snapshot; call it every some
// minutes. If nothing has changed since the last one it does nothing.
//
// The policy is copied to memory in the form of its WriteTo, while Explore and Learn wait; the disk is written without them.
// If ctx ends while it waits for the disk the error wraps ctx.Err(). Other errors are those of Learn and of
// the operating system; the journal stays as good as it was.
func (j *Journal) Checkpoint(ctx context.Context) error {
	j.checkpoint.Lock()
	defer j.checkpoint.Unlock()
	w, err := j.writer()
	if err != nil {
		return err
	}
	j.mu.Lock()
	snapshots := slices.Clone(j.snapshots)
	j.mu.Unlock()

	var copied bytes.Buffer
	var last uint64
	var trouble error
	if _, err := j.policy.WriteToAt(&copied, func() { last, trouble = w.last() }); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if trouble != nil {
		return trouble
	}
	if k := len(snapshots); last == 0 || k > 0 && snapshots[k-1] == last {
		return nil
	}
	// A snapshot must not know more than the journal: its numbers would be given away again.
	if err := w.wait(ctx, last, true); err != nil {
		return err
	}
	path := filepath.Join(j.dir, snapshotName(last))
	err = w.disk.Save(path, func(dst io.Writer) error { return writeSnapshot(dst, last, j.version, copied.Bytes()) })
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	snapshots = append(snapshots, last)
	snapshots = snapshots[max(0, len(snapshots)-keepSnapshots):]
	j.mu.Lock()
	j.snapshots = snapshots
	j.mu.Unlock()
	if err := j.clean(w, snapshots); err != nil {
		return fmt.Errorf("journal: the snapshot is saved, but: %w", err)
	}
	return nil
}

// clean removes what the snapshots make superfluous, broken ones too. What cannot be removed is for the next time.
func (j *Journal) clean(w *writer, snapshots []uint64) error {
	f, err := survey(j.dir)
	if err != nil {
		return err
	}
	for _, last := range f.snapshots {
		if !slices.Contains(snapshots, last) {
			if err := w.remove(snapshotName(last)); err != nil {
				return err
			}
		}
	}
	if len(snapshots) < keepSnapshots {
		return nil // the journal from its beginning is the other one
	}
	for i := range len(f.segments) - 1 {
		if f.segments[i+1] > snapshots[0]+1 {
			break
		}
		if err := w.remove(segmentName(f.segments[i])); err != nil {
			return err
		}
		w.forget(f.segments[i])
	}
	return nil
}

func (w *writer) remove(name string) error {
	err := w.disk.Remove(filepath.Join(w.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (w *writer) forget(segment uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.segments = slices.DeleteFunc(w.segments, func(first uint64) bool { return first == segment })
}
