package window_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

// A checkpoint goes on as it would have on another machine.
func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
