package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// names splits a list of names at commas.
func names(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// read reads a file. choose says, by its header, what its columns are.
func read(file string, choose func(header []string) (ranking.CSVConfig, error)) (*ranking.Dataset, error) {
	in, err := cli.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, &cli.InputError{File: file, Err: err}
	}
	header, err := csv.NewReader(bytes.NewReader(text)).Read()
	if err == io.EOF {
		return nil, cli.Inputf(file, 0, "there is nothing")
	}
	if err != nil {
		return nil, &cli.InputError{File: file, Line: 1, Err: err}
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
	}
	cfg, err := choose(header)
	if err != nil {
		return nil, &cli.InputError{File: file, Line: 1, Err: err}
	}
	cfg.Name = file
	d, err := ranking.ReadCSV(bytes.NewReader(text), cfg)
	if err != nil {
		if p, ok := errors.AsType[*ranking.ParseError](err); ok {
			return nil, cli.Inputf(file, p.Line, "field %q: %q: %v", p.Field, p.Value, p.Err)
		}
		return nil, &cli.InputError{File: file, Err: err}
	}
	return d, nil
}

// others returns the names of header that are not among the lists.
func others(header []string, lists ...[]string) (rest []string) {
	all := slices.Concat(lists...)
	for _, name := range header {
		if !slices.Contains(all, name) {
			rest = append(rest, name)
		}
	}
	return rest
}

// judge returns how good predictions are, head by head.
func judge(predicted []float32, d *ranking.Dataset, loss fm.Loss) []cli.Field {
	var fields []cli.Field
	heads := len(d.Heads)
	for h, name := range d.Heads {
		var p, y, w []float64
		for i := range d.Len() {
			if label := d.LabelRow(i)[h]; label == label {
				p, y, w = append(p, float64(predicted[i*heads+h])), append(y, float64(label)), append(w, float64(d.Weight(i)))
			}
		}
		prefix := ""
		if heads > 1 {
			prefix = name + "."
		}
		if loss == fm.Squared {
			sum, total := 0.0, 0.0
			for i := range p {
				sum, total = sum+w[i]*(p[i]-y[i])*(p[i]-y[i]), total+w[i]
			}
			fields = append(fields, cli.F(prefix+"rmse", math.Sqrt(sum/total)))
			continue
		}
		fields = append(fields, cli.F(prefix+"auc", metrics.AUC(p, y, w)), cli.F(prefix+"logloss", metrics.LogLoss(p, y, w)))
	}
	return fields
}
