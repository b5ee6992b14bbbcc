package main

import (
	"context"
	"flag"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	common      *cli.Common
	json        bool
	golden      string
	thompson    string
	env, policy string
	runs        int
	rounds      int
	report      string
}

func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("bandit", "bandit -golden F [-env NAME] [-policy NAME] [-runs N] [flags], or bandit -thompson F")
	o := &options{common: cli.AddCommon(fs)}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line: one for each checkpoint, or each case of -thompson")
	fs.StringVar(&o.golden, "golden", "", "JSON `file` of environments, checkpoints and reference regrets")
	fs.StringVar(&o.env, "env", "all", "`name` of an environment of the file, or all")
	fs.StringVar(&o.policy, "policy", "all", "`name` of a policy, or all that the file has for an environment")
	fs.IntVar(&o.runs, "runs", 0, "independent `runs`, at least 2; 0 for as many as the file's")
	fs.IntVar(&o.rounds, "rounds", 0, "leave out checkpoints after so many `rounds`; 0 for none")
	fs.StringVar(&o.report, "report", "", "write regret curves as an HTML `file`")
	fs.StringVar(&o.thompson, "thompson", "", "JSON `file` of posteriors: tell how likely each arm is the best")
	return fs, o
}

func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	switch {
	case (o.golden == "") == (o.thompson == ""):
		return cli.Usagef("want -golden or -thompson, one of them")
	case o.runs < 0 || o.runs == 1:
		return cli.Usagef("-runs is %d; want at least 2, or 0 for as many as the file's", o.runs)
	case o.rounds < 0:
		return cli.Usagef("-rounds is %d; want >= 1, or 0 for all checkpoints", o.rounds)
	case o.thompson != "" && o.report != "":
		return cli.Usagef("-report draws regret: it goes with -golden")
	}
	return cli.CanSave("report", o.report)
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := o.parse(fs, args)
	switch {
	case err != nil:
	case o.thompson != "":
		err = o.judge(stdout)
	default:
		err = o.play(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}
