package debias_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

// What decides an order is replayed on other machines.
func TestCompilerFusesNothing(t *testing.T) { fusetest.None(t) }
