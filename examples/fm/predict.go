package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// predictor is one run of predict.
type predictor struct {
	model *fm.Model
	data  string
	out   string
	json  bool
}

func predict(_ context.Context, args []string, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("fm predict", "fm predict -model F -data F [flags]")
	cli.AddCommon(fs) // nothing is random, and rows are scored by one goroutine
	asJSON := cli.AddJSON(fs)
	p := new(predictor)
	path := fs.String("model", "", "`file` of the model")
	fs.StringVar(&p.data, "data", "", "`file` of rows: CSV with a header, plain or gzip")
	fs.StringVar(&p.out, "out", "", "`file` to write; without it predictions go to standard output and no result is printed")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "model", "data")
	}
	if err == nil {
		err = cli.CanSave("out", p.out)
	}
	if err == nil {
		p.json = *asJSON
		if p.model, err = fm.Load(*path); err != nil {
			err = &cli.InputError{File: "-model", Err: err} // err names the file
		}
	}
	if err == nil {
		err = p.run(stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// columns says what the columns of the file are: those of the model, and its heads as far as they are there.
func (p *predictor) columns(header []string) (ranking.CSVConfig, error) {
	cfg := ranking.CSVConfig{IDs: p.model.IDColumns()}
	cfg.Drop = others(header, p.model.Columns(), cfg.IDs)
	if others(p.model.Heads(), header) == nil {
		cfg.Labels = p.model.Heads()
		cfg.Drop = others(cfg.Drop, cfg.Labels)
	}
	if missing := others(slices.Concat(p.model.Columns(), cfg.IDs), header); missing != nil {
		return cfg, fmt.Errorf("no column %q (columns: %q)", missing, header)
	}
	return cfg, nil
}

func (p *predictor) run(stdout io.Writer) error {
	d, err := read(p.data, p.columns)
	if err != nil {
		return err
	}
	predicted, err := p.model.Predict(nil, d)
	if err != nil {
		return err
	}
	if p.out == "" {
		return p.write(stdout, predicted)
	}
	// A file that is not whole would be taken for one of fewer rows.
	file, err := os.Create(p.out + ".tmp")
	if err != nil {
		return err
	}
	err = p.write(file, predicted)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(p.out+".tmp", p.out)
	}
	if err != nil {
		os.Remove(p.out + ".tmp")
		return err
	}
	fields := cli.Object{cli.F("model", p.model.Version()), cli.F("rows", d.Len())}
	if len(d.Heads) > 0 && d.Len() > 0 {
		fields = append(fields, judge(predicted, d, p.model.Loss())...)
	}
	if p.json {
		return cli.WriteJSON(stdout, fields)
	}
	return printFields(stdout, fields, p.model)
}

// write writes a line for each row.
func (p *predictor) write(to io.Writer, predicted []float32) error {
	w := bufio.NewWriter(to)
	heads := len(p.model.Heads())
	var text []byte
	for i, v := range predicted {
		text = strconv.AppendFloat(text[:0], float64(v), 'g', 9, 32)
		if i%heads == heads-1 {
			text = append(text, '\n')
		} else {
			text = append(text, ',')
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return w.Flush()
}
