package fusetest_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/fusetest"
)

func TestSeesFusedInstructions(t *testing.T) { fusetest.Sees(t) }
