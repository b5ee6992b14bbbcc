// Trees times boosted trees beside LightGBM: training, and how well what was trained ranks rows that
// it has not seen; and scoring, of tables of candidates and of single rows.
//
//	go run ./trees train
//	go run -tags lightgbm,xgboost ./trees train -rows 500000 -features 50 -leaves 63 -trees 100
//	go run -tags lightgbm ./trees score -features 200 -leaves 31 -trees 100
//
// With the build tags lightgbm and xgboost, those run along through their C APIs; see the packages
// internal/lightgbm and internal/xgboost for what they need. All lanes take turns, round by round, with one
// worker each, and their time is the CPU time of the process.
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

// commands are what the program can do.
var commands = map[string]cli.Run{
	"train": runTrain,
	"score": runScore,
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if command, ok := commands[args[0]]; ok {
			return command(ctx, args[1:], stdin, stdout, stderr)
		}
	}
	fmt.Fprintln(stderr, "trees: want a command: train or score (trees train -help lists its flags)")
	return 2
}
