// Package fusetest checks, for tests, that the compiler fuses no multiply-add in a package.
//
// Go may compute x*y + z with one rounding on targets that have the instruction, and with
// two on others. What decides an order, or is replayed elsewhere, must not depend on it:
// such code writes float32(x*y) + z, which the language rounds.
package fusetest

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

var fused = regexp.MustCompile(`\s(V|W)?FN?M(ADD|SUB|ADB|SDB)\w*`)

var targets = [][]string{
	{"GOARCH=amd64", "GOAMD64=v3"},
	{"GOARCH=arm64"},
	{"GOARCH=s390x"},
}

// None fails the test if the package in the working directory, that of the test, has a
// fused multiply-add on some target. It skips under -short and where the go command
// cannot compile for the target.
func None(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles for other targets")
	}
	for _, target := range targets {
		if at := fused.Find(assembly(t, target, ".")); at != nil {
			t.Errorf("%v: the compiler emitted%s; write float32(x*y) + z", target, at)
		}
	}
}

// Sees fails the test if None would not find what it looks for: package math has fused
// instructions on every target.
func Sees(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles for other targets")
	}
	for _, target := range targets {
		if !fused.Match(assembly(t, target, "math")) {
			t.Errorf("%v: no fused instruction in package math, so none would be seen anywhere", target)
		}
	}
}

func assembly(t *testing.T, target []string, pkg string) []byte {
	t.Helper()
	cmd := exec.Command("go", "build", "-gcflags=-S", pkg)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), target...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("go build -gcflags=-S %s: %v", pkg, err)
	}
	return out
}
