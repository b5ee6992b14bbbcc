package cli_test

import (
	"io"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func TestStepsReportsWhatTrainersTell(t *testing.T) {
	var b strings.Builder
	steps := cli.Steps(&b, "train")
	for _, done := range []int{3, 7, 10} {
		steps(done, 10)
	}
	if !strings.Contains(b.String(), "train: 10 in ") {
		t.Errorf("reported %q, want 10 steps", b.String())
	}
	if cli.Steps(nil, "train") != nil || cli.Steps(io.Discard, "train") == nil {
		t.Error("Steps of no writer reports")
	}
}
