// Command fm trains factorisation machines on a table of clicks, or of other labels, and predicts.
//
//	fm train -data train.csv -valid valid.csv -label click -model clicks.fm
//	fm train -data train.csv -valid valid.csv -label click -kind linear -optimizer ftrl -hash-bits 20 -l1 1 -model clicks.ftrl
//	fm predict -model clicks.fm -data rows.csv -out scores.csv
//
// A file is CSV with a header, plain or gzip. -label names the labels, each a head of the model. Columns of
// -ids are categories, text or numbers; without it all columns are, but those of -floats. Columns of -drop are left out.
//
// train stops when the loss on -valid has not improved for -patience epochs and prints AUC and log
// loss (of -loss squared the root of the mean square) on -valid, or without it on -data. predict
// writes one line for each row of data: a prediction for each head. It finds the columns by
// name, in any order and with others beside them. If the labels are there, it says how good the
// predictions are. With -json the last line on standard output is the result as a JSON object.
package main

import (
	"context"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "train":
			return train(ctx, args[1:], stdout, stderr)
		case "predict":
			return predict(ctx, args[1:], stdout, stderr)
		}
	}
	fs := cli.NewFlagSet("fm", "fm train|predict [flags]; fm train -help lists those of train")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Usagef("want train or predict")
	}
	return cli.Exit(fs, err, stdout, stderr)
}
