package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/rerank"
)

// call runs the program.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

// object is a line of -json.
type object struct {
	Estimator           string
	Value, Lower, Upper *float64
	ESS                 *float64
	Verdict             *string
	Lambda              any
	Of, Reason          string
}

// judged runs the program and reads its lines by name.
func judged(t *testing.T, args ...string) map[string]object {
	t.Helper()
	code, out, errs := call(append(args, "-json")...)
	require.Zero(t, code, errs)
	lines := map[string]object{}
	for line := range strings.Lines(out) {
		var o object
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		lines[o.Estimator] = o
	}
	return lines
}

func TestGoldenFiles(t *testing.T) {
	dir := reference.Dir(t, "golden/ope")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var f struct{ Expected map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal(text, &f))
		if f.Expected == nil {
			continue
		}
		found++
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := judged(t, "-golden", file)
			asked := 0
			check := func(name string, value, lambda any) {
				asked++
				o, ok := got[name]
				require.True(t, ok, name)
				want, known := value.(float64)
				if !known {
					return
				}
				require.NotNil(t, o.Value, name)
				require.InEpsilon(t, want, *o.Value, 1e-9, name)
				require.NotNil(t, o.Verdict)
				if lambda != nil {
					require.Equal(t, lambda, o.Lambda, name)
				}
			}
			for name, raw := range f.Expected {
				var v any
				require.NoError(t, json.Unmarshal(raw, &v))
				part, ok := v.(map[string]any)
				switch {
				case !ok:
					if _, number := v.(float64); number && f.Expected["estimates"] == nil {
						check(name, v, nil)
					}
				case name == "estimates" || name == "bounds":
					for n, w := range part {
						check(n, w, nil)
					}
				case name == "tuned":
					for n, w := range part {
						check(n, w.(map[string]any)["value"], w.(map[string]any)["best"])
					}
				}
			}
			require.Equal(t, asked, len(got))
			require.Positive(t, asked)
		})
	}
	if found == 0 {
		t.Skip("no file with expected values")
	}
}

// write writes a file of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const single = `{"n_actions": 2, "reward": [1, 0, 1, 1], "action": [0, 1, 0, 1],
"pscore": [0.5, 0.5, 0.5, 0.5],
"action_dist": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]%s}`

func TestWhatTheFileLacksIsNull(t *testing.T) {
	got := judged(t, "-golden", write(t, "f.json", fmt.Sprintf(single, "")))
	require.Len(t, got, len(allEstimates)+len(allTuned)+len(allBounds))
	require.Equal(t, 0.75, *got["ipw"].Value)
	require.Equal(t, "unreliable", *got["ipw"].Verdict)
	for _, name := range []string{"dm", "dr", "sndr", "dros_1", "dr_slope"} {
		require.Nil(t, got[name].Value, name)
		require.Nil(t, got[name].Verdict, name)
		require.Contains(t, got[name].Reason, "q_hat")
	}
	got = judged(t, "-golden", write(t, "f.json", fmt.Sprintf(single, `, "expected": {"estimates": {"ipw": 1, "magic": 2}, "tuned": {"ipw_slope": {"lambdas": ["inf", 2]}}}`)))
	require.Len(t, got, 3)
	require.Nil(t, got["magic"].Value)
	require.Contains(t, got["magic"].Reason, "no such")
	require.NotNil(t, got["ipw_slope"].Lambda)

	loggers := strings.Replace(fmt.Sprintf(single, `, "stratum_idx": [0, 0, 1, 1]`), `"n_actions"`, `"pscore_avg": [0.5, 0.5, 0.5, 0.5], "n_actions"`, 1)
	got = judged(t, "-golden", write(t, "m.json", loggers), "-interval", "bernstein")
	require.NotNil(t, got["balanced_ipw"].Value)
	require.Nil(t, got["weighted_ipw"].Value)
	require.Contains(t, got["weighted_ipw"].Reason, "bernstein")

	free := `{"n_actions": 3, "len_list": 2, "reward": [1, 0], "action": [0, 1], "position": [1, 0], "pscore": [0.5, 0.5],
		"action_dist": [[1, 0.5], [0, 0.5], [0, 0]], "q_hat": [1, 0, 0]}`
	got = judged(t, "-golden", write(t, "c.json", free))
	require.Equal(t, 0.5, *got["ipw"].Value) // (.5/.5·1 + 0/.5·0)/2
	require.Equal(t, 0.75, *got["dm"].Value)
	got = judged(t, "-golden", write(t, "c.json", strings.Replace(free, `"position": [1, 0], `, "", 1)))
	require.Equal(t, 1.0, *got["ipw"].Value, "all at the first position")

	slates := `{"slate_id": [7, 7, 9], "position": [0, 1, 0], "reward": [1, 0, 1], "pscore": [0.25, 0.25, 0.5], "eval_pscore": [0.5, 0.5, 0.25]}`
	got = judged(t, "-golden", write(t, "s.json", slates))
	require.Len(t, got, 7)
	require.InDelta(t, (2*1+0.5*1)/2, *got["sips"].Value, 1e-15)
	require.Nil(t, got["rips"].Value)
	require.Contains(t, got["iips"].Reason, "pscore_item_position")
}

func TestBadInputExitsWithTwoAndAReason(t *testing.T) {
	bad := map[string]string{
		"empty":            "",
		"no object":        "[1, 2]",
		"bare NaN":         "{\"reward\": [1],\n\"action\": [0], \"pscore\": [NaN]}",
		"text for numbers": "{\"reward\": [1],\n\"pscore\": [\"x\"]}",
		"no reward":        `{"action": [0]}`,
		"no policy":        `{"reward": [1], "action": [0], "pscore": [1]}`,
		"propensity 0":     strings.Replace(fmt.Sprintf(single, ""), "[0.5, 0.5, 0.5, 0.5]", "[0.5, 0, 0.5, 0.5]", 1),
		"propensity 2":     strings.Replace(fmt.Sprintf(single, ""), "[0.5, 0.5, 0.5, 0.5]", "[0.5, 2, 0.5, 0.5]", 1),
		"short column":     strings.Replace(fmt.Sprintf(single, ""), "[0.5, 0.5, 0.5, 0.5]", "[0.5, 0.5]", 1),
		"short table":      strings.Replace(fmt.Sprintf(single, ""), "[0.5, 0.5], ", "", 1),
		"ragged table":     strings.Replace(fmt.Sprintf(single, ""), "[0.5, 0.5], ", "[0.5], ", 1),
		"strange action":   strings.Replace(fmt.Sprintf(single, ""), "[0, 1, 0, 1]", "[0, 1, 0, 5]", 1),
		"bad model":        fmt.Sprintf(single, `, "q_hat": [1, 2]`),
		"bad lambdas":      fmt.Sprintf(single, `, "expected": {"tuned": {"ipw_mse": {"lambdas": ["x"]}}}`),
		"many actions":     strings.Replace(fmt.Sprintf(single, ""), `"n_actions": 2`, `"n_actions": 4611686018427387904`, 1),
		"slate broken":     `{"slate_id": [1, 2, 1], "reward": [1, 0, 1], "pscore": [0.5, 0.5, 0.5], "eval_pscore": [0.5, 0.5, 0.5]}`,
		"slate positions":  `{"slate_id": [1, 1], "position": [0, 2], "reward": [1, 0], "pscore": [0.5, 0.5], "eval_pscore": [0.5, 0.5]}`,
		"slate pscore":     `{"slate_id": [1, 1], "position": [0, 1], "reward": [1, 0], "pscore": [0.5, 0.4], "eval_pscore": [0.5, 0.5]}`,
		"slate short":      `{"slate_id": [1, 1], "reward": [1, 0], "pscore": [0.5], "eval_pscore": [0.5, 0.5]}`,
		"slate empty":      `{"slate_id": [1, 1], "reward": [1, 0], "pscore": [], "eval_pscore": [0.5, 0.5, 0.5]}`,
		"slate cascade":    `{"slate_id": [1, 1], "reward": [1, 0], "pscore_cascade": [0.5, 0.6], "eval_pscore_cascade": [0.5, 0.5]}`,
	}
	for name, text := range bad {
		path := write(t, "bad.json", text)
		code, out, errs := call("-golden", path, "-json")
		require.Equal(t, 2, code, name)
		require.Empty(t, out, name)
		require.Contains(t, errs, path, name)
		require.Greater(t, len(errs), len(path)+20, name)
	}
	_, _, errs := call("-golden", write(t, "bad.json", bad["propensity 0"]))
	require.Contains(t, errs, "row 1 (from 0): pscore is 0; want in (0, 1]")
	_, _, errs = call("-golden", write(t, "bad.json", bad["bare NaN"]))
	require.Contains(t, errs, "bad.json:2: ")
	for _, args := range [][]string{
		{},
		{"-golden", "a", "-log", "b"},
		{"-log", "b"},
		{"-golden", "/none"},
		{"-nonsense"},
		{"stray"},
		{"-golden", "a", "-target", "pl:1"},
		{"-golden", "a", "-level", "2"},
		{"-golden", "a", "-interval", "wide"},
		{"-golden", "a", "-report", "/none/x.html"},
		{"-log", "b", "-target", "pl:1", "-model", "deep"},
		{"-log", "b", "-target", "pl:1", "-folds", "1"},
		{"-log", "b", "-target", "pl:1", "-depth", "-1"},
		{"-log", "/none", "-target", "pl:1"},
		{"-log", t.TempDir(), "-target", "pl:1"},
	} {
		code, out, errs := call(args...)
		require.Equal(t, 2, code, "%v", args)
		require.Empty(t, out)
		require.NotEmpty(t, errs)
	}
}

// serve writes the log of a pipeline to a folder: 2 of 8 items, clicks by item.
func serve(t *testing.T, n int, level recsys.LogLevel, opts ...recsys.Option) string {
	t.Helper()
	dir := t.TempDir()
	sink, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{Block: true})
	require.NoError(t, err)
	p, err := recsys.NewPipeline(append(opts,
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for i := range 8 {
				out.Add(recsys.ItemID(i), float32(-i))
			}
			return nil
		})),
		recsys.Features(recsys.FeatureFunc{
			Cols: []recsys.Column{{Name: "number"}, {Name: "creator", Kind: recsys.ID}},
			Func: func(_ context.Context, _ *recsys.Query, ids []recsys.ItemID, out *recsys.Block) error {
				for i, id := range ids {
					out.FloatRow(i)[0] = float32(id)
					out.ID[0][i] = uint64(id)/2 + 1
				}
				return nil
			},
		}),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i, id := range c.IDs() {
				out.Score[i] = float32(id) / 8
			}
			return nil
		})),
		recsys.Log(sink, level))...).Build()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range n {
		now = now.Add(time.Second)
		res, err := p.Recommend(context.Background(), &recsys.Request{ID: fmt.Sprint("r", i), User: recsys.UserID(i % 50), K: 2, Now: now})
		require.NoError(t, err)
		for _, x := range res.Items {
			if rng.Float64() < clicked(x.ID) {
				require.NoError(t, sink.LogFeedback(context.Background(), &recsys.Feedback{Request: res.ID, Item: x.ID, Kind: recsys.Click, Value: 3, Time: now}))
			}
		}
	}
	require.NoError(t, p.Close(context.Background()))
	return dir
}

func clicked(id recsys.ItemID) float64 { return 0.1 + 0.05*float64((id*5)%8) }

func TestPoliciesAreJudgedOnALog(t *testing.T) {
	dir := serve(t, 3000, recsys.LogFull, recsys.Explore(bandit.PlackettLuce(0.5)))
	uniform := 0.0
	for i := range 8 {
		uniform += clicked(recsys.ItemID(i)) / 8
	}
	for name, want := range map[string][2]float64{ // per slate, at the first place
		"uniform": {2 * uniform, uniform},
		"greedy":  {clicked(7) + clicked(6), clicked(7)},
	} {
		got := judged(t, "-log", dir, "-target", name, "-model", "boosted")
		require.Len(t, got, 10)
		for estimator, o := range got {
			w := want[1]
			if o.Of == "slate" {
				w = want[0]
			}
			require.InDelta(t, w, *o.Value, 2.2*(*o.Upper-*o.Lower)+0.02, "%s by %s", name, estimator)
		}
	}
	pl := judged(t, "-log", dir, "-target", "pl:0.4")
	require.Len(t, pl, 6)
	require.Equal(t, pl, judged(t, "-log", dir, "-target", "softmax:0.4"))
	require.Equal(t, "reliable", *pl["snrips"].Verdict)
	own := judged(t, "-log", dir, "-target", "pl:0.5", "-reward", "sum:click")
	plain := judged(t, "-log", dir, "-target", "pl:0.5")
	require.InEpsilon(t, 3**plain["sips"].Value, *own["sips"].Value, 1e-9)
	require.InEpsilon(t, 3000, *plain["sips"].ESS, 1e-9)
	places := judged(t, "-log", dir, "-target", "uniform", "-positions")
	require.Len(t, places, 8)
	require.InDelta(t, 2*uniform, *places["sniips"].Value, 0.1)
	linear := judged(t, "-log", dir, "-target", "pl:0.4", "-model", "linear", "-interval", "bootstrap")
	require.InDelta(t, *pl["ips"].Value, *linear["dr"].Value, 0.1)
	code, _, errs := call("-log", dir, "-target", "pl:0.4", "-model", "linear", "-reward", "sum:click")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "-model boosted")

	code, out, errs := call("-log", dir, "-target", "pl:0.4")
	require.Zero(t, code, errs)
	require.Contains(t, out, "snrips, slate")
	require.Contains(t, errs, "3000 judged")
}

func TestALogUnderACapIsJudgedUnderIt(t *testing.T) {
	dir := serve(t, 300, recsys.LogFull, recsys.Explore(bandit.EpsilonGreedy(0.5)), recsys.Constrain(rerank.MaxPer("creator", 1)), recsys.Depth(6))
	code, _, errs := call("-log", dir, "-target", "uniform")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "-max-per")
	got := judged(t, "-log", dir, "-target", "eps:0.5", "-max-per", "creator:1", "-depth", "6")
	require.InEpsilon(t, 300, *got["sips"].ESS, 1e-9)
	code, _, _ = call("-log", dir, "-target", "uniform", "-max-per", "creator")
	require.Equal(t, 2, code)
}

// ring is an explorer that the program does not know.
type ring struct{}

func (ring) Explore(c context.Context, q *recsys.Query, t *recsys.Candidates, s *recsys.Slate) error {
	return bandit.Uniform{}.Explore(c, q, t, s)
}

func TestAnUnknownLoggerMustBeNamed(t *testing.T) {
	dir := serve(t, 200, recsys.LogFull, recsys.Explore(ring{}))
	code, _, errs := call("-log", dir, "-target", "uniform")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "-unproven")
	for _, args := range [][]string{{"-logger", "uniform"}, {"-unproven"}} {
		got := judged(t, append([]string{"-log", dir, "-target", "uniform"}, args...)...)
		require.InEpsilon(t, 200, *got["sips"].ESS, 1e-9)
	}
}

func TestAFileOfPropensitiesIsAPolicy(t *testing.T) {
	dir := serve(t, 200, recsys.LogSlate, recsys.Explore(bandit.Uniform{}))
	var table strings.Builder
	for i := range 200 {
		fmt.Fprintf(&table, "{\"id\":\"r%d\",\"propensities\":[%v,%v]}\n", i, 0.125, 1.0/7)
	}
	got := judged(t, "-log", dir, "-target", write(t, "table.jsonl", table.String()))
	require.InEpsilon(t, 200, *got["sips"].ESS, 1e-9)
	for name, text := range map[string]string{
		"empty": "", "no JSON": "x\n", "no id": `{"propensities":[1]}`, "above 1": `{"id":"r0","propensities":[2,0]}`,
		"twice": `{"id":"a","propensities":[1]}` + "\n" + `{"id":"a","propensities":[1]}`, "too few": `{"id":"r0","propensities":[0.5]}`,
		"unknown": `{"id":"x","propensities":[0.5]}`,
	} {
		code, out, errs := call("-log", dir, "-target", write(t, "table.jsonl", text))
		require.Equal(t, 2, code, name)
		require.Empty(t, out, name)
		require.NotEmpty(t, errs, name)
	}
	code, _, _ := call("-log", dir, "-target", write(t, "table.jsonl", table.String()), "-model", "linear")
	require.Equal(t, 2, code)
	// A policy that draws from all candidates cannot be judged on records of some.
	dir = serve(t, 5, recsys.LogSlate, recsys.Explore(bandit.Uniform{}))
	code, _, errs := call("-log", dir, "-target", "pl:1")
	if code == 0 { // eight candidates fit the sample
		return
	}
	require.Equal(t, 2, code)
	require.Contains(t, errs, "partial")
}

func TestLogsThatCannotBeJudgedExitWithTwo(t *testing.T) {
	code, out, errs := call("-log", serve(t, 5, recsys.LogFull), "-target", "uniform")
	require.Equal(t, 2, code)
	require.Empty(t, out)
	require.Contains(t, errs, "without chance")
	code, _, errs = call("-log", write(t, "x.jsonl", "{\"type\":\"exposure\",\"v\":1,\"id\":\"x\",\"user\":\"1\"}\n{broken}\n"), "-target", "uniform")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "x.jsonl:2")
	code, _, errs = call("-log", write(t, "x.jsonl", `{"type":"exposure","v":9}`+"\n"), "-target", "uniform")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "x.jsonl:1")
	for _, model := range []string{"none", "linear"} {
		code, _, errs = call("-log", write(t, "x.jsonl", ""), "-target", "uniform", "-model", model)
		require.Equal(t, 2, code)
		require.Contains(t, errs, "the log is empty")
	}
	dir := serve(t, 5, recsys.LogFull, recsys.Explore(bandit.Uniform{}))
	for _, args := range [][]string{{"-target", "pl:x"}, {"-target", "pl:-1"}, {"-target", "uniform:2"}, {"-target", "uniform", "-reward", "fame"}, {"-target", "uniform", "-logger", "me"}, {"-target", "/none"}, {"-target", "pl:1", "-unproven", "-positions"}} {
		code, _, errs := call(append([]string{"-log", dir}, args...)...)
		require.Equal(t, 2, code, "%v: %s", args, errs)
	}
}

// A logger without chance is refused as that, whatever the flags; no flag would help.
func TestALogWithoutChanceIsRefusedBeforeFlagsAreAdvised(t *testing.T) {
	ucb, err := bandit.New(bandit.UCB1{}, bandit.Config{})
	require.NoError(t, err)
	dir := serve(t, 5, recsys.LogFull, recsys.Explore(ucb))
	for _, more := range [][]string{nil, {"-unproven"}, {"-logger", "eps:0.1"}} {
		code, out, errs := call(append([]string{"-log", dir, "-target", "uniform"}, more...)...)
		require.Equal(t, 2, code)
		require.Empty(t, out)
		require.Contains(t, errs, "without chance")
		require.NotContains(t, errs, "-unproven")
	}
}

func TestUnprovenRefusesRowsBeyondTheWindow(t *testing.T) {
	dir := serve(t, 300, recsys.LogFull, recsys.Explore(bandit.Uniform{}), recsys.Depth(7))
	for _, depth := range []string{"2", "6"} {
		code, out, errs := call("-log", dir, "-target", "uniform", "-unproven", "-depth", depth)
		require.Equal(t, 2, code)
		require.Empty(t, out)
		require.Contains(t, errs, "beyond the "+depth)
		require.Contains(t, errs, "by -depth")
	}
	got := judged(t, "-log", dir, "-target", "uniform", "-unproven", "-depth", "7")
	require.InEpsilon(t, 300, *got["sips"].ESS, 1e-9)
}

func TestAKindOfFeedbackThatTheLogLacksIsRefused(t *testing.T) {
	dir := serve(t, 200, recsys.LogFull, recsys.Explore(bandit.Uniform{}))
	for _, args := range [][]string{{"-reward", "purchase"}, {"-reward", "sum:purchase"}, {"-reward", "purchase", "-model", "linear"}} {
		code, out, errs := call(append([]string{"-log", dir, "-target", "uniform"}, args...)...)
		require.Equal(t, 2, code, errs)
		require.Empty(t, out)
		require.Contains(t, errs, "no such feedback in the log: its records have click")
	}
}

func TestAModelNeedsFeatureColumns(t *testing.T) {
	dir := t.TempDir()
	sink, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{Block: true})
	require.NoError(t, err)
	p, err := recsys.NewPipeline(
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			out.Add(1, 2)
			out.Add(2, 1)
			return nil
		})),
		recsys.Explore(bandit.Uniform{}), recsys.Log(sink, recsys.LogFull)).Build()
	require.NoError(t, err)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 40 {
		res, err := p.Recommend(context.Background(), &recsys.Request{ID: fmt.Sprint("r", i), User: recsys.UserID(i % 10), K: 1, Now: now})
		require.NoError(t, err)
		require.NoError(t, sink.LogFeedback(context.Background(), &recsys.Feedback{Request: res.ID, Item: res.Items[0].ID, Kind: recsys.Click, Time: now}))
	}
	require.NoError(t, p.Close(context.Background()))
	require.Len(t, judged(t, "-log", dir, "-target", "uniform"), 6)
	for _, model := range []string{"linear", "boosted"} {
		code, out, errs := call("-log", dir, "-target", "uniform", "-model", model)
		require.Equal(t, 2, code, errs)
		require.Empty(t, out)
		require.Contains(t, errs, "-model "+model+": the records hold no feature columns")
		require.NotContains(t, errs, "fold")
	}
}

func TestReportDrawsTheEstimates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	code, out, errs := call("-golden", write(t, "f.json", fmt.Sprintf(single, "")), "-report", path)
	require.Zero(t, code, errs)
	require.Contains(t, out, "snips")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "<svg")
	require.Contains(t, string(text), "Tails of the weights")
}

func TestGzipIsRead(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := fmt.Fprintf(z, single, "")
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.InDelta(t, 0.75, *judged(t, "-golden", write(t, "f.json.gz", packed.String()))["ipw"].Value, 1e-15)
}

func TestInfinitelyManyIsSpelledOut(t *testing.T) {
	b, err := line{name: "x", known: true, tuned: true, lambda: math.Inf(1)}.object().MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(b), `"lambda":"inf"`)
}

// FuzzSlices: whatever a file holds, there is a result or an error of input.
func FuzzSlices(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(single, "")))
	f.Add([]byte(fmt.Sprintf(single, `, "q_hat": [[0, 0], [0, 1], [1, 0], [1, 1]], "expected": {"estimates": {"dr": 1}, "tuned": {"dr_slope": {"lambdas": ["inf", 1]}}, "bounds": {"hoeffding_lower_ipw": 0}}`)))
	f.Add([]byte(`{"n_actions": 3, "len_list": 2, "reward": [1, 0], "action": [0, 1], "position": [1, 0], "pscore": [0.5, 0.5], "action_dist": [[1, 0.5], [0, 0.5], [0, 0]], "q_hat": [1, 0, 0]}`))
	f.Add([]byte(`{"slate_id": [7, 7, 9], "position": [0, 1, 0], "reward": [1, 0, 1], "action": [0, 1, 1], "pscore_cascade": [0.5, 0.25, 0.5], "eval_pscore_cascade": [0.5, 0.5, 0.25],
		"q_hat": [[[0, 1], [1, 1]], [[0, 1]]], "eval_action_dist": [[[0, 1], [1, 1]], [[0, 1]]]}`))
	f.Add([]byte(`{"reward": [1, 0], "action": [0, 1], "stratum_idx": [0, 1], "pscore": [0.5, 0.5], "pscore_avg": [0.5, 0.5], "action_dist": [[1, 0], [0, 1]]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o := &options{level: 0.95}
		o.opt.Workers = 1
		file, err := parseSlices("f", text)
		var r *results
		if err == nil {
			r, err = o.judgeFile(file)
		}
		if err != nil {
			require.Equal(t, 2, cli.ExitCode(err), err)
			return
		}
		require.NoError(t, r.writeJSON(io.Discard))
		require.NoError(t, r.print(io.Discard))
	})
}
