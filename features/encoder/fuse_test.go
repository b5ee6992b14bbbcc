package encoder_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

// The same bits offline and online hold across machines too.
func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
