package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/interleave"
)

func main() { cli.Main(program) }

// options is what the command line says.
type options struct {
	common *cli.Common
	json   bool
	report string
	seeds  int
	settings
}

func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("feedbackloop", "feedbackloop [flags]")
	o := &options{common: cli.AddCommon(fs)}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.report, "report", "", "write the curves as an HTML `file`")
	fs.IntVar(&o.seeds, "seeds", 20, "`worlds` to simulate; the seeds are -seed and those that follow")
	fs.IntVar(&o.Users, "users", 300, "`users`, each of whom is served once a round")
	fs.IntVar(&o.Items, "items", 300, "`items` at the start")
	fs.IntVar(&o.Topics, "topics", 12, "`topics` of the items")
	fs.IntVar(&o.Arrivals, "arrivals", 6, "`items` that arrive in each round")
	fs.IntVar(&o.Rounds, "rounds", 60, "`rounds` after the warm-up: the horizon")
	fs.IntVar(&o.Warmup, "warmup", 5, "first `rounds`, which chance fills")
	fs.IntVar(&o.Slate, "slate", 10, "`length` of a slate")
	fs.Float64Var(&o.Drift, "drift", 0.08, "standard `deviation` by which tastes change in a round; their own is 1")
	fs.Float64Var(&o.Bias, "bias", 1, "`exponent` of position bias: a user looks at place k with probability k^-bias")
	fs.IntVar(&o.Window, "window", 5, "`rounds` that exposure is counted over")
	fs.IntVar(&o.Memory, "memory", 10, "`rounds` that the recommender is trained on")
	fs.Float64Var(&o.Temperature, "temperature", 0.75, "temperature of the explorer, in `log odds`")
	fs.IntVar(&o.Depth, "depth", 100, "`candidates` that the explorer chooses from")
	fs.Float64Var(&o.Damp, "damp", 0.3, "`log odds` that popularity-damped takes off for each unit of log(1+clicks)")
	fs.Float64Var(&o.Floor, "floor", 0.4, "propensities below this `part` of their median are clipped")
	return fs, o
}

func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	for _, c := range []struct {
		name            string
		value, min, max int
	}{
		{"seeds", o.seeds, 1, 10_000},
		{"users", o.Users, 1, 100_000},
		{"items", o.Items, 2 * wantedItems, 100_000},
		{"topics", o.Topics, 1, 1000},
		{"arrivals", o.Arrivals, 0, 10_000},
		{"rounds", o.Rounds, 1, 10_000},
		{"warmup", o.Warmup, 1, 1000},
		{"slate", o.Slate, 1, o.Items / 4},
		{"window", o.Window, 1, 1000},
		{"memory", o.Memory, 1, 10_000},
		{"depth", o.Depth, o.Slate, 10_000},
	} {
		if c.value < c.min || c.value > c.max {
			return cli.Usagef("-%s is %d; want %d to %d", c.name, c.value, c.min, c.max)
		}
	}
	for _, c := range []struct {
		name            string
		value, min, max float64
	}{
		{"drift", o.Drift, 0, 1},
		{"bias", o.Bias, 0, 10},
		{"temperature", o.Temperature, 1e-3, 1e3},
		{"damp", o.Damp, 0, 100},
		{"floor", o.Floor, 1e-6, 1},
	} {
		if !(c.value >= c.min && c.value <= c.max) {
			return cli.Usagef("-%s is %v; want %v to %v", c.name, c.value, c.min, c.max)
		}
	}
	if cells := float64(o.Users) * float64(o.Items+(o.Warmup+o.Rounds)*o.Arrivals) * float64(o.Warmup+o.Rounds); cells > 1e9 {
		return cli.Usagef("users × items × rounds is %.2g; want at most 1e9, 4 bytes each", cells)
	}
	if o.report != "" {
		return cli.CanSave("report", o.report)
	}
	return nil
}

func program(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := o.parse(fs, args)
	if err == nil {
		err = work(ctx, o, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func work(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	s, err := simulate(ctx, o, stderr)
	if err != nil {
		return err
	}
	if err := s.print(stdout); err != nil {
		return err
	}
	if o.report == "" {
		return nil
	}
	return s.page().Save(o.report)
}

// print writes a line for each variant, then the result.
func (s *study) print(w io.Writer) error {
	for k, v := range variants {
		t := s.totals[k]
		line := cli.Object{
			cli.F("event", "variant"), cli.F("variant", v.name), cli.F("gini_start", t.start.Mean), cli.F("gini_first", t.first.Mean), cli.F("gini_end", t.end.Mean),
			cli.F("growth", t.growth.Mean), cli.F("growth_lower", t.growth.Lower), cli.F("growth_upper", t.growth.Upper),
			cli.F("coverage", t.coverage.Mean), cli.F("recall", t.recall.Mean),
			cli.F("reward", t.reward.Mean), cli.F("gain", t.gain.Mean), cli.F("gain_lower", t.gain.Lower), cli.F("gain_upper", t.gain.Upper),
			cli.F("late_reward", t.late.Mean), cli.F("late_gain", t.lateGain.Mean), cli.F("late_gain_lower", t.lateGain.Lower), cli.F("late_gain_upper", t.lateGain.Upper),
		}
		text := fmt.Sprintf("%-18s Gini %.3f -> %.3f, coverage %.3f, recall %.3f, clicks a slate %.4f, in the last quarter %.4f",
			v.name, t.start.Mean, t.end.Mean, t.coverage.Mean, t.recall.Mean, t.reward.Mean, t.late.Mean)
		if err := s.line(w, text, line); err != nil {
			return err
		}
	}
	greedy, ips := s.totals[0], s.totals[judged]
	result := cli.Object{
		cli.F("seeds", s.o.seeds), cli.F("rounds", s.o.Rounds),
		cli.F("growth_greedy", greedy.growth.Mean), cli.F("growth_explored_ips", ips.growth.Mean),
		cli.F("over_half", ips.overHalf.Mean), cli.F("over_half_lower", ips.overHalf.Lower), cli.F("over_half_upper", ips.overHalf.Upper),
		cli.F("reward_greedy", greedy.reward.Mean), cli.F("reward_explored_ips", ips.reward.Mean),
		cli.F("gain", ips.gain.Mean), cli.F("gain_lower", ips.gain.Lower), cli.F("gain_upper", ips.gain.Upper),
		cli.F("late_gain", ips.lateGain.Mean), cli.F("late_gain_lower", ips.lateGain.Lower), cli.F("late_gain_upper", ips.lateGain.Upper),
		cli.F("holds", s.holds()),
	}
	text := fmt.Sprintf(`
growth of the Gini index: greedy %.3f, explored-ips %.3f; less half of greedy's %s
clicks a slate, explored-ips less greedy: %s, in the last quarter %s
(%d worlds; 95 %% intervals of paired differences)`,
		greedy.growth.Mean, ips.growth.Mean, signed(ips.overHalf), signed(ips.gain), signed(ips.lateGain), s.o.seeds)
	return s.line(w, text, result)
}

// signed shows a difference with its interval; a single world has none.
func signed(m interleave.Mean) string {
	if m.N < 2 {
		return fmt.Sprintf("%+.4f", m.Mean)
	}
	return fmt.Sprintf("%+.4f [%+.4f, %+.4f]", m.Mean, m.Lower, m.Upper)
}

func (s *study) line(w io.Writer, text string, o cli.Object) error {
	if s.o.json {
		return cli.WriteJSON(w, o)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
