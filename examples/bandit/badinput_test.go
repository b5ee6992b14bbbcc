package main

import (
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	good := write(t, small)
	env := func(spec, regret string) []string {
		return []string{"-golden", write(t, `{"runs": 2, "checkpoints": [10], "envs": {"e": {"spec": `+spec+`, "cum_regret": {`+regret+`}}}}`)}
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"want -golden or -thompson", nil},
		{"want -golden or -thompson", []string{"-golden", good, "-thompson", good}},
		{"not defined: -nope", []string{"-nope"}},
		{"-runs is 1", []string{"-golden", good, "-runs", "1"}},
		{"-rounds is -1", []string{"-golden", good, "-rounds", "-1"}},
		{"-rounds is 3", []string{"-golden", good, "-rounds", "3"}},
		{"-report draws regret", []string{"-thompson", good, "-report", "x.html"}},
		{"there is no folder", []string{"-golden", good, "-report", "no/such/x.html"}},
		{"no such file", []string{"-golden", "absent.json"}},
		{"no such file", []string{"-thompson", "absent.json"}},
		{`-env is "x"; want all or one of late,`, []string{"-golden", good, "-env", "x"}},
		{`-policy is "x", which no environment`, []string{"-golden", good, "-policy", "x"}},
		{`policy "x" is unknown`, []string{"-golden", good, "-policy", "x", "-env", "late"}},
		{`policy "ucb1" is none for a cascade`, []string{"-golden", good, "-policy", "ucb1", "-env", "lists"}},
		{`policy "ucb1" is unknown for linear`, []string{"-golden", good, "-policy", "ucb1", "-env", "contexts"}},
		{`MeanGreedy.Epsilon is 1.5`, []string{"-golden", good, "-policy", "eps_1.5", "-env", "late"}},
		{`"linucb_Inf" is unknown`, []string{"-golden", good, "-policy", "linucb_Inf", "-env", "contexts"}},
		{`"eps_NaN" is unknown`, []string{"-golden", good, "-policy", "eps_NaN", "-env", "contexts"}},
		{`"softmax_0" is unknown`, []string{"-golden", good, "-policy", "softmax_0", "-env", "late"}},
		{`"ts_beta0" is unknown`, []string{"-golden", good, "-policy", "ts_beta0", "-env", "late"}},
		{`regret.json:3: invalid character`, []string{"-golden", write(t, "{\n\"runs\": 3,\nnull}")}},
		{`regret.json:2: json: cannot unmarshal`, []string{"-golden", write(t, "{\n\"runs\": \"many\"}")}},
		{"checkpoints is []", []string{"-golden", write(t, "{}")}},
		{"checkpoints is [5 3]", []string{"-golden", write(t, `{"checkpoints": [5, 3]}`)}},
		{"envs is empty", []string{"-golden", write(t, `{"checkpoints": [3]}`)}},
		{"envs.e is null", []string{"-golden", write(t, `{"checkpoints": [3], "envs": {"e": null}}`)}},
		{`"e" comes twice`, []string{"-golden", write(t, `{"checkpoints": [3], "envs": {"e": {}, "e": {}}}`)}},
		{"runs is 0", []string{"-golden", write(t, `{"checkpoints": [3], "envs": {"e": {"spec": {"kind": "bernoulli", "p": [1]}, "cum_regret": {"ucb1": {}}}}}`)}},
		{`kind is "casino"`, env(`{"kind": "casino"}`, "")},
		{"p is empty", env(`{"kind": "bernoulli"}`, "")},
		{"p[1] is 1.5", env(`{"kind": "bernoulli", "p": [0, 1.5]}`, "")},
		{"p_phases[1] has 1 arms", env(`{"kind": "bernoulli", "p_phases": [[0, 1], [1]], "period": 2}`, "")},
		{"period is 0", env(`{"kind": "bernoulli", "p_phases": [[0, 1], [1, 0]]}`, "")},
		{"delay_rounds -2", env(`{"kind": "bernoulli", "p": [0.5], "delay_rounds": -2}`, "")},
		{"arm_available_after_round is [3]", env(`{"kind": "bernoulli", "p": [0.5], "arm_available_after_round": [3]}`, "")},
		{"theta: want", env(`{"kind": "disjoint linear"}`, "")},
		{"theta[1] has 1 numbers", env(`{"kind": "disjoint linear", "theta": [[1, 2], [1]]}`, "")},
		{"noise_sd is -1", env(`{"kind": "disjoint linear", "theta": [[1, 2]], "noise_sd": -1}`, "")},
		{`context is "x~U"`, env(`{"kind": "disjoint linear", "theta": [[1, 2]], "context": "x~U"}`, "")},
		{"K is 0", env(`{"kind": "shared linear", "theta": [1, 2]}`, "")},
		{"d is 3", env(`{"kind": "shared linear", "theta": [1, 2], "K": 2, "d": 3}`, "")},
		{"theta: want a list", env(`{"kind": "shared linear", "theta": [[1, 2]], "K": 2}`, "")},
		{"list_len is 3", env(`{"kind": "cascade", "p": [0.5], "list_len": 3}`, "")},
		{`envs.e.cum_regret: policy "x" is unknown`, env(`{"kind": "bernoulli", "p": [0.5]}`, `"x": {}`)},
		{"beta and normal are empty", []string{"-thompson", good}},
		{"beta[0]: bandit: BestBeta: alpha[0] is -1", []string{"-thompson", write(t, `{"beta": [{"alpha_beta": [[-1, 1]]}]}`)}},
		{"normal[0] has 1 arms and 2", []string{"-thompson", write(t, `{"normal": [{"mu_sigma": [[1, 1]], "p_best": [1, 1]}]}`)}},
	} {
		if code, stdout, stderr := program(c.args...); code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q, %q; want 2 with %q", c.args, code, stderr, stdout, c.want)
		}
	}
}
