package rerank_test

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/rerank"
)

// goldenCases calls do with every case of golden/rerank that has the key, and skips if there is none.
func goldenCases(t *testing.T, key string, do func(t *testing.T, name string, raw json.RawMessage)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(reference.Dir(t, "golden", "rerank"), "*.json"))
	require.NoError(t, err)
	found := 0
	for _, path := range files {
		var file struct{ Cases []json.RawMessage }
		require.NoError(t, json.NewDecoder(reference.Open(t, "golden", "rerank", filepath.Base(path))).Decode(&file), path)
		for i, raw := range file.Cases {
			var keys map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(raw, &keys), "%s, case %d", path, i)
			if _, ok := keys[key]; ok {
				found++
				do(t, filepath.Base(path)+", case "+string(rune('0'+i/10))+string(rune('0'+i%10)), raw)
			}
		}
	}
	if found == 0 {
		t.Skipf("golden/rerank has no file of cases with the key %s", key)
	}
	t.Logf("%d cases", found)
}

// closeTo compares scores, of which want may hold the first ones only.
func closeTo(t *testing.T, name string, want, got []float64, tolerance float64) {
	t.Helper()
	require.LessOrEqual(t, len(want), len(got), name)
	for i, x := range want {
		if !(math.Abs(got[i]-x) <= tolerance*max(1, math.Abs(x))) {
			t.Errorf("%s, place %d: %.17g; want %.17g", name, i, got[i], x)
		}
	}
}

// dppKernels are the similarities of golden/rerank's kernels.
var dppKernels = map[string]func(cos float64, same bool) float64{
	"q_i*q_j*(1+cos)/2, q=exp(alpha*rel)": func(cos float64, _ bool) float64 { return (1 + cos) / 2 },
	"q_i*q_j*(0.9*(1+cos)/2+0.1*[i==j]), q=exp(alpha*rel)": func(cos float64, same bool) float64 {
		if same {
			return 0.9*(1+cos)/2 + 0.1
		}
		return 0.9 * (1 + cos) / 2
	},
	"q_i*q_j*cos (rank d: may stop early)": func(cos float64, _ bool) float64 { return cos },
}

func TestGoldenDPP(t *testing.T) {
	goldenCases(t, "kernel", func(t *testing.T, name string, raw json.RawMessage) {
		var c struct {
			Rel         []float64
			Emb         [][]float64
			Kernel      string
			Alpha       float64
			K, Window   int
			Order       []int32
			LogDet      []float64 `json:"logdet_prefix"`
			OrderWindow []int32   `json:"order_window"`
			StopsAt     *int      `json:"stops_at"`
		}
		require.NoError(t, json.Unmarshal(raw, &c), name)
		similarity, ok := dppKernels[c.Kernel]
		require.True(t, ok, "%s: a kernel that this test does not know: %s", name, c.Kernel)
		var flat []float64
		for _, row := range c.Emb {
			flat = append(flat, row...)
		}
		cosine, err := rerank.Cosine(flat, len(c.Emb[0]))
		require.NoError(t, err)
		kernel, err := rerank.QualityKernel(c.Rel, func(i, j int) float64 { return similarity(cosine(i, j), i == j) }, c.Alpha)
		require.NoError(t, err)
		order, gains, err := rerank.SelectDPP(len(c.Rel), kernel, c.K, 0)
		require.NoError(t, err)
		require.Equal(t, c.Order, order, name)
		if c.StopsAt != nil {
			require.Len(t, order, *c.StopsAt, name)
		}
		sum := 0.0
		for i, g := range gains {
			sum += math.Log(g)
			gains[i] = sum
		}
		closeTo(t, name, c.LogDet, gains, 1e-8)
		if c.OrderWindow != nil {
			order, _, err := rerank.SelectDPP(len(c.Rel), kernel, c.K, c.Window)
			require.NoError(t, err)
			require.Equal(t, c.OrderWindow, order, name)
		}
	})
}
