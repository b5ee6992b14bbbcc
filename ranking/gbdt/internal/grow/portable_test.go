package grow_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

// Which split is best must not depend on the machine.
func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
