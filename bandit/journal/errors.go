package journal

import (
	"errors"
	"fmt"
)

// What can be wrong with a journal.
var (
	// ErrCorrupt: a file is damaged where it had been synced, or files are missing. Nothing was recovered.
	ErrCorrupt = errors.New("journal is corrupt")
	// ErrNewer: a file was written by a later version of this package.
	ErrNewer = errors.New("journal is newer than this program")
	// ErrPolicy: the journal is that of another policy.
	ErrPolicy = errors.New("journal is of another policy")
	// ErrLocked: another process, or another Journal of this one, has the folder.
	ErrLocked = errors.New("journal: the folder is in use")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("journal: closed")
	// ErrUnbound: the policy reads columns, and the journal is recovered only when it is bound.
	ErrUnbound = errors.New("journal: not recovered yet: the policy reads columns and was not bound; see recsys.Bind")
	// ErrBehind: more bytes wait for the disk than Options.MaxPendingBytes.
	ErrBehind = errors.New("the disk does not keep up")
	// ErrTooLarge: one change takes more than 64 MiB.
	ErrTooLarge = errors.New("the record is too large")
)

// FileError says what is wrong with a file of a journal, and where.
type FileError struct {
	Path   string
	Offset int64  // in bytes
	Seq    uint64 // number of the record that should stand there, 0 if none should
	Reason string
	Err    error // ErrCorrupt, ErrNewer or ErrPolicy
}

// Error names the file, the offset, the record and what is wrong with it.
func (e *FileError) Error() string {
	if e.Seq == 0 {
		return fmt.Sprintf("%v: %s, byte %d: %s", e.Err, e.Path, e.Offset, e.Reason)
	}
	return fmt.Sprintf("%v: %s, byte %d, record %d: %s", e.Err, e.Path, e.Offset, e.Seq, e.Reason)
}

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// WriteError says that the journal could not be written. It stays: records from Seq on may be missing, no more are
// taken, and Learn refuses to learn. The policy goes on serving from what it knew.
type WriteError struct {
	Op   string // "write", "sync", "create", "close", or "append": to what waits in memory
	Path string
	Seq  uint64 // first record that may be lost
	Err  error  // of the file, ErrBehind or ErrTooLarge
}

// Error names the file, the record and the cause.
func (e *WriteError) Error() string {
	return fmt.Sprintf("journal: cannot %s %s from record %d on: %v", e.Op, e.Path, e.Seq, e.Err)
}

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }
