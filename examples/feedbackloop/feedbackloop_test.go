package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/featurestest"
	"github.com/recsyskit/recsys/internal/race"
)

// call runs the program and returns its exit code and output.
func call(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = program(context.Background(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// small is a study that takes a second or two.
func small(args ...string) []string {
	return append([]string{"-users", "60", "-items", "80", "-arrivals", "2", "-rounds", "6", "-warmup", "3", "-slate", "5", "-depth", "30"}, args...)
}

func study1(t *testing.T, args ...string) *study {
	t.Helper()
	fs, o := newFlags()
	if err := o.parse(fs, args); err != nil {
		t.Fatal(err)
	}
	s, err := simulate(t.Context(), o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestResultsAreTheSameForAnyNumberOfWorkers(t *testing.T) {
	var first, page string
	for _, workers := range []string{"1", "3"} {
		file := filepath.Join(t.TempDir(), "loop.html")
		code, stdout, stderr := call(small("-seeds", "3", "-json", "-workers", workers, "-report", file)...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		html, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first, page = stdout, string(html)
		}
		if stdout != first || string(html) != page {
			t.Errorf("%s workers:\n%s\nwant\n%s", workers, stdout, first)
		}
	}
	for _, part := range []string{"<svg", "Gini index of exposure", "Coverage", "Recall of hidden taste", "Clicks a slate", "explored-ips", "oracle"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, part := range []string{"<script", "http://", "https://"} {
		if strings.Contains(strings.ReplaceAll(page, "http://www.w3.org/2000/svg", ""), part) {
			t.Errorf("the page has %q", part)
		}
	}
}

func TestOutputIsJSONWithTheResultLast(t *testing.T) {
	code, stdout, stderr := call(small("-seeds", "2", "-json")...)
	if code != 0 || !strings.Contains(stderr, "rounds") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != len(variants)+1 {
		t.Fatalf("%d lines:\n%s", len(lines), stdout)
	}
	starts := map[any]bool{}
	for i, line := range lines {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if last := i == len(variants); last == (o["event"] != nil) || last != (o["holds"] != nil) {
			t.Errorf("line %d: %s", i, line)
		}
		if o["event"] != nil {
			starts[o["gini_start"]] = true
		}
	}
	if len(starts) != 1 {
		t.Errorf("the warm-up differs between variants: %v", starts)
	}
	if code, stdout, _ := call(small("-seeds", "1")...); code != 0 || strings.Contains(stdout, "NaN") || !strings.Contains(stdout, "explored-ips") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestBadFlagsAreTheCallersFault(t *testing.T) {
	for _, c := range [][3]string{
		{"-users", "0", "-users is 0; want 1"},
		{"-items", "5", "-items is 5"},
		{"-slate", "200", "-slate is 200; want 1 to 75"},
		{"-depth", "3", "-depth is 3; want 10"},
		{"-drift", "1.5", "-drift is 1.5; want 0 to 1"},
		{"-bias", "NaN", "-bias is NaN"},
		{"-temperature", "0", "-temperature is 0"},
		{"-users", "90000", "want at most 1e9"},
		{"-report", "/no/such/folder/x.html", "/no/such/folder"},
	} {
		if code, _, stderr := call(c[0], c[1]); code != 2 || !strings.Contains(stderr, c[2]) {
			t.Errorf("%s %s: exit code %d, %q; want 2, %q", c[0], c[1], code, stderr, c[2])
		}
	}
}

// Exposure concentrates under greedy, and exploring with weighted training keeps it from doing so at no loss; the examination that the
// weights need is found from the log.
func TestExplorationBreaksTheLoop(t *testing.T) {
	if race.Enabled || testing.Short() {
		t.Skip("long arithmetic")
	}
	s := study1(t, "-seeds", "2", "-rounds", "25", "-users", "200", "-seed", "1000")
	greedy, ips, oracle := s.totals[0], s.totals[judged], s.totals[4]
	if greedy.growth.Mean < 0.15 || ips.growth.Mean > greedy.growth.Mean/2 || ips.lateGain.Mean < 0 {
		t.Errorf("growth %.3f, of explored-ips %.3f; late gain %.4f", greedy.growth.Mean, ips.growth.Mean, ips.lateGain.Mean)
	}
	if oracle.recall.Mean < 0.9 || oracle.reward.Mean < greedy.reward.Mean || greedy.coverage.Mean > ips.coverage.Mean {
		t.Errorf("oracle: recall %.3f, reward %.3f; coverage of greedy %.3f, of explored-ips %.3f", oracle.recall.Mean, oracle.reward.Mean, greedy.coverage.Mean, ips.coverage.Mean)
	}
	looks := looksOf(s.o.settings)
	for _, world := range s.courses {
		seen := world[judged].seen
		for k := range looks {
			if math.Abs(seen[k]-looks[k]) > 0.2 {
				t.Errorf("examination %.2f; want %.2f", seen, looks)
				break
			}
		}
	}
}

func smallWorld(seed uint64) *world {
	return newWorld(settings{Users: 40, Items: 60, Topics: 4, Arrivals: 3, Rounds: 30, Warmup: 2, Slate: 4, Drift: 0.3, Bias: 1, Window: 2, Memory: 5}, seed)
}

func TestWorldIsWhatItSays(t *testing.T) {
	w := smallWorld(3)
	if got := w.looks; !slices.Equal(got, []float64{1, 0.5, 1.0 / 3, 0.25}) {
		t.Errorf("looks %v", got)
	}
	for n, r := range w.rounds {
		if r.items != 60+3*n || len(r.liked) != 40 || len(r.liked[7]) != r.items || len(r.wanted[7]) != wantedItems {
			t.Fatalf("round %d: %d items", n, r.items)
		}
		for i := range r.items {
			if w.items[i].arrived >= n {
				t.Fatalf("item %d of round %d is there in round %d", i, w.items[i].arrived, n)
			}
		}
		liked, worst := r.liked[7], float32(2)
		for _, i := range r.wanted[7] {
			worst = min(worst, liked[i])
		}
		for i, p := range liked {
			if p > worst && !slices.Contains(r.wanted[7], int32(i)) {
				t.Fatalf("item %d is better than the wanted ones", i)
			}
		}
	}
	// Drift moves tastes and keeps their strength: the spread of log odds is as large in the end as at the start.
	spread := func(r round) (sum float64) {
		for _, liked := range r.liked {
			for _, p := range liked[:60] {
				x := math.Log(float64(p)/(1-float64(p))) + 3
				sum += x * x / float64(60*len(r.liked))
			}
		}
		return sum
	}
	if a, b := spread(w.rounds[0]), spread(w.rounds[31]); a < 2 || b < 2 || a > 6 || b > 6 {
		t.Errorf("mean squares of log odds are %.2f, then %.2f; want about 3.5", a, b)
	}
	if slices.Equal(w.rounds[0].wanted[7], w.rounds[31].wanted[7]) {
		t.Error("tastes have not drifted")
	}
}

func TestClicksFollowThePositionBasedModel(t *testing.T) {
	w := smallWorld(4)
	for place := range w.Slate {
		clicks, want := 0, 0.0
		for n := range w.rounds {
			for u := range w.Users {
				for i := range 20 {
					want += w.looks[place] * float64(w.rounds[n].liked[u][i])
					if w.clicks(n, u, i, place) {
						clicks++
					}
				}
			}
		}
		// Looks are one draw for all items at a place, so the variance is that of clusters of 20.
		if sd := math.Sqrt(20 * want); math.Abs(float64(clicks)-want) > 4*sd {
			t.Errorf("place %d: %d clicks; want %.0f ± %.0f", place, clicks, want, 4*sd)
		}
	}
	if got := w.worth(0, 5, []int32{3, 1}); got != float64(w.rounds[0].liked[5][3])+0.5*float64(w.rounds[0].liked[5][1]) {
		t.Errorf("worth %v", got)
	}
}

func TestSpreadAndRecallByHand(t *testing.T) {
	w := smallWorld(5)
	r := &run{w: w, taken: make([][]recsys.ItemID, w.Users)}
	for range 3 {
		slates, exposure := make([][]int32, w.Users), make([]int, len(w.items))
		for u := range slates {
			slates[u] = w.rounds[2].wanted[u][:4]
		}
		exposure[0], exposure[1] = 3, 1
		r.slates, r.exposure = append(r.slates, slates), append(r.exposure, exposure)
		r.taken[0] = append(r.taken[0], recsys.ItemID(w.rounds[2].wanted[0][10]))
	}
	gini, coverage := r.spread(2) // two of 63 items, in shares of 3/4 and 1/4
	if math.Abs(gini-(60*0.25+62*0.75)/63) > 1e-12 || math.Abs(coverage-2.0/63) > 1e-12 {
		t.Errorf("Gini %v, coverage %v", gini, coverage)
	}
	want := (4*float64(w.Users) + 1) / (wantedItems * float64(w.Users))
	if got := r.recall(2); math.Abs(got-want) > 1e-9 {
		t.Errorf("recall %v; want %v", got, want)
	}
}

// What is logged is what was served: places in order, propensities of the explorer, each click where it was made, and nothing
// that its user had clicked before.
func TestLogIsWhatWasServed(t *testing.T) {
	w := newWorld(settings{
		Users: 40, Items: 60, Topics: 4, Arrivals: 3, Rounds: 4, Warmup: 2, Slate: 4, Drift: 0.1, Bias: 1, Window: 2, Memory: 5,
		Temperature: 0.7, Depth: 20, Floor: 0.4,
	}, 7)
	for _, v := range variants[:4] {
		r, err := newRun(w, v)
		if err != nil {
			t.Fatal(err)
		}
		clicked := map[[2]int]bool{}
		for n := range w.rounds {
			before := len(r.rows)
			if _, err := r.round(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			if got := len(r.rows) - before; got != 40*4 {
				t.Fatalf("%s: %d rows in round %d; want 160", v.name, got, n)
			}
			for i, s := range r.rows[before:] {
				if s.round != n || s.user != i/4 || s.place != i%4 || int32(s.item) != r.slates[n][s.user][s.place] {
					t.Fatalf("%s: row %d of round %d is %+v", v.name, i, n, s)
				}
				if s.clicked != w.clicks(n, s.user, s.item, s.place) || clicked[[2]int{s.user, s.item}] {
					t.Fatalf("%s: %+v; taken before: %v", v.name, s, clicked[[2]int{s.user, s.item}])
				}
				drawn := n < w.Warmup || v.explored
				if drawn == (s.propensity == 1) || !(s.propensity > 0 && s.propensity <= 1) {
					t.Fatalf("%s: round %d: propensity %v", v.name, n, s.propensity)
				}
				clicked[[2]int{s.user, s.item}] = s.clicked
			}
		}
	}
}

func TestSignalsAreAFeatureSource(t *testing.T) {
	w := smallWorld(6)
	s := &signals{w: w, now: 1, rate: make([]float32, len(w.items)), count: make([]float32, len(w.items))}
	for i := range s.rate {
		s.rate[i], s.count[i] = float32(i), float32(2*i)
	}
	featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return s }, featurestest.Config{})
}
