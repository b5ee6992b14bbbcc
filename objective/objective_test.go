package objective_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/objective"
)

// What the pipeline looks for, held here since the package does not import it.
var (
	_ recsys.Objective = (*objective.Objective)(nil)
	_ recsys.Versioned = (*objective.Objective)(nil)
	_ recsys.Validator = (*objective.Config)(nil)
	_ recsys.Versioned = (*objective.Labeler)(nil)
	_ recsys.Validator = (*objective.LabelConfig)(nil)
)

func home() objective.Config {
	return objective.Config{
		Name:    "home",
		Version: "3",
		Terms: []objective.Term{
			{Head: "click", Weight: 1},
			{Head: "dwell", Weight: 0.5, Max: new(120.0), Transform: objective.Log1p},
			{Head: "hide", Weight: -4, Transform: objective.Logit},
		},
	}
}

func build(t testing.TB, c objective.Config) *objective.Objective {
	t.Helper()
	o, err := objective.New(c)
	require.NoError(t, err)
	return o
}

// naive is the documented formula with package math.
func naive(c objective.Config, row []float32) float64 {
	floor := c.Floor
	if floor == 0 {
		floor = 1e-6
	}
	score := 0.0
	for j, t := range c.Terms {
		x := float64(row[j])
		if t.Weight == 0 {
			continue
		}
		if t.Min != nil {
			x = math.Max(x, *t.Min)
		}
		if t.Max != nil {
			x = math.Min(x, *t.Max)
		}
		switch t.Transform {
		case objective.Logit:
			x = math.Min(math.Max(x, 1e-6), 1-1e-6)
			x = math.Log(x / (1 - x))
		case objective.Log1p:
			x = math.Log1p(math.Max(x, 0))
		}
		if c.Form == objective.Product {
			x = math.Log(math.Max(x, floor))
		}
		score += t.Weight * x
	}
	return score
}

func TestScoreIsTheDocumentedFormula(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	transforms := []objective.Transform{"", objective.Identity, objective.Logit, objective.Log1p}
	for trial := range 300 {
		c := objective.Config{Name: "x", Version: "1", Form: objective.Sum}
		if trial%2 == 1 {
			c.Form, c.Floor = objective.Product, []float64{0, 1e-3, 1}[r.IntN(3)]
		}
		for j := range 1 + r.IntN(6) {
			term := objective.Term{
				Head:      string(rune('a' + j)),
				Weight:    4*r.Float64() - 2,
				Transform: transforms[r.IntN(len(transforms))],
			}
			if r.IntN(2) == 0 {
				term.Min = new(r.Float64() - 0.5)
			}
			if r.IntN(2) == 0 {
				term.Max = new(r.Float64() + 0.5)
			}
			c.Terms = append(c.Terms, term)
		}
		o := build(t, c)
		for _, rows := range []int{0, 1, 3, 17} {
			dst, heads := make([]float32, rows), make([]float32, rows*len(c.Terms))
			for i := range heads {
				heads[i] = float32(3*r.Float64() - 1)
			}
			require.NoError(t, o.Score(dst, heads))
			for i := range dst {
				want := naive(c, heads[i*len(c.Terms):])
				require.InDelta(t, want, float64(dst[i]), 2e-7*(1+math.Abs(want)), "%+v", c)
			}
		}
	}
}

func TestProductRanksAsTheProductOfPowers(t *testing.T) {
	// Source: Ma et al., SIGIR 2018, eq. 1: p(click and conversion) = p(click) p(conversion | click).
	o := build(t, objective.Config{
		Name: "ctcvr", Version: "1", Form: objective.Product,
		Terms: []objective.Term{{Head: "ctr", Weight: 1}, {Head: "cvr", Weight: 1}},
	})
	heads := []float32{0.5, 0.02, 0.1, 0.2, 0.9, 0.001}
	dst := make([]float32, 3)
	require.NoError(t, o.Score(dst, heads))
	for i := range dst {
		product := float64(heads[2*i]) * float64(heads[2*i+1])
		require.InDelta(t, product, math.Exp(float64(dst[i])), 1e-7)
	}
}

func TestProductFloorKeepsTheOtherHeads(t *testing.T) {
	o := build(t, objective.Config{
		Name: "x", Version: "1", Form: objective.Product,
		Terms: []objective.Term{{Head: "a", Weight: 1}, {Head: "b", Weight: 2}},
	})
	dst := make([]float32, 3)
	require.NoError(t, o.Score(dst, []float32{0, 0.9, 0, 0.1, -3, 0.9}))
	require.Greater(t, dst[0], dst[1], "a head of 0 must not hide the other one")
	require.Equal(t, dst[0], dst[2], "what is below the floor counts as the floor")
	require.InDelta(t, math.Log(1e-6)+2*math.Log(0.9), float64(dst[0]), 1e-5)
}

func TestScoreOfUnknownHeads(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	c := home()
	c.Terms = append(c.Terms, objective.Term{Head: "idle", Weight: 0})
	o := build(t, c)
	for _, tc := range []struct {
		name string
		row  []float32
		want func(float32) bool
	}{
		{"NaN makes the score NaN", []float32{nan, 1, 0.1, 0}, isNaN},
		{"NaN survives clip and transform", []float32{0, nan, 0.1, 0}, isNaN},
		{"NaN survives logit", []float32{0, 1, nan, 0}, isNaN},
		{"a weight of 0 ignores NaN", []float32{0, 1, 0.1, nan}, isFinite},
		{"a weight of 0 ignores Inf", []float32{0, 1, 0.1, inf}, isFinite},
		{"Inf counts as it is", []float32{inf, 1, 0.1, 0}, func(x float32) bool { return x == inf }},
		{"Inf is clipped", []float32{0, inf, 0.1, 0}, isFinite},
		{"logit of a probability out of range is finite", []float32{0, 0, -2, 0}, isFinite},
		{"logit of 1 is finite", []float32{0, 0, 1, 0}, isFinite},
		{"log1p of a negative amount is 0", []float32{1, -5, 0.5, 0}, func(x float32) bool { return x == 1 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst := make([]float32, 1)
			require.NoError(t, o.Score(dst, tc.row))
			require.True(t, tc.want(dst[0]), "score is %v", dst[0])
		})
	}
	big := build(t, objective.Config{Name: "x", Version: "1", Terms: []objective.Term{{Head: "a", Weight: 2}}})
	dst := make([]float32, 1)
	require.NoError(t, big.Score(dst, []float32{math.MaxFloat32}))
	require.True(t, math.IsInf(float64(dst[0]), 1))
}

func isNaN(x float32) bool    { return x != x }
func isFinite(x float32) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

func TestScoreRefusesWrongLengths(t *testing.T) {
	o := build(t, home())
	dst := []float32{7, 7}
	for _, n := range []int{0, 1, 5, 7} {
		err := o.Score(dst, make([]float32, n))
		require.ErrorIs(t, err, objective.ErrShape)
		require.Equal(t, []float32{7, 7}, dst, "nothing is written")
	}
	require.NoError(t, o.Score(nil, nil))
}

func TestScoreIsSafeForConcurrentUse(t *testing.T) {
	o := build(t, home())
	heads := make([]float32, 300)
	for i := range heads {
		heads[i] = float32(i%17) / 17
	}
	want := make([]float32, 100)
	require.NoError(t, o.Score(want, heads))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dst := make([]float32, 100)
			for range 50 {
				if err := o.Score(dst, heads); err != nil {
					t.Error(err)
				}
				for i := range dst {
					if dst[i] != want[i] {
						t.Errorf("row %d: %v; want %v", i, dst[i], want[i])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestScoreDoesNotAllocate(t *testing.T) {
	c := home()
	c.Form = objective.Product
	for _, o := range []*objective.Objective{build(t, home()), build(t, c)} {
		dst, heads := make([]float32, 50), make([]float32, 150)
		n := testing.AllocsPerRun(50, func() {
			if err := o.Score(dst, heads); err != nil {
				t.Fatal(err)
			}
		})
		require.Zero(t, n)
	}
}

func TestVersionFindsEveryChange(t *testing.T) {
	base := build(t, home()).Version()
	require.Equal(t, base, build(t, home()).Version())
	require.Regexp(t, `^3-[0-9a-f]{16}$`, base)
	for name, change := range map[string]func(*objective.Config){
		"version":     func(c *objective.Config) { c.Version = "4" },
		"name":        func(c *objective.Config) { c.Name = "other" },
		"form":        func(c *objective.Config) { c.Form = objective.Product },
		"weight":      func(c *objective.Config) { c.Terms[0].Weight = math.Nextafter(1, 2) },
		"head":        func(c *objective.Config) { c.Terms[0].Head = "tap" },
		"order":       func(c *objective.Config) { c.Terms[0], c.Terms[1] = c.Terms[1], c.Terms[0] },
		"min":         func(c *objective.Config) { c.Terms[0].Min = new(0.0) },
		"max":         func(c *objective.Config) { c.Terms[1].Max = new(121.0) },
		"transform":   func(c *objective.Config) { c.Terms[2].Transform = "" },
		"nonnegative": func(c *objective.Config) { c.Terms[0].Nonnegative = true },
	} {
		c := home()
		change(&c)
		require.NotEqual(t, base, build(t, c).Version(), name)
	}
	// What means the same has the same version.
	c := home()
	c.Form, c.Terms[0].Transform = objective.Sum, objective.Identity
	require.Equal(t, base, build(t, c).Version())
	p, q := home(), home()
	p.Form, q.Form, q.Floor = objective.Product, objective.Product, 1e-6
	require.Equal(t, build(t, p).Version(), build(t, q).Version())
}

// Versions stand in logs: the hash of a configuration never changes.
func TestVersionStaysWhatItWas(t *testing.T) {
	require.Equal(t, "3-e09a4aa38b594fda", build(t, home()).Version())
}

func TestNewKeepsNothingOfTheConfig(t *testing.T) {
	c := home()
	o := build(t, c)
	dst, again := make([]float32, 1), make([]float32, 1)
	heads := []float32{0.3, 200, 0.1}
	require.NoError(t, o.Score(dst, heads))
	c.Terms[0].Weight, *c.Terms[1].Max = 9, 1
	require.NoError(t, o.Score(again, heads))
	require.Equal(t, dst, again)
}

func TestNewReportsEveryMistakeAtOnce(t *testing.T) {
	_, err := objective.New(objective.Config{
		Form:  "mean",
		Floor: 0.1,
		Terms: []objective.Term{
			{Head: "a", Weight: math.NaN()},
			{Head: "a", Weight: math.Inf(1)},
			{Weight: -1, Nonnegative: true},
			{Head: "b", Weight: 1, Min: new(2.0), Max: new(1.0), Transform: "sqrt"},
			{Head: "c", Weight: 1, Min: new(math.NaN()), Max: new(math.Inf(1))},
		},
	})
	require.Error(t, err)
	var joined interface{ Unwrap() []error }
	require.True(t, errors.As(err, &joined))
	var got []string
	for _, e := range joined.Unwrap() {
		got = append(got, e.Error())
	}
	require.Equal(t, []string{
		`objective: name is empty; say what the objective is for`,
		`objective: version is empty; declare one`,
		`objective: form is "mean"; want "sum" or "product"`,
		`objective: floor is 0.1, but form is not "product"; leave it out`,
		`objective: terms[0] (head "a"): weight is NaN; want a finite number`,
		`objective: terms[1] (head "a"): weight is +Inf; want a finite number`,
		`objective: terms[1] (head "a"): the head stands in terms[0] already; name it once`,
		`objective: terms[2] (head ""): head has no name`,
		`objective: terms[2] (head ""): weight is -1, but the term is declared nonnegative`,
		`objective: terms[3] (head "b"): min is 2, above max 1`,
		`objective: terms[3] (head "b"): transform is "sqrt"; want "identity", "logit" or "log1p"`,
		`objective: terms[4] (head "c"): min is NaN; want a finite number, or leave it out`,
		`objective: terms[4] (head "c"): max is +Inf; want a finite number, or leave it out`,
	}, got)

	_, err = objective.New(objective.Config{Name: "x", Version: "1"})
	require.ErrorContains(t, err, "terms is empty")
	_, err = objective.New(objective.Config{Name: "x", Version: "1", Terms: []objective.Term{{Head: "a"}}})
	require.ErrorContains(t, err, "all weights are 0")
	for _, floor := range []float64{-1, 1.5, math.NaN(), math.Inf(1)} {
		c := home()
		c.Form, c.Floor = objective.Product, floor
		_, err = objective.New(c)
		require.ErrorContains(t, err, "floor is")
	}
}

func BenchmarkScore(b *testing.B) {
	for _, form := range []objective.Form{objective.Sum, objective.Product} {
		b.Run("form="+string(form)+"/rows=1000/heads=4", func(b *testing.B) {
			o := build(b, objective.Config{
				Name: "x", Version: "1", Form: form,
				Terms: []objective.Term{
					{Head: "a", Weight: 1}, {Head: "b", Weight: 2}, {Head: "c", Weight: 3}, {Head: "d", Weight: -1},
				},
			})
			dst, heads := make([]float32, 1000), make([]float32, 4000)
			for i := range heads {
				heads[i] = float32(i%97) / 97
			}
			for b.Loop() {
				_ = o.Score(dst, heads)
			}
		})
	}
}
