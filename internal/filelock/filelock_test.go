package filelock_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/filelock"
)

func TestLockIsHeldUntilTheFileIsClosed(t *testing.T) {
	if !slices.Contains([]string{"linux", "darwin", "freebsd", "netbsd", "openbsd", "dragonfly", "windows"}, runtime.GOOS) {
		t.Skip("there is no lock on " + runtime.GOOS)
	}
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		require.NoError(t, err)
		return f
	}
	first, second := open(), open()
	defer second.Close()
	require.NoError(t, filelock.Lock(first))
	require.ErrorIs(t, filelock.Lock(second), filelock.ErrLocked)
	require.NoError(t, first.Close())
	require.NoError(t, filelock.Lock(second))
}
