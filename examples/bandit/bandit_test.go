package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
)

// program runs the program and returns its exit code and output.
func program(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// write writes a file of its own and returns its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "regret.json")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// small is a file with an environment of each kind.
const small = `{"runs": 12, "checkpoints": [40, 300], "envs": {
 "late": {"spec": {"kind": "bernoulli", "p": [0.2, 0.7, 0.9], "delay_rounds": 3, "arm_available_after_round": [0, 0, 50]},
  "cum_regret": {"ts_beta11": {"300": {"mean": 1000, "se": 1}}, "random": {"300": {"mean": 1, "se": 0.1}}}},
 "change": {"spec": {"kind": "bernoulli nonstationary", "p_phases": [[0.9, 0.1], [0.1, 0.9]], "period": 100},
  "cum_regret": {"dts_gamma0.9": {}, "sw_ucb_w30_c0.6": {}, "ts_beta11": {}}},
 "batch": {"spec": {"kind": "bernoulli", "p": [0.2, 0.7], "batch": 10},
  "cum_regret": {"klucb": {}, "exp3_g0.1": {}, "softmax_0.1": {}, "eps_greedy_0.1": {}}},
 "contexts": {"spec": {"kind": "disjoint linear", "theta": [[1, 0.5], [-1, 2]], "noise_sd": 0.1, "ridge_lambda": 1},
  "cum_regret": {"linucb_0.5": {}, "lints_0.5": {}, "eps_0.1": {}, "random": {}}},
 "clicks": {"spec": {"kind": "disjoint logistic", "theta": [[1, 0.5], [-1, 2]]}, "cum_regret": {"linucb_0.5": {}}},
 "actions": {"spec": {"kind": "shared linear", "theta": [1, -2, 0.5], "K": 4, "d": 3, "noise_sd": 0.1},
  "cum_regret": {"linucb_0.5": {}, "lints_0.5": {}, "eps_0.1": {}, "random": {}}},
 "lists": {"spec": {"kind": "cascade", "p": [0.5, 0.4, 0.1, 0.05, 0.05, 0.05], "list_len": 2},
  "cum_regret": {"random": {}, "cascade_ucb1": {}, "cascade_klucb": {}, "cascade_ts": {}}}}}`

type line struct {
	Env, Policy string
	Rounds      int
	Mean, SE    float64
}

func linesOf(t *testing.T, text string) (all []line, regret map[string]line) {
	t.Helper()
	regret = map[string]line{}
	for text := range strings.Lines(text) {
		var l line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, l)
		regret[l.Env+" "+l.Policy+" "+strconv.Itoa(l.Rounds)] = l
	}
	return all, regret
}

func TestLearningBeatsChance(t *testing.T) {
	code, stdout, stderr := program("-golden", write(t, small), "-json")
	if code != 0 || !strings.Contains(stderr, "runs: 264 in") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	all, regret := linesOf(t, stdout)
	if len(all) != 44 || all[0].Env != "late" || all[0].Policy != "ts_beta11" || all[0].Rounds != 40 || all[43].Policy != "cascade_ts" {
		t.Fatalf("%d lines, the first %v; want 2 for each of 22 games, in the order of the file", len(all), all[0])
	}
	for env, policies := range map[string]string{
		"late": "ts_beta11", "contexts": "linucb_0.5 lints_0.5 eps_0.1", "actions": "linucb_0.5 lints_0.5 eps_0.1",
		"lists": "cascade_ucb1 cascade_klucb cascade_ts",
	} {
		chance := regret[env+" random 300"]
		for _, policy := range strings.Fields(policies) {
			if got := regret[env+" "+policy+" 300"]; !(got.Mean+3*math.Hypot(got.SE, chance.SE) < chance.Mean) {
				t.Errorf("%s %s: regret %v; want less than %v at random", env, policy, got, chance)
			}
		}
	}
	// The regret of chance is known: it is what the means are below the best.
	p, miss := []float64{0.5, 0.4, 0.1, 0.05, 0.05, 0.05}, 0.0
	for i := range p {
		for j := range i {
			miss += (1 - p[i]) * (1 - p[j]) / 15
		}
	}
	for name, want := range map[string]float64{
		"late random 300": 50*0.25 + 250*0.3, "lists random 40": 40 * (miss - 0.3),
	} {
		if got := regret[name]; math.Abs(got.Mean-want) > 4*got.SE {
			t.Errorf("%s: regret %v; want %v", name, got, want)
		}
	}
	if ts, dts := regret["change ts_beta11 300"], regret["change dts_gamma0.9 300"]; !(dts.Mean < ts.Mean/2) {
		t.Errorf("rewards change: discounted %v, not discounted %v", dts, ts)
	}
}

func TestNothingDependsOnTheNumberOfWorkers(t *testing.T) {
	name := write(t, small)
	_, one, _ := program("-golden", name, "-json", "-workers", "1", "-runs", "5")
	_, three, _ := program("-golden", name, "-json", "-workers", "3", "-runs", "5")
	_, other, _ := program("-golden", name, "-json", "-workers", "3", "-runs", "5", "-seed", "2")
	if one != three || one == other || one == "" {
		t.Errorf("1 worker:\n%s3 workers:\n%sanother seed:\n%s", one, three, other)
	}
}

func TestOneGameIsThatOfAll(t *testing.T) {
	name := write(t, small)
	_, all, _ := program("-golden", name, "-json")
	_, one, _ := program("-golden", name, "-json", "-env", "batch", "-policy", "klucb", "-rounds", "100")
	if one == "" || !strings.Contains(all, one) || strings.Count(one, "\n") != 1 {
		t.Errorf("%q is not among the lines of all", one)
	}
	_, some, _ := program("-golden", name, "-json", "-policy", "random", "-rounds", "40")
	if got, _ := linesOf(t, some); len(got) != 4 {
		t.Errorf("-policy random: %d games; want those of 4 environments", len(got))
	}
	code, own, stderr := program("-golden", name, "-env", "late", "-policy", "ts_beta0.5,2")
	if code != 0 || strings.Contains(own, "above the reference") {
		t.Errorf("a policy of one's own: exit code %d, %s%s", code, own, stderr)
	}
}

func TestTableAndPageCompareWithTheReference(t *testing.T) {
	page := filepath.Join(t.TempDir(), "r.html")
	code, stdout, stderr := program("-golden", write(t, small), "-report", page, "-runs", "2")
	if code != 0 || !strings.Contains(stdout, "1 of 2 checkpoints are above the reference") || strings.Count(stdout, "  above\n") != 1 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	html, err := os.ReadFile(page)
	if err != nil || strings.Count(string(html), "<svg") < 7 || !strings.Contains(string(html), "cascade_klucb") {
		t.Errorf("a page of %d bytes, error %v; want a chart for each environment", len(html), err)
	}
}

func TestThompson(t *testing.T) {
	name := write(t, `{"beta": [{"alpha_beta": [[1, 1], [1, 1]]}], "normal": [{"mu_sigma": [[0, 1], [0, 1]], "p_best": [0.5, 0.5]}]}`)
	code, stdout, stderr := program("-thompson", name, "-json")
	want := `{"case":0,"family":"beta","p_best":[0.5,0.5]}` + "\n" + `{"case":0,"family":"normal","p_best":[0.5,0.5]}` + "\n"
	if code != 0 || len(stdout) < len(want)-10 || !strings.HasPrefix(stdout, `{"case":0,"family":"beta","p_best":[0.`) {
		t.Errorf("exit code %d, %q, %s; want %q", code, stdout, stderr, want)
	}
	if code, stdout, _ := program("-thompson", name); code != 0 || strings.Count(stdout, "off the reference") != 1 {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

func TestGoldenThompson(t *testing.T) {
	name := reference.Dir(t, "golden", "bandit", "thompson_exact.json")
	var want posteriors
	text, err := readJSON(name, &want)
	if err != nil || len(text) == 0 {
		t.Fatal(err)
	}
	_, stdout, _ := program("-thompson", name, "-json")
	cases := 0
	for text := range strings.Lines(stdout) {
		var got struct {
			Case   int
			Family string
			Best   []float64 `json:"p_best"`
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		var p []float64
		if got.Family == "beta" {
			p = want.Beta[got.Case].Best
		} else {
			p = want.Normal[got.Case].Best
		}
		cases++
		for i := range p {
			if math.Abs(p[i]-got.Best[i]) > 1e-6 {
				t.Errorf("%s %d: P(best) of arm %d is %v; want %v", got.Family, got.Case, i, got.Best[i], p[i])
			}
		}
	}
	if cases != len(want.Beta)+len(want.Normal) || cases == 0 {
		t.Errorf("%d cases; want %d", cases, len(want.Beta)+len(want.Normal))
	}
}

// Regret of all environments and policies of the reference is not above it by more than 3 joint standard errors.
func TestGoldenRegret(t *testing.T) {
	if race.Enabled {
		t.Skip("plays up to a hundred million rounds")
	}
	name := reference.Dir(t, "golden", "bandit", "regret.json")
	args := []string{"-golden", name, "-json", "-runs", "100"}
	if testing.Short() {
		args = []string{"-golden", name, "-json", "-runs", "20", "-rounds", "1000"}
	}
	f, err := read(name)
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := program(args...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	all, regret := linesOf(t, stdout)
	games := 0
	for _, e := range f.Envs {
		games += len(e.Regret)
	}
	if len(all) < 2*games || games < 40 || len(f.Envs) < 10 {
		t.Errorf("%d lines of %d games in %d environments", len(all), games, len(f.Envs))
	}
	for _, l := range all {
		want := f.Envs[l.Env].Regret[l.Policy][strconv.Itoa(l.Rounds)]
		if !(l.Mean <= want.Mean+tolerance*math.Hypot(l.SE, want.SE)) {
			t.Errorf("%s %s after %d rounds: regret %.2f ± %.2f, reference %.2f ± %.2f", l.Env, l.Policy, l.Rounds, l.Mean, l.SE, want.Mean, want.SE)
		}
	}
	if testing.Short() {
		return
	}
	plain, discounted := regret["bern_abrupt ts_beta11 10000"], regret["bern_abrupt dts_gamma0.995 10000"]
	if !(discounted.Mean <= plain.Mean/4) {
		t.Errorf("abrupt change: discounted Thompson sampling %v, plain %v; want a quarter at most", discounted, plain)
	}
}
