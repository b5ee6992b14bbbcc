package quad_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

// Propensities are replayed on other machines.
func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
