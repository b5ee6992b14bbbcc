package recsys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys/internal/envelope"
)

// A log file is called prefix-20060102T150405.000Z-0000.jsonl: the UTC time of its
// creation and a number that tells files of one millisecond apart. Names sort in the
// order of creation, also when the clock was set back: then the time stands still and the number counts.
const (
	nameLayout = "20060102T150405.000Z"
	nameSuffix = ".jsonl"
	maxNumber  = 9999
)

// LogFiles returns the files in dir that a [FileSink] with this prefix wrote, oldest
// first, for [OpenLog]. Files that have been compressed since, with .gz added to their
// names, are among them. Empty means the default prefix.
//
// A file is called prefix-20060102T150405.000Z-0000.jsonl: the UTC time of its creation
// and a number, so that names sort in the order of creation.
func LogFiles(dir, prefix string) ([]string, error) {
	if prefix == "" {
		prefix = "exposures"
	}
	if err := checkPrefix(prefix); err != nil {
		return nil, fmt.Errorf("recsys: LogFiles: prefix: %w", err)
	}
	entries, err := os.ReadDir(dir) // sorted, and ".jsonl" sorts before ".jsonl.gz"
	if err != nil {
		return nil, fmt.Errorf("recsys: LogFiles: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if _, _, ok := parseLogName(prefix, strings.TrimSuffix(e.Name(), ".gz")); ok && !e.IsDir() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

func checkPrefix(prefix string) error {
	if strings.ContainsAny(prefix, `/\:*?"<>|`) || strings.ContainsFunc(prefix, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("%q holds a character that file names must not have", prefix)
	}
	return nil
}

// logNames gives out the names of the files of one sink.
type logNames struct {
	dir, prefix string
	milli       int64 // of the last name
	number      int
}

// start continues after the files that there are.
func (n *logNames) start(dir, prefix string) error {
	n.dir, n.prefix, n.milli = dir, prefix, -1
	paths, err := LogFiles(dir, prefix)
	if err != nil {
		return errors.Unwrap(err)
	}
	for _, path := range slices.Backward(paths) {
		n.milli, n.number, _ = parseLogName(prefix, strings.TrimSuffix(filepath.Base(path), ".gz"))
		break
	}
	return nil
}

func (n *logNames) next(now time.Time) string {
	if milli := now.UnixMilli(); milli > n.milli {
		n.milli, n.number = milli, 0
	} else if n.number++; n.number > maxNumber {
		n.milli, n.number = n.milli+1, 0
	}
	stamp := time.UnixMilli(n.milli).UTC().Format(nameLayout)
	return filepath.Join(n.dir, fmt.Sprintf("%s-%s-%04d%s", n.prefix, stamp, n.number, nameSuffix))
}

// parseLogName takes a name apart.
func parseLogName(prefix, name string) (milli int64, number int, ok bool) {
	rest, found := strings.CutPrefix(name, prefix+"-")
	rest, suffixed := strings.CutSuffix(rest, nameSuffix)
	if !found || !suffixed || len(rest) != len(nameLayout)+5 || rest[len(nameLayout)] != '-' {
		return 0, 0, false
	}
	t, err := time.Parse(nameLayout, rest[:len(nameLayout)])
	if err != nil {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(rest[len(nameLayout)+1:], 10, 16)
	return t.UnixMilli(), int(v), err == nil
}

// createFile is the default of FileSinkConfig.Create.
func createFile(path string, durable bool) (io.WriteCloser, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	if durable {
		if err := envelope.SyncFolder(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}
