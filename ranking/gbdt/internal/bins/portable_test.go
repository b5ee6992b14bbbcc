package bins_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

// Where columns are cut must not depend on the machine.
func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
