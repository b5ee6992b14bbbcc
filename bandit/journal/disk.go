package journal

import (
	"errors"
	"io"
	"os"

	"github.com/recsyskit/recsys/internal/envelope"
)

// disk is what a journal does to its folder. Tests let it fail.
type disk interface {
	// Create makes a file to append to. With again it may be there, and loses its contents.
	Create(path string, again bool) (file, error)
	// Cut shortens a file and syncs it.
	Cut(path string, size int64) error
	Remove(path string) error
	SyncDir(dir string) error
	// Save replaces a file by what write writes, all of it or nothing.
	Save(path string, write func(io.Writer) error) error
}

type file interface {
	io.WriteCloser
	Sync() error
}

type osDisk struct{}

func (osDisk) Create(path string, again bool) (file, error) {
	flags := os.O_WRONLY | os.O_APPEND | os.O_CREATE | os.O_EXCL
	if again {
		flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osDisk) Cut(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > size {
		err = f.Truncate(size)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func (osDisk) Remove(path string) error { return os.Remove(path) }

// SyncDir puts the names of new files on the disk.
func (osDisk) SyncDir(dir string) error { return envelope.SyncFolder(dir) }

func (osDisk) Save(path string, write func(io.Writer) error) error { return envelope.Save(path, write) }
