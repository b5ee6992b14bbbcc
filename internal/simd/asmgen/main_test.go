package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const simdDir = ".."

// TestGeneratedFilesAreUpToDate is what go generate leaving no diff means.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	written := map[string]bool{}
	for _, family := range families {
		for _, f := range family() {
			for name, want := range f.Output() {
				if written[name] {
					t.Errorf("%s is written twice", name)
				}
				written[name] = true
				got, err := os.ReadFile(filepath.Join(simdDir, name))
				if err != nil {
					t.Error(err)
				} else if !bytes.Equal(got, want) {
					t.Errorf("%s differs from what asmgen writes: run go generate ./internal/simd", name)
				}
			}
		}
	}
	for _, pattern := range []string{"*.s", "*_stubs_*.go"} {
		names, err := filepath.Glob(filepath.Join(simdDir, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, name := range names {
			if !written[filepath.Base(name)] {
				t.Errorf("asmgen does not write %s", name)
			}
		}
	}
}

var (
	textRE   = regexp.MustCompile(`(?m)^TEXT ·(\w+)`)
	vectorRE = regexp.MustCompile(`\b[XYZ]\d+\b`)
	sseRE    = regexp.MustCompile(`(?m)^\t(MOV[UA]P[SD]|MOVS[SD]|MOVO[AU]?|(ADD|SUB|MUL|DIV|XOR|AND|OR|CMP|SHUF|UNPCKL|UNPCKH)P?[SP][SD]|CVT\w+|P(XOR|AND|OR|ADD|SUB|SHUF|UNPCK|CMP|MAX|MIN|MADD)\w*|MOV[QL]) .*\bX\d+\b`)
	gRE      = regexp.MustCompile(`\bR14\b|\bg\b`)
)

// TestReturnsClearTheUpperHalves checks the assembly for amd64: every RET of a function that
// uses vector registers follows VZEROUPPER, no SSE instruction comes between AVX ones, and
// R14, where Go keeps g, is not used.
func TestReturnsClearTheUpperHalves(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(simdDir, "*_amd64.s"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no assembly: %v", err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range amd64Faults(string(src)) {
			t.Errorf("%s: %s", filepath.Base(name), fault)
		}
	}
}

func amd64Faults(src string) []string {
	var faults []string
	starts := textRE.FindAllStringSubmatchIndex(src, -1)
	for i, s := range starts {
		end := len(src)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		name, body := src[s[2]:s[3]], src[s[1]:end]
		if body = strings.TrimSpace(body); !strings.Contains(body, "RET") {
			faults = append(faults, name+" does not return")
		}
		if !vectorRE.MatchString(body) {
			continue
		}
		last := ""
		for line := range strings.SplitSeq(body, "\n") {
			line, _, _ = strings.Cut(line, "//")
			op := strings.TrimSpace(line)
			if op == "" {
				continue
			}
			if op == "RET" && last != "VZEROUPPER" {
				faults = append(faults, name+": RET without VZEROUPPER before it")
			}
			if sseRE.MatchString(line) {
				faults = append(faults, name+": SSE instruction among AVX: "+op)
			}
			if gRE.MatchString(line) {
				faults = append(faults, name+": uses the register of g: "+op)
			}
			last = op
		}
	}
	return faults
}

// TestFaultsAreFound shows that the check above can fail.
func TestFaultsAreFound(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"\tVXORPS X0, X0, X0\n\tVZEROUPPER\n\tRET\n", ""},
		{"\tMOVQ AX, BX\n\tRET\n", ""},
		{"\tVXORPS Y0, Y0, Y0\n\tRET\n", "without VZEROUPPER"},
		{"\tVXORPS Y0, Y0, Y0\n\tVZEROUPPER\n\tRET\nbad:\n\tRET\n", "without VZEROUPPER"},
		{"\tVXORPS Y0, Y0, Y0\n\tMOVSS X0, ret+8(FP)\n\tVZEROUPPER\n\tRET\n", "SSE instruction"},
		{"\tMOVQ X0, AX\n\tVZEROUPPER\n\tRET\n", "SSE instruction"},
		{"\tVMOVUPS (R14), Z0\n\tVZEROUPPER\n\tRET\n", "register of g"},
		{"\tVMOVUPS (AX), Z0\n", "does not return"},
	} {
		got := strings.Join(amd64Faults("TEXT ·f(SB), NOSPLIT, $0-8\n"+c.body), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.body, got, c.want)
		}
	}
}
