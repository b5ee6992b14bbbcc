package hyper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
)

var params = hyper.Params{
	{Name: "neighbors", Doc: "kept", Default: "200", Integer: true, Min: 1, Lo: 20, Hi: 1000, Log: true},
	{Name: "weighting", Doc: "of events", Default: "tfidf", Choices: []string{"cosine", "tfidf"}},
	{Name: "asymmetry", Doc: "of similarity", Default: "0", Min: -1, Max: 1, Lo: -0.5, Hi: 0.5},
	{Name: "b", Doc: "of bm25", Default: "0.75"},
}

func TestResolveTakesWhatIsGivenAndDefaults(t *testing.T) {
	s, err := params.Resolve("knn", map[string]string{"neighbors": "7", "weighting": "cosine"})
	require.NoError(t, err)
	require.Equal(t, 7, s.Int("neighbors"))
	require.Equal(t, 0.75, s.Float("b"))
	require.Equal(t, []cli.Field{cli.F("neighbors", 7), cli.F("weighting", "cosine"), cli.F("asymmetry", 0.), cli.F("b", 0.75)}, params.Fields(s))
}

func TestResolveNamesFlagValueAndRemedy(t *testing.T) {
	for want, given := range map[string]map[string]string{
		`-neighbors is "2.5"; want a whole number >= 1`: {"neighbors": "2.5"},
		`-neighbors is "0"; want a whole number >= 1`:   {"neighbors": "0"},
		`-b is "NaN"; want a number >= 0`:               {"b": "NaN"},
		`-b is "+Inf"; want a number >= 0`:              {"b": "+Inf"},
		`-asymmetry is "2"; want at most 1`:             {"asymmetry": "2"},
		`-weighting is "pmi"; want cosine or tfidf`:     {"weighting": "pmi"},
		`-decay is no flag of model knn`:                {"decay": "1"},
	} {
		_, err := params.Resolve("knn", given)
		require.EqualError(t, err, want)
		require.Equal(t, 2, cli.ExitCode(err))
	}
}

func TestUsageCollectsModels(t *testing.T) {
	usage := hyper.Usage(func(yield func(string, hyper.Params) bool) {
		_ = yield("b", params[:1]) && yield("a", params[:2])
	})
	require.Equal(t, map[string]string{
		"neighbors": "`value` of a: kept (default 200)\nb: kept (default 200)",
		"weighting": "`value` of a: of events (default tfidf; cosine, tfidf)",
	}, usage)
}

func TestValidateNamesWhatIsOutOfItsDomain(t *testing.T) {
	require.NoError(t, params.Validate())
	for want, p := range map[string]hyper.Param{
		`-a would be "-1"; want a number >= 0`:   {Name: "a", Default: "-1"},
		`-a would be "x"; want y or z`:           {Name: "a", Default: "x", Choices: []string{"y", "z"}},
		`-a would be "2.01"; want at most 2`:     {Name: "a", Default: "1", Max: 2, Lo: 1, Hi: 2.01},
		`-a would be "0"; want a whole number >`: {Name: "a", Default: "1", Integer: true, Min: 1, Lo: 0, Hi: 9},
	} {
		require.ErrorContains(t, hyper.Params{p}.Validate(), want)
	}
}
