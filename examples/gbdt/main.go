// Command gbdt trains boosted trees on a table, predicts with a model of this library, of LightGBM or
// of XGBoost, and measures how fast a model scores.
//
//	gbdt train -data adult.csv -header -label income -positive ">50K" -drop id -objective logloss -rounds 200 -lr 0.1 -leaves 31 -model adult.gbdt
//	gbdt train -data rank.train -query rank.train.query -valid rank.test -valid-query rank.test.query -objective lambdamart -patience 20 -model rank.gbdt
//	gbdt train -data ctr.csv -valid v.csv -test t.csv -header -label click -cat user,item,hour -encode auto -objective logloss -patience 20 -model ctr.gbdt
//	gbdt predict -model model.txt -data rows.csv -output score -out scores.csv
//	gbdt predict -model model.ubj -data rows.csv -missing 0 -output contrib -out why.csv
//	gbdt bench -model model.txt -rows 500
//
// # Data
//
// A file is CSV or libsvm ("label qid:7 0:1.5 3:2"), plain or gzip; -format says which, or its first line does.
//
// A CSV file for training has a label, the first column if -label does not say otherwise; columns are
// named by a header (-header) or by their number from 0. All columns but those of -label, -weight and
// -drop are features. Columns that hold text are categories (-cat auto), or those that -cat names; what
// their texts stand for is kept in the model. A file of libsvm may carry groups as qid; -query takes them from a
// file with a size on each line, in the order of the rows, as LightGBM does.
//
// A file to predict has the features only: with -header by name, in any order and with others beside them; without, in the
// order of the model, which for one that was trained here on a header is numbers first and then categories, and on columns
// without names that of the columns. A label before the features is allowed in libsvm. Numbers are read as
// float64; nan, an empty field, NA, null and ? are missing, and with -missing 0 so is 0.
//
// With -encode, categories reach the model as what rows with them did before: the mean label and the number of
// rows of each, and of each pair (package ranking/encode). Those statistics stand in a file beside the model, OUT.encoder, where
// predict finds them; its input then has a header and the categories.
//
// # Output
//
// train prints the metrics on -test, else on -valid, else on the training rows, that fit the labels: auc and
// logloss for a probability, rmse for a number, ndcg@10 where there are groups; "judged" is the file that they are of, or
// "training rows". predict writes one CSV row for each row
// of data, without a header, to -out: predictions (score), raw scores (raw), the leaf in each tree (leaf), or
// what each feature adds to each raw score, and last the expected one (contrib). With -json the last line
// on standard output is the result as a JSON object.
package main

import (
	"context"
	"io"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

const synopsis = "gbdt train|predict|bench [flags]; gbdt train -help lists those of train"

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) int{
		"train": train, "predict": predict, "bench": bench,
	}
	if len(args) > 0 {
		if command, ok := commands[args[0]]; ok {
			return command(ctx, args[1:], stdout, stderr)
		}
	}
	fs := cli.NewFlagSet("gbdt", synopsis)
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Usagef("want train, predict or bench")
	} else if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		err = cli.Usagef("%q is no command; want train, predict or bench", args[0])
	}
	return cli.Exit(fs, err, stdout, stderr)
}
