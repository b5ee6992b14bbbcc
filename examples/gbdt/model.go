package main

import (
	"errors"
	"flag"
	"strconv"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// modelFlags say which model is read, and how.
type modelFlags struct {
	path, missing, rounds string
}

func addModel(fs *flag.FlagSet) *modelFlags {
	m := new(modelFlags)
	fs.StringVar(&m.path, "model", "", "model `file` of this library, of LightGBM (text, JSON) or of XGBoost (JSON, UBJSON)")
	fs.StringVar(&m.missing, "missing", "nan", "`value` that counts as missing, besides nan")
	fs.StringVar(&m.rounds, "rounds", "all", "rounds that count: all, best (those up to the best iteration that the file names), or a `number`")
	return m
}

// load reads the model.
func (m *modelFlags) load() (*gbdt.Model, error) {
	o := gbdt.Options{}
	v, err := strconv.ParseFloat(m.missing, 64)
	switch {
	case err != nil:
		return nil, cli.Usagef("-missing is %q; want nan or a number", m.missing)
	case v == v:
		o.Missing = []float64{v}
	}
	switch m.rounds {
	case "all":
	case "best":
		o.Rounds = gbdt.BestRounds
	default:
		if o.Rounds, err = strconv.Atoi(m.rounds); err != nil || o.Rounds < 1 {
			return nil, cli.Usagef("-rounds is %q; want all, best or a number >= 1", m.rounds)
		}
	}
	model, err := gbdt.Load(m.path, o)
	if err != nil {
		return nil, &cli.InputError{File: "-model", Err: err} // err names the file
	}
	if len(model.Features()) == 0 {
		return nil, &cli.InputError{File: m.path, Err: errors.New("the model has no features")}
	}
	return model, nil
}
