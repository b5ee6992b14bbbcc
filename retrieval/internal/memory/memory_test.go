package memory_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/retrieval/internal/memory"
)

func TestTheErrorNamesBytesAndRemedy(t *testing.T) {
	require.NoError(t, memory.Check(100, 100, ""))
	require.EqualError(t, memory.Check(101, 100, "or pray"), "training needs 101 bytes and may take 100: raise Config.MaxBytes, or pray")
}

func TestTheLimitOfTheRuntimeCounts(t *testing.T) {
	old := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(old)
	require.NoError(t, memory.Check(8<<30, 0, ""))
	require.ErrorContains(t, memory.Check(8<<30+1, 0, ""), "may take 8589934592")
	debug.SetMemoryLimit(9 << 30)
	require.NoError(t, memory.Check(9<<30, 0, ""))
	require.Error(t, memory.Check(9<<30+1, 0, ""))
}
