package materialize

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/recsyskit/recsys/internal/filelock"
)

// ErrLocked: another run has the folder of the checkpoints, or has saved one since New read them.
var ErrLocked = errors.New("materialize: the checkpoints are in use")

// lockName is the file that is locked. It is empty and stays.
const lockName = "lock"

// takeFolder takes the folder of the checkpoints until release is called or the process ends, and removes what processes
// that were killed while they saved have left in it.
func (m *Materializer) takeFolder() (release func(), err error) {
	folder := m.config.Checkpoints
	if folder == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(filepath.Join(folder, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("materialize: Config.Checkpoints: %w", err)
	}
	release = func() { f.Close() }
	if err := filelock.Lock(f); errors.Is(err, filelock.ErrLocked) {
		release()
		return nil, fmt.Errorf("%w: another run has the folder %s", ErrLocked, folder)
	} else if err != nil && !errors.Is(err, errors.ErrUnsupported) { // some network file systems
		release()
		return nil, fmt.Errorf("materialize: Config.Checkpoints: %w", err)
	}
	for _, l := range m.lanes {
		for _, t := range l.targets {
			if err := t.checkTaken(folder); err != nil {
				release()
				return nil, err
			}
		}
	}
	return release, nil
}

// checkTaken returns an error if the checkpoint is not the one that was loaded, and removes what was to become one.
func (t *target) checkTaken(folder string) error {
	path := t.checkpointPath(folder)
	now, err := statCheckpoint(path)
	if err != nil {
		return err
	}
	was := t.loaded
	if (was == nil) != (now == nil) || was != nil && (!os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime())) {
		return fmt.Errorf("%w: %s was saved by another run since New; make another Materializer", ErrLocked, path)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("materialize: Config.Checkpoints: %w", err)
	}
	for _, e := range entries { // as package envelope names them
		if name := e.Name(); strings.HasPrefix(name, "."+filepath.Base(path)+".") && strings.HasSuffix(name, ".tmp") {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				return fmt.Errorf("materialize: Config.Checkpoints: %w", err)
			}
		}
	}
	return nil
}

// statCheckpoint returns what tells one file of a name from the next, nil if there is none.
func statCheckpoint(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("materialize: %w", err)
	}
	return info, nil
}
