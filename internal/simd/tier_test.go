package simd_test

import (
	"os"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// TestTierInUse fails if the environment names a tier that is not in use, whatever the
// reason: a run under RECSYS_SIMD must have tested what it names.
func TestTierInUse(t *testing.T) {
	have := simd.Available()
	t.Logf("active %v of %v", simd.Active(), have)
	want := have[0].String()
	if v := os.Getenv(simd.EnvVar); v != "" {
		want = v
	}
	if got := simd.Active().String(); got != want {
		t.Errorf("%s=%q: active tier is %s", simd.EnvVar, want, got)
	}
}

func TestTierIsParsed(t *testing.T) {
	have := []simd.Tier{simd.AVX2, simd.PureGo}
	for _, c := range []struct {
		name string
		want simd.Tier
		err  string
	}{
		{"", simd.AVX2, ""},
		{"avx2", simd.AVX2, ""},
		{"purego", simd.PureGo, ""},
		{"avx512", simd.AVX2, `simd: RECSYS_SIMD is "avx512", which this build or processor does not have; using avx2`},
		{"neon", simd.AVX2, `simd: RECSYS_SIMD is "neon", which`},
		{"AVX2", simd.AVX2, `simd: RECSYS_SIMD is "AVX2"; want purego, neon, avx2 or avx512; using avx2`},
		{"sse", simd.AVX2, `simd: RECSYS_SIMD is "sse"; want`},
	} {
		got, err := simd.ParseTier(c.name, have)
		switch {
		case got != c.want:
			t.Errorf("%q: %v, want %v", c.name, got, c.want)
		case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err)):
			t.Errorf("%q: error %v, want %q", c.name, err, c.err)
		}
	}
}

func TestTierNames(t *testing.T) {
	for tier, want := range map[simd.Tier]string{simd.PureGo: "purego", simd.NEON: "neon", simd.AVX2: "avx2", simd.AVX512: "avx512", 77: "Tier(77)"} {
		if got := tier.String(); got != want {
			t.Errorf("%d: %q, want %q", tier, got, want)
		}
	}
}
