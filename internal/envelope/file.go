package envelope

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Save makes the file path hold what write writes, all of it or nothing: the
// bytes go to a new file in the same folder, which replaces the old one when they
// are on disk. If write or anything else fails, or the process dies, the old file
// stays as it was; in the second case a file ".NAME.PID-N.tmp" may be left over.
// Only when the folder itself cannot be synced may the error come after the
// replacement.
//
// An old file's permissions stay; a new one gets 0666 less the umask. If path is
// a symbolic link, the file that it points to is replaced. The writer that write
// gets is buffered and must not be kept.
func Save(path string, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := create(path)
	if err != nil {
		return err
	}
	replaced := false
	defer func() { // also when write panics
		if !replaced {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if old, err := os.Stat(path); err == nil {
		if err := f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	buf := bufio.NewWriterSize(f, 4*chunkSize)
	if err := write(buf); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := errors.Join(buf.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	replaced = true
	return SyncFolder(filepath.Dir(path))
}

// create opens a new file beside path.
func create(path string) (*os.File, error) {
	folder, base := filepath.Split(path)
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s.%s.%d-%d.tmp", folder, base, os.Getpid(), i)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || i == 10_000 {
			return f, err
		}
	}
}

// SyncFolder makes names that were created, changed or removed in the folder durable, where the system has that.
func SyncFolder(folder string) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" || runtime.GOOS == "js" || runtime.GOOS == "wasip1" {
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some network file systems
	}
	return errors.Join(err, f.Close())
}

// Load opens the file path and calls read, which must read all of it: bytes that
// are left over are [ErrCorrupt]. The reader that read gets is buffered, knows
// its length (see [Reader]) and must not be kept. Errors name the path.
func Load(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	src := &sized{buf: bufio.NewReaderSize(f, 4*chunkSize), left: info.Size()}
	if !info.Mode().IsRegular() {
		src.left = 0 // a pipe or device tells nothing
	}
	if err := read(src); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch _, err := src.buf.Peek(1); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("%s: %w: there are bytes after the end", path, ErrCorrupt)
	default:
		return err
	}
}

// WriteFile is [Save] of what WriteTo of v writes.
func WriteFile(path string, v io.WriterTo) error {
	return Save(path, func(w io.Writer) error {
		_, err := v.WriteTo(w)
		return err
	})
}

// ReadFile is [Load] by ReadFrom of v.
func ReadFile(path string, v io.ReaderFrom) error {
	return Load(path, func(r io.Reader) error {
		_, err := v.ReadFrom(r)
		return err
	})
}

// sized is a buffered file with the Len of bytes.Reader.
type sized struct {
	buf  *bufio.Reader
	left int64
}

func (s *sized) Read(b []byte) (int, error) {
	n, err := s.buf.Read(b)
	s.left -= int64(n)
	return n, err
}

func (s *sized) Len() int { return int(min(max(s.left, 0), math.MaxInt)) }
