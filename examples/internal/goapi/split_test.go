package goapi_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/goapi"
)

func TestPartOfIsStable(t *testing.T) {
	dirs := []string{".", "fmt", "net/http", "cmd/go/internal/load", "os", "ünïcode", ""}
	for seed, want := range map[uint64]string{0: "ACAACCC", 1: "ACABAAC", math.MaxUint64: "BAABAAA"} {
		got := ""
		for _, dir := range dirs {
			got += goapi.PartOf(dir, seed).String()
			if slow := slowPart(dir, seed); slow != goapi.PartOf(dir, seed) {
				t.Errorf("PartOf(%q, %d) = %v; by the description it is %v", dir, seed, goapi.PartOf(dir, seed), slow)
			}
		}
		if got != want {
			t.Errorf("seed %d: got %s, want %s as ever", seed, got, want)
		}
	}
}

// slowPart follows the doc comment of PartOf without its code.
func slowPart(dir string, seed uint64) goapi.Part {
	h := uint64(14695981039346656037)
	for _, c := range []byte(dir) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	// SplitMix64: state z gives the finalizer of z + gamma.
	finalize := func(z uint64) uint64 {
		z += 0x9e3779b97f4a7c15
		z ^= z >> 30
		z *= 0xbf58476d1ce4e5b9
		z ^= z >> 27
		z *= 0x94d049bb133111eb
		return z ^ (z >> 31)
	}
	return []goapi.Part{goapi.PartA, goapi.PartA, goapi.PartA, goapi.PartB, goapi.PartC}[finalize(h^finalize(seed))%5]
}

func TestPartOfSharesAndIndependence(t *testing.T) {
	const n = 20000
	for _, seed := range []uint64{0, 1, 2, 1 << 40} {
		var share [3]int
		both := 0 // in C under this seed and the next
		for i := range n {
			dir := fmt.Sprintf("cmd/x/%d", i)
			p := goapi.PartOf(dir, seed)
			share[p]++
			if p == goapi.PartC && goapi.PartOf(dir, seed+1) == goapi.PartC {
				both++
			}
		}
		for _, c := range []struct {
			what string
			got  int
			p    float64
		}{{"A", share[0], 0.6}, {"B", share[1], 0.2}, {"C", share[2], 0.2}, {"C twice", both, 0.04}} {
			z := (float64(c.got) - n*c.p) / math.Sqrt(n*c.p*(1-c.p))
			if math.Abs(z) > 4 {
				t.Errorf("seed %d: %d of %d folders in %s; want about %g (z = %.1f)", seed, c.got, n, c.what, c.p*n, z)
			}
		}
	}
}

func TestSplitKeepsFoldersTogether(t *testing.T) {
	d := load(t, manyFiles(100), goapi.Config{})
	for seed := range uint64(20) {
		a, b, c := d.Split(seed)
		var all []int
		folder := make(map[string]int)
		for part, users := range [][]int{a, b, c} {
			if !slices.IsSorted(users) {
				t.Errorf("part %d is not ascending", part)
			}
			for _, u := range users {
				dir := d.Users[u].Dir
				if was, ok := folder[dir]; ok && was != part {
					t.Errorf("seed %d: folder %s in two parts", seed, dir)
				}
				folder[dir] = part
				all = append(all, u)
			}
		}
		slices.Sort(all)
		for i, u := range all {
			if i != u {
				t.Fatalf("seed %d: the parts do not hold each user once: %v", seed, all)
			}
		}
		if len(all) != len(d.Users) {
			t.Errorf("seed %d: %d users in all parts, want %d", seed, len(all), len(d.Users))
		}
	}
}

func TestCut(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 1, 5: 1, 7: 1, 8: 2, 10: 2, 12: 2, 13: 3, 17: 3, 18: 4, 100: 20, 1002: 200, 1003: 201} {
		uses := make([]goapi.Use, n)
		for i := range uses {
			uses[i] = goapi.Use{Item: recsys.ItemID(i), Count: 1}
		}
		history, targets := goapi.Cut(uses)
		if len(targets) != want || !slices.Equal(slices.Concat(history, targets), uses) {
			t.Errorf("n = %d: %d targets after %d, want %d", n, len(targets), len(history), want)
		}
		if n > 0 && len(targets) != max(1, int(math.Round(0.2*float64(n)))) {
			t.Errorf("n = %d: %d targets are not max(1, round(0.2 n))", n, len(targets))
		}
		if _ = append(history, goapi.Use{Item: 999999}); n > 0 && targets[0].Item == 999999 {
			t.Errorf("n = %d: appending to the history wrote to the targets", n)
		}
	}
}

func TestEvents(t *testing.T) {
	uses := []goapi.Use{{Item: 4, Count: 1}, {Item: 0, Count: 2}, {Item: 7, Count: 3}, {Item: 9, Count: 40}}
	start := time.Date(2009, 11, 10, 23, 0, 0, 0, time.UTC)
	want := []recsys.Event{
		{Item: 4, Kind: recsys.Click, Time: start},
		{Item: 0, Kind: recsys.Click, Time: start.Add(time.Second)},
		{Item: 7, Kind: recsys.Dwell, Value: 3, Time: start.Add(2 * time.Second)},
		{Item: 9, Kind: recsys.Dwell, Value: 40, Time: start.Add(3 * time.Second)},
	}
	if got := goapi.Events(nil, uses); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	history, targets := goapi.Cut(uses)
	got := goapi.EventsAt(goapi.Events(make([]recsys.Event, 0, 4), history), targets, len(history))
	if !slices.Equal(got, want) {
		t.Errorf("history and targets: got %v, want %v", got, want)
	}
	if got := goapi.Events(nil, nil); got != nil {
		t.Errorf("no uses: got %v", got)
	}
}

func TestNamesOfKindsAndParts(t *testing.T) {
	got := fmt.Sprint(goapi.Func, goapi.Type, goapi.Const, goapi.Var, goapi.Kind(9), goapi.PartA, goapi.PartB, goapi.PartC, goapi.Part(3))
	if want := "func type const var Kind(9) A B C ?"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
