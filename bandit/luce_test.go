package bandit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// edges are the fractions that unit can return at its ends, some inside, and
// beyond: rounding must not pick a row without weight even there.
var edges = []float64{0x1p-53, 0x1p-52, 0.25, 0.5, 0.75, 1 - 0x1p-52, 1 - 0x1p-53, 1}

func TestDrawNeverPicksARowWithoutWeight(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	inf := float32(math.Inf(-1))
	for trial := range 2000 {
		n := 2 + r.IntN(200)
		u, window := make([]float32, n), make([]int32, n)
		admissible := recsys.MakeBits(n)
		open := 0
		for i := range u {
			window[i] = int32(i)
			switch r.IntN(4) {
			case 0:
				u[i] = inf
			case 1:
				u[i] = float32(-700 * r.Float64()) // as light as weights get
			default:
				u[i] = float32(r.NormFloat64())
			}
			if r.IntN(3) > 0 {
				admissible.Set(i)
				if u[i] > inf {
					open++
				}
			}
		}
		if open == 0 {
			continue
		}
		var l bandit.Luce
		l.Open(u, window, 1)
		l.Ready(admissible)
		for _, at := range append(edges, r.Float64(), r.Float64()) {
			row := l.Draw(at)
			require.True(t, admissible.Has(int(row)), "trial %d", trial)
			require.Greater(t, u[row], inf, "trial %d: row %d has no weight", trial, row)
			require.Greater(t, l.Propensity(row), 0.0)
			require.LessOrEqual(t, l.Propensity(row), 1.0)
		}
	}
}

// A quotient that underflowed to 0 could be drawn and then be refused by the slate.
func TestPropensitiesAreZeroOrFarFromUnderflow(t *testing.T) {
	for drop := float32(600); drop < 760; drop += 0.5 {
		u := []float32{-drop, 0, 0, 0, 0}
		admissible := recsys.MakeBits(5)
		admissible.SetFirst(5)
		var l bandit.Luce
		l.Open(u, []int32{0, 1, 2, 3, 4}, 1)
		l.Ready(admissible)
		if p := l.Propensity(0); p != 0 {
			require.GreaterOrEqual(t, p, 0x1p-1020, "utility %v below the best", drop)
			require.InEpsilon(t, oracle(u, admissible, 1)[0], p, 1e-12)
		}
	}
}

// Oracle: the first row at which the running sum exceeds u.
func TestDrawInvertsTheDistributionFunction(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for trial := range 300 {
		n := 2 + r.IntN(300)
		u, window := normal(r, n, 2), make([]int32, n)
		admissible := recsys.MakeBits(n)
		for i := range window {
			window[i] = int32(i)
			if i < 2 || r.IntN(2) == 0 {
				admissible.Set(i)
			}
		}
		var l bandit.Luce
		l.Open(u, window, 1)
		l.Ready(admissible)
		p := oracle(u, admissible, 1)
		for range 50 {
			at := r.Float64()
			sum, want, near := 0.0, int32(-1), false
			for i, x := range p {
				sum += x
				near = near || math.Abs(sum-at) < 1e-12 // either side of a border is right
				if want < 0 && at < sum {
					want = int32(i)
				}
			}
			if !near {
				require.Equal(t, want, l.Draw(at), "trial %d at %v", trial, at)
			}
		}
	}
}

// Words whose rows did not change keep their sums: the total must be that of a fresh start, to the bit.
func TestSumsOfWalkedSlatesAreThoseOfAFreshStart(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const n = 300
	u, window := normal(r, n, 1), make([]int32, n)
	for i := range window {
		window[i] = int32(i)
	}
	u[7] = 10 // the best row stays admissible, so both start from the same base
	var walked bandit.Luce
	walked.Open(u, window, 1)
	admissible := recsys.MakeBits(n)
	for range 500 {
		for range r.IntN(4) {
			admissible[r.IntN(len(admissible))] = r.Uint64()
		}
		admissible[len(admissible)-1] &= 1<<(n%64) - 1
		admissible.Set(7)
		walked.Ready(admissible)
		var fresh bandit.Luce
		fresh.Open(u, window, 1)
		fresh.Ready(admissible)
		require.Equal(t, fresh.Total(), walked.Total())
	}
}

func TestUnitIsInsideTheOpenInterval(t *testing.T) {
	require.Equal(t, 0x1p-53, bandit.Unit(0))
	require.Equal(t, 1-0x1p-53, bandit.Unit(math.MaxUint64))
	src := rand.NewPCG(1, 1)
	sum := 0.0
	const n = 100_000
	for range n {
		u := bandit.Unit(src.Uint64())
		require.True(t, 0 < u && u < 1)
		sum += u
	}
	require.InDelta(t, 0.5, sum/n, 4/math.Sqrt(12*n))
}

func TestBelowIsUniform(t *testing.T) {
	src := rand.NewPCG(1, 1)
	for _, n := range []uint64{1, 2, 3, 7, 1000} {
		const draws = 50_000
		seen := make([]int, n)
		for range draws {
			seen[bandit.Below(src, n)]++
		}
		want := draws / float64(n)
		for i, x := range seen {
			require.InDelta(t, want, float64(x), 5*math.Sqrt(want), "%d of %d", i, n)
		}
	}
	// Of the range 3·2^62 a plain product would draw the multiples of 3 twice as often as others.
	multiples := 0
	for range 30_000 {
		if bandit.Below(src, 3<<62)%3 == 0 {
			multiples++
		}
	}
	require.InDelta(t, 10_000, multiples, 4*math.Sqrt(30_000*2.0/9))
}

func TestNthIsTheNthMember(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for range 100 {
		n := 1 + r.IntN(300)
		b := recsys.MakeBits(n)
		var members []int32
		for i := range n {
			if r.IntN(3) == 0 {
				b.Set(i)
				members = append(members, int32(i))
			}
		}
		for k, want := range members {
			require.Equal(t, want, bandit.Nth(b, k))
		}
	}
}
