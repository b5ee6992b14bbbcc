package objective_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/objective"
)

const labelsJSON = `{
  "name": "home",
  "version": "1",
  "heads": [
    {"head": "click", "rules": [
      {"kind": "click", "label": 1},
      {"kind": "impression", "label": 0}
    ]},
    {"head": "long-dwell", "rules": [
      {"kind": "dwell", "at_least": 30, "label": 1},
      {"kind": "dwell", "below": 5, "label": 0.1},
      {"kind": "click", "unknown": true},
      {"kind": "impression", "label": 0}
    ]},
    {"head": "value", "rules": [{"kind": "purchase", "value": true, "transform": "log1p"}]}
  ]
}`

func standard(t testing.TB) *objective.Labeler {
	t.Helper()
	c, err := objective.StandardLabels(30, 5, 0.1)
	require.NoError(t, err)
	l, err := objective.NewLabeler(c)
	require.NoError(t, err)
	return l
}

func ev(kind string, value ...float64) objective.Event {
	e := objective.Event{Kind: kind}
	if len(value) > 0 {
		e.Value = value[0]
	}
	return e
}

// The table of the doc comment of StandardLabels, case by case.
func TestStandardLabels(t *testing.T) {
	l := standard(t)
	require.Equal(t, []string{"click", "long-dwell", "purchase", "value", "skip", "hide"}, l.Heads())
	u, seen := math.NaN(), ev("impression")
	for _, tc := range []struct {
		name   string
		events []objective.Event
		want   []float64
	}{
		{"nothing is known", nil, []float64{u, u, u, u, u, u}},
		{"seen", []objective.Event{seen}, []float64{0, 0, 0, 0, 0, 0}},
		{"click, dwell still to come", []objective.Event{seen, ev("click")}, []float64{1, u, 0, 0, 0, 0}},
		{"long dwell", []objective.Event{seen, ev("click"), ev("dwell", 30)}, []float64{1, 1, 0, 0, 0, 0}},
		{"click and short dwell", []objective.Event{seen, ev("click"), ev("dwell", 4.9)}, []float64{1, 0.1, 0, 0, 0, 0}},
		{"between", []objective.Event{seen, ev("click"), ev("dwell", 5)}, []float64{1, u, 0, 0, 0, 0}},
		{"dwell of unknown length", []objective.Event{seen, ev("dwell", u)}, []float64{1, u, 0, 0, 0, 0}},
		{"infinite dwell is unknown", []objective.Event{seen, ev("dwell", math.Inf(1))}, []float64{1, u, 0, 0, 0, 0}},
		{"two dwells add", []objective.Event{seen, ev("dwell", 20), ev("dwell", 15)}, []float64{1, 1, 0, 0, 0, 0}},
		{"two purchases add", []objective.Event{seen, ev("click"), ev("purchase", 20), ev("purchase", 15)}, []float64{1, u, 1, 35, 0, 0}},
		{"purchase alone is a click", []objective.Event{seen, ev("purchase", 9)}, []float64{1, u, 1, 9, 0, 0}},
		{"price unknown", []objective.Event{ev("purchase", u)}, []float64{1, u, 1, u, 0, 0}},
		{"skip", []objective.Event{seen, ev("skip", 1)}, []float64{0, 0, 0, 0, 1, 0}},
		{"a click beats a skip", []objective.Event{seen, ev("skip"), ev("click")}, []float64{1, u, 0, 0, 0, 0}},
		{"hide", []objective.Event{seen, ev("hide")}, []float64{0, 0, 0, 0, 0, 1}},
		{"hide after a long dwell", []objective.Event{seen, ev("click"), ev("dwell", 90), ev("hide")}, []float64{1, 0, 0, 0, 0, 1}},
		{"a kind that no rule names", []objective.Event{ev("kind-77")}, []float64{u, u, 0, 0, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst := make([]float32, 6)
			require.NoError(t, l.Labels(dst, tc.events))
			require.True(t, same(dst, tc.want), "got %v; want %v", dst, tc.want)
			// The order of events does not matter.
			r := rand.New(rand.NewPCG(1, 1))
			r.Shuffle(len(tc.events), func(i, j int) { tc.events[i], tc.events[j] = tc.events[j], tc.events[i] })
			require.NoError(t, l.Labels(dst, tc.events))
			require.True(t, same(dst, tc.want), "shuffled: got %v; want %v", dst, tc.want)
		})
	}
}

func same(got []float32, want []float64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if w := float32(want[i]); got[i] != w && !(got[i] != got[i] && w != w) {
			return false
		}
	}
	return true
}

func TestStandardLabelsRefusesThresholdsOutOfOrder(t *testing.T) {
	for _, x := range [][3]float64{
		{5, 30, 0.1},
		{30, 0, 0.1},
		{30, -1, 0.1},
		{math.NaN(), 5, 0.1},
		{math.Inf(1), 5, 0.1},
		{30, math.NaN(), 0.1},
		{30, 5, -0.1},
		{30, 5, 1.1},
		{30, 5, math.NaN()},
	} {
		_, err := objective.StandardLabels(x[0], x[1], x[2])
		require.ErrorContains(t, err, "StandardLabels", "%v", x)
	}
}

func TestParseLabeler(t *testing.T) {
	l, err := objective.ParseLabeler("labels.json", []byte(labelsJSON))
	require.NoError(t, err)
	require.Equal(t, "home", l.Name())
	require.Regexp(t, `^1-[0-9a-f]{16}$`, l.Version())
	dst := make([]float32, 3)
	require.NoError(t, l.Labels(dst, []objective.Event{ev("impression"), ev("click"), ev("dwell", 2), ev("purchase", math.E-1)}))
	require.True(t, same(dst, []float64{1, 0.1, 1}), "%v", dst)
}

func TestParseLabelerNamesFileLineFieldAndReason(t *testing.T) {
	rule := func(r string) string {
		return `{"name":"x","version":"1","heads":[{"head":"a","rules":[` + "\n" + r + `]}]}`
	}
	for _, tc := range []struct{ name, text, want string }{
		{"unknown field", rule(`{"kind":"a","lable":1}`), `f:2: heads[0].rules[0]: unknown field "lable"`},
		{"no label", rule(`{"kind":"a"}`), `f:2: heads[0].rules[0]: want exactly one of "label", "value": true and "unknown": true`},
		{"two labels", rule(`{"kind":"a","label":0,"unknown":true}`), `want exactly one of`},
		{"no kind", rule(`{"label":1}`), `f:2: heads[0].rules[0]: field "kind" is missing`},
		{"no head", `{"heads":[{"rules":[]}]}`, `f:1: heads[0]: field "head" is missing`},
		{"bounds", rule(`{"kind":"a","at_least":5,"below":5,"label":1}`), `f: objective: heads[0] ("a"): rules[0]: at_least is 5, not smaller than below 5`},
		{"any with a bound", rule(`{"kind":"*","below":5,"label":1}`), `below with kind "*"`},
		{"any with a value", rule(`{"kind":"*","value":true}`), `value with kind "*"`},
		{"transform", rule(`{"kind":"a","value":true,"transform":"cube"}`), `transform is "cube"`},
		{"transform of a label", rule(`{"kind":"a","label":1,"transform":"log1p"}`), `transform is "log1p" without value`},
		{"empty kind", rule(`{"kind":"","label":1}`), `kind is empty`},
		{"no float32", rule(`{"kind":"a","label":1e39}`), `label is 1e+39; want a finite float32`},
		{"nothing", `{}`, `heads is empty`},
		{"no rules", `{"name":"x","version":"1","heads":[{"head":"a"},{"head":"a","rules":[]}]}`, `the head stands in heads[0] already`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := objective.ParseLabeler("f", []byte(tc.text))
			require.ErrorContains(t, err, tc.want)
			require.Nil(t, l)
		})
	}
}

func TestNewLabelerRefuses(t *testing.T) {
	valid := func(rules ...objective.Rule) objective.LabelConfig {
		return objective.LabelConfig{Name: "x", Version: "1", Heads: []objective.HeadRules{{Head: "a", Rules: rules}}}
	}
	for want, c := range map[string]objective.LabelConfig{
		"rules is empty":            valid(),
		"label is NaN":              valid(objective.Rule{Kind: "a", Label: math.NaN()}),
		"below is +Inf":             valid(objective.Rule{Kind: "a", Below: new(math.Inf(1))}),
		"at_least is NaN":           valid(objective.Rule{Kind: "a", AtLeast: new(math.NaN())}),
		"both value and unknown":    valid(objective.Rule{Kind: "a", Value: true, Unknown: true}),
		"label is 1 beside value":   valid(objective.Rule{Kind: "a", Value: true, Label: 1}),
		"65 kinds of event; at mos": valid(manyKinds(65)...),
	} {
		_, err := objective.NewLabeler(c)
		require.ErrorContains(t, err, want)
	}
	_, err := objective.NewLabeler(valid(manyKinds(64)...))
	require.NoError(t, err)
}

func manyKinds(n int) (rules []objective.Rule) {
	for i := range n {
		rules = append(rules, objective.Rule{Kind: fmt.Sprint("kind-", i), Label: float64(i)})
	}
	return rules
}

func TestTheFirstSatisfiedRuleGivesTheLabel(t *testing.T) {
	l, err := objective.NewLabeler(objective.LabelConfig{
		Name: "x", Version: "1",
		Heads: []objective.HeadRules{{Head: "a", Rules: manyKinds(64)}},
	})
	require.NoError(t, err)
	dst := make([]float32, 1)
	for i := range 64 {
		require.NoError(t, l.Labels(dst, []objective.Event{ev("kind-63"), ev(fmt.Sprint("kind-", i))}))
		require.Equal(t, float32(i), dst[0])
	}
}

func TestValueBeyondFloat32IsUnknown(t *testing.T) {
	l := standard(t)
	dst := make([]float32, 6)
	require.NoError(t, l.Labels(dst, []objective.Event{ev("purchase", 1e300)}))
	require.True(t, isNaN(dst[3]), "%v", dst[3])
}

func TestLabelRows(t *testing.T) {
	l := standard(t)
	events := []objective.Event{ev("impression"), ev("click"), ev("dwell", 40), ev("impression"), ev("hide")}
	starts := []int{0, 3, 3, 5}
	dst := make([]float32, 18)
	require.NoError(t, l.LabelRows(dst, events, starts))
	for i := range 3 {
		want := make([]float32, 6)
		require.NoError(t, l.Labels(want, events[starts[i]:starts[i+1]]))
		for h := range want {
			require.Equal(t, math.Float32bits(want[h]), math.Float32bits(dst[6*i+h]))
		}
	}
	require.NoError(t, l.LabelRows(nil, events, nil))
	require.NoError(t, l.LabelRows(nil, events, []int{0}))
	for _, bad := range [][]int{{0, 3, 2, 5}, {-1, 0, 1, 2}, {0, 1, 2, 6}} {
		require.ErrorIs(t, l.LabelRows(dst, events, bad), objective.ErrShape)
	}
	require.ErrorIs(t, l.LabelRows(dst[:17], events, starts), objective.ErrShape)
	require.ErrorIs(t, l.Labels(dst[:5], nil), objective.ErrShape)
}

func TestLabelsOfFeedback(t *testing.T) {
	l := standard(t)
	feedback := []recsys.Feedback{{Kind: recsys.Click}, {Kind: recsys.Dwell, Value: 45}, {Kind: recsys.Purchase, Value: 12.5}}
	as := func(f recsys.Feedback) objective.Event {
		return objective.Event{Kind: f.Kind.String(), Value: float64(f.Value)}
	}
	dst := make([]float32, 6)
	require.NoError(t, objective.LabelsOf(l, dst, feedback, as))
	require.True(t, same(dst, []float64{1, 1, 1, 12.5, 0, 0}), "%v", dst)
	require.Zero(t, testing.AllocsPerRun(50, func() { _ = objective.LabelsOf(l, dst, feedback, as) }))
}

// Every kind that the standard rules name must be one that recsys prints.
func TestStandardKindsAreThoseOfRecsys(t *testing.T) {
	c, err := objective.StandardLabels(30, 5, 0)
	require.NoError(t, err)
	for _, h := range c.Heads {
		for _, r := range h.Rules {
			var k recsys.EventKind
			if r.Kind != objective.AnyKind {
				require.NoError(t, k.UnmarshalText([]byte(r.Kind)))
			}
		}
	}
}

func TestLabelVersionFindsEveryChange(t *testing.T) {
	version := func(change func(*objective.LabelConfig)) string {
		c, err := objective.StandardLabels(30, 5, 0.1)
		require.NoError(t, err)
		change(&c)
		l, err := objective.NewLabeler(c)
		require.NoError(t, err)
		return l.Version()
	}
	base := version(func(*objective.LabelConfig) {})
	require.Equal(t, "1-94bdf6f0f9bcffd8", base, "versions stand in logs and never change")
	for name, change := range map[string]func(*objective.LabelConfig){
		"name":      func(c *objective.LabelConfig) { c.Name = "mine" },
		"version":   func(c *objective.LabelConfig) { c.Version = "2" },
		"head":      func(c *objective.LabelConfig) { c.Heads[0].Head = "tap" },
		"rule gone": func(c *objective.LabelConfig) { c.Heads[0].Rules = c.Heads[0].Rules[1:] },
		"kind":      func(c *objective.LabelConfig) { c.Heads[0].Rules[0].Kind = "like" },
		"at least":  func(c *objective.LabelConfig) { *c.Heads[1].Rules[1].AtLeast = 31 },
		"below":     func(c *objective.LabelConfig) { *c.Heads[1].Rules[2].Below = 6 },
		"label":     func(c *objective.LabelConfig) { c.Heads[1].Rules[2].Label = 0.2 },
		"unknown":   func(c *objective.LabelConfig) { c.Heads[1].Rules[3].Unknown = false },
		"value":     func(c *objective.LabelConfig) { c.Heads[3].Rules[0].Value = false },
		"transform": func(c *objective.LabelConfig) { c.Heads[3].Rules[0].Transform = objective.Log1p },
	} {
		require.NotEqual(t, base, version(change), name)
	}
}
