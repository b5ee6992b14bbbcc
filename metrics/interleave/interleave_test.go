package interleave_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/metrics/interleave"
)

func TestGoldenInterleaving(t *testing.T) {
	var golden struct {
		Cases []struct {
			A, B      []int
			K         int
			Coins     []int    `json:"coin_bits"`
			List      []int    `json:"tdi"`
			Team      []string `json:"team"`
			BalancedA []int    `json:"balanced_A"`
			BalancedB []int    `json:"balanced_B"`
		}
	}
	if err := json.NewDecoder(reference.Open(t, "golden", "interleave", "interleave.json")).Decode(&golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range golden.Cases {
		bits := make([]byte, len(c.Coins))
		for j, b := range c.Coins {
			bits[j] = byte(b)
		}
		d, err := interleave.TeamDraftBits(c.A, c.B, c.K, bits)
		if err != nil || !slices.Equal(d.List, c.List) || fmt.Sprint(d.Teams) != fmt.Sprint(c.Team) {
			t.Errorf("case %d: %v by %v, error %v; want %v by %v", i, d.List, d.Teams, err, c.List, c.Team)
		}
		for first, want := range [][]int{c.BalancedA, c.BalancedB} {
			if got := interleave.Balanced(c.A, c.B, c.K, interleave.Team(first)); !slices.Equal(got, want) {
				t.Errorf("case %d: balanced from %v %v; want %v", i, interleave.Team(first), got, want)
			}
		}
	}
}

// rankings draws two rankings with items in common, and some twice.
func rankings(r *rand.Rand) (a, b []int) {
	draw := func() []int {
		x := make([]int, r.IntN(12))
		for i := range x {
			x[i] = r.IntN(15)
		}
		return x
	}
	return draw(), draw()
}

func distinct(x ...int) (n int) {
	slices.Sort(x)
	return len(slices.Compact(x))
}

// Source: Radlinski et al. 2008, algorithm 2: each pick is the best item of its team that was left, no item comes
// twice, and the teams are within one of each other until one has no items left.
func TestTeamDraftIsADraft(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for seed := range uint64(2000) {
		a, b := rankings(r)
		k := r.IntN(18) - 1
		d := interleave.TeamDraft(a, b, k, seed)
		want := distinct(append(slices.Clone(a), b...)...)
		if k > 0 {
			want = min(want, k)
		}
		if len(d.List) != want || len(d.Teams) != want || distinct(slices.Clone(d.List)...) != want {
			t.Fatalf("%v of %v and %v at %d; want %d items", d, a, b, k, want)
		}
		size := [2]int{}
		for i, item := range d.List {
			left := func(x []int) []int {
				return slices.DeleteFunc(slices.Clone(x), func(v int) bool { return slices.Contains(d.List[:i], v) })
			}
			of := [][]int{left(a), left(b)}
			team := d.Teams[i]
			if of[team][0] != item {
				t.Fatalf("%v picks %d of %v", team, item, of[team])
			}
			if size[team] > size[1-team] && len(of[1-team]) > 0 {
				t.Fatalf("%v picks twice in a row in %v of %v and %v", team, d, a, b)
			}
			size[team]++
		}
		if again := interleave.TeamDraft(a, b, k, seed); !reflect.DeepEqual(d, again) {
			t.Fatalf("%v, then %v", d, again)
		}
	}
}

// Source: Radlinski et al. 2008: over all coins, clicks at random prefer neither ranking.
func TestRandomClicksPreferNeitherTeam(t *testing.T) {
	a, b := []int{1, 2, 3, 4, 5}, []int{2, 3, 1, 6, 5}
	for k := range 6 {
		balance := 0
		for coins := range 32 {
			d, err := interleave.TeamDraftBits(a, b, k+1, []byte{byte(coins & 1), byte(coins & 2), byte(coins & 4), byte(coins & 8), byte(coins & 16)})
			if err != nil {
				t.Fatal(err)
			}
			for _, team := range d.Teams {
				balance += 1 - 2*int(team)
			}
		}
		if balance != 0 {
			t.Errorf("%d places: A has %+d items more over all coins", k+1, balance)
		}
	}
	// Balanced interleaving has no such balance.
	for first := range 2 {
		list, wins := interleave.Balanced([]int{1, 2, 3}, []int{2, 3, 1}, 3, interleave.Team(first)), 0
		for k := range list {
			clicks := make([]float64, 3)
			clicks[k] = 1
			c, err := interleave.BalancedCredit(list, []int{1, 2, 3}, []int{2, 3, 1}, clicks)
			if err != nil {
				t.Fatal(err)
			}
			wins += c.Preference()
		}
		if wins != 1 {
			t.Errorf("%v: B wins by %d of the three clicks; want 2 to 1", list, wins)
		}
	}
}

func TestCoinsAreFairAndCounted(t *testing.T) {
	firsts, begins := 0, 0
	for seed := range uint64(4000) {
		firsts += int(interleave.TeamDraft([]int{1, 2}, []int{3, 4}, 1, seed).Teams[0])
		begins += int(interleave.First(seed))
	}
	for _, n := range []int{firsts, begins} {
		if n < 1870 || n > 2130 { // four standard errors
			t.Errorf("B is first %d times of 4000", n)
		}
	}
	_, err := interleave.TeamDraftBits([]int{1, 2, 3}, []int{4, 5, 6}, 5, []byte{1, 0})
	var ce *interleave.CoinError
	if !errors.As(err, &ce) || ce.Coins != 2 || err.Error() != "interleave: the draft takes more than 2 coins" {
		t.Errorf("error %v", err)
	}
	if d, err := interleave.TeamDraftBits([]int{1, 2, 3}, []int{4, 5, 6}, 5, []byte{1, 0, 0}); err != nil || len(d.List) != 5 {
		t.Errorf("%v, error %v; three coins suffice for five items", d, err)
	}
	if d, err := interleave.TeamDraftBits[int](nil, nil, 5, nil); err != nil || len(d.List) != 0 {
		t.Errorf("%v of nothing, error %v", d, err)
	}
}

func TestSharedTopIsLeftOut(t *testing.T) {
	for seed := range uint64(20) {
		d := interleave.TeamDraft([]int{7, 8, 1, 2}, []int{7, 8, 2, 1}, 4, seed)
		clicks := []float64{1, 1, 1, 0}
		if got := d.Decisive(clicks); d.Shared != 2 || !slices.Equal(got, []float64{0, 0, 1, 0}) || clicks[0] != 1 {
			t.Fatalf("%+v: %v of %v", d, got, clicks)
		}
		if got := d.Decisive([]float64{1}); !slices.Equal(got, []float64{0}) {
			t.Fatalf("%v of one", got)
		}
	}
	if d := interleave.TeamDraft([]int{7, 8}, []int{7, 8}, 1, 0); d.Shared != 1 {
		t.Errorf("%+v", d)
	}
	if d := interleave.TeamDraft([]int{7, 8}, []int{8, 7}, 0, 0); d.Shared != 0 {
		t.Errorf("%+v", d)
	}
}

// Source: Joachims 2002: every prefix is the top m items of the one ranking and the top m or m-1 of the other.
func TestBalancedPrefixesAreTops(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 2000 {
		a, b := rankings(r)
		list := interleave.Balanced(a, b, r.IntN(14), interleave.Team(r.IntN(2)))
		for n := range list {
			ok := false
			prefix := slices.Clone(list[:n+1])
			slices.Sort(prefix)
			for i := range len(a) + 1 {
				for _, j := range []int{i - 1, i, i + 1} {
					if j < 0 || j > len(b) {
						continue
					}
					both := append(slices.Clone(a[:i]), b[:j]...)
					slices.Sort(both)
					ok = ok || slices.Equal(prefix, slices.Compact(both))
				}
			}
			if !ok {
				t.Fatalf("%v of %v and %v", list[:n+1], a, b)
			}
		}
	}
}

func TestCreditByHand(t *testing.T) {
	c, err := interleave.TeamCredit([]interleave.Team{interleave.A, interleave.B, interleave.B}, []float64{1, 0, 2.5})
	if err != nil || c != (interleave.Credit{A: 1, B: 2.5}) || c.Preference() != 1 || c.Difference() != 1.5 || math.Abs(c.Share()-1.5/3.5) > 1e-15 {
		t.Errorf("%v, error %v", c, err)
	}
	if c := (interleave.Credit{}); c.Preference() != 0 || c.Share() != 0 || c.Difference() != 0 {
		t.Errorf("%v without clicks", c)
	}
	a, b := []string{"a", "b", "c", "d"}, []string{"b", "e", "a", "f"}
	list := interleave.Balanced(a, b, 5, interleave.A)
	if want := []string{"a", "b", "e", "c", "d"}; !slices.Equal(list, want) {
		t.Fatalf("%v; want %v", list, want)
	}
	for _, x := range []struct {
		clicks []float64
		want   interleave.Credit
	}{
		{[]float64{0, 0, 0, 0, 0}, interleave.Credit{}},
		{[]float64{1, 0, 0, 0, 0}, interleave.Credit{A: 1}},       // m = 1: {a}, {b}
		{[]float64{1, 0, 1, 0, 0}, interleave.Credit{A: 1, B: 1}}, // m = 2: {a b}, {b e}
		{[]float64{1, 1, 1, 0, 0}, interleave.Credit{A: 2, B: 2}},
		{[]float64{2, 0, 0, 1, 0}, interleave.Credit{A: 3, B: 2}}, // m = 3: {a b c}, {b e a}
	} {
		if got, err := interleave.BalancedCredit(list, a, b, x.clicks); err != nil || got != x.want {
			t.Errorf("%v: %v, error %v; want %v", x.clicks, got, err, x.want)
		}
	}
}

func TestBadClicksAreErrors(t *testing.T) {
	var ce *interleave.ClickError
	for _, clicks := range [][]float64{{1}, {1, -1}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if _, err := interleave.TeamCredit([]interleave.Team{0, 1}, clicks); !errors.As(err, &ce) {
			t.Errorf("%v: error %v", clicks, err)
		}
		if _, err := interleave.BalancedCredit([]int{1, 2}, []int{1}, []int{2}, clicks); !errors.As(err, &ce) {
			t.Errorf("%v: error %v", clicks, err)
		}
	}
	if want := "interleave: clicks: place 1: +Inf; want a finite number >= 0"; ce.Error() != want {
		t.Errorf("%q; want %q", ce.Error(), want)
	}
	for _, clicks := range [][]float64{{0, 1}, {1, 1}} {
		if _, err := interleave.BalancedCredit([]int{9, 2}, []int{1}, []int{3}, clicks); !errors.Is(err, interleave.ErrForeign) {
			t.Errorf("error %v", err)
		}
	}
	var e interleave.Experiment
	for _, c := range []interleave.Credit{{A: -1}, {B: math.NaN()}, {A: math.Inf(1)}, {A: 1e308, B: 1e308}} {
		if err := e.Add(1, c); !errors.As(err, &ce) {
			t.Errorf("%v: error %v", c, err)
		}
	}
	if r := e.Result(); r.Impressions != 0 || r.Units != 0 || r.SignP != 1 || !math.IsNaN(r.Lift) || !math.IsNaN(r.Share.P) {
		t.Errorf("%+v of nothing", r)
	}
}
