package objective_test

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// Scores decide an order that is replayed elsewhere: on targets with a fused
// multiply-add the compiler must not use it.
func TestCompilerFusesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for two other targets")
	}
	fused := regexp.MustCompile(`\s(V|W)?FN?M(ADD|SUB)\w*`)
	for _, target := range [][]string{{"GOARCH=amd64", "GOAMD64=v3"}, {"GOARCH=arm64"}} {
		cmd := exec.Command("go", "build", "-gcflags=-S", ".")
		cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), target...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skipf("go build -gcflags=-S: %v", err)
		}
		if at := fused.Find(out); at != nil {
			t.Errorf("%v: the compiler emitted%s", target, at)
		}
	}
}
