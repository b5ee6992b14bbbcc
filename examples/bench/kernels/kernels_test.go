package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/lap"
)

func kernels(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log strings.Builder
	code = run(t.Context(), args, nil, &out, &log)
	return code, out.String(), log.String()
}

func TestALinePerKernel(t *testing.T) {
	code, out, log := kernels(t, "-run", "^(dot/d=17|gemm/n=64|exp/.*|axpy/n=64)$", "-rounds", "1", "-json")
	if code != 0 {
		t.Fatal(log)
	}
	var names []string
	for line := range strings.Lines(out) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		names = append(names, m["kernel"].(string))
		if !(m["ns"].(float64) > 0) || len(m) < 4 {
			t.Errorf("%v", m)
		}
	}
	slices.Sort(names)
	if want := []string{"axpy/n=64", "dot/d=17", "exp/n=4096", "gemm/n=64"}; !slices.Equal(names, want) {
		t.Errorf("kernels %v, want %v", names, want)
	}
}

// TestLanesWork runs every lane of every kernel once, but for those that need more memory
// than a test should take.
func TestLanesWork(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range events() {
		if seen[e.name] {
			t.Errorf("two kernels are called %s", e.name)
		}
		seen[e.name] = true
		if strings.HasSuffix(e.name, "DRAM") {
			continue
		}
		lanes := e.lanes(newGenerator(1))
		if len(lanes) < 2 || !slices.ContainsFunc(lanes, func(l lap.Lane) bool { return l.Name == "ours" }) {
			t.Errorf("%s: %d lanes, want ours and a rival", e.name, len(lanes))
		}
		for _, l := range lanes {
			l.Do()
		}
	}
}

func TestWhatTheCallerGotWrongExitsWith2(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-run", "("}, {"-nonsense"}} {
		if code, _, log := kernels(t, args...); code != 2 || log == "" {
			t.Errorf("%q: exit code %d, want 2; %s", args, code, log)
		}
	}
}
