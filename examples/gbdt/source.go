package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
)

// source says how files of training data are read.
type source struct {
	data, query, format                string
	header                             bool
	label, positive, drop, cat, weight string

	columns []string // names of the first file, nil before it was read
	ids     []string // of these, the categories
}

func (s *source) add(fs *flag.FlagSet) {
	fs.StringVar(&s.data, "data", "", "training `file`, CSV or libsvm")
	fs.StringVar(&s.query, "query", "", "`file` of group sizes, one on each line, in the order of the rows")
	fs.StringVar(&s.format, "format", "", "`format` of the files: csv or libsvm (default: as the first line looks)")
	fs.BoolVar(&s.header, "header", false, "the first line of a CSV file names the columns")
	fs.StringVar(&s.label, "label", "0", "`column` of the label: its name or number")
	fs.StringVar(&s.positive, "positive", "", "the label is 1 where the cell is this `text`, else 0")
	fs.StringVar(&s.drop, "drop", "", "`columns` to leave out, separated by commas")
	fs.StringVar(&s.cat, "cat", "auto", "`columns` of categories, separated by commas; auto for those that hold text")
	fs.StringVar(&s.weight, "weight", "", "`column` of row weights")
}

// read reads a file and, if there is one, its groups.
func (s *source) read(name, query string) (*ranking.Dataset, error) {
	in, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, &cli.InputError{File: name, Err: err}
	}
	first, _, _ := bytes.Cut(data[:min(len(data), 1<<12)], []byte("\n"))
	var d *ranking.Dataset
	pairs := s.format == "libsvm" || s.format == "" && looksLikePairs(string(first))
	if pairs {
		// A column that the first file has must be there in the second one too.
		d, err = ranking.ReadLibSVM(bytes.NewReader(data), ranking.LibSVMConfig{Name: name, Columns: len(s.columns)})
	} else {
		d, err = s.readCSV(name, data)
	}
	if err == nil && s.columns == nil {
		s.columns = slices.Concat(d.Columns, d.IDColumns)
	}
	if p, ok := errors.AsType[*ranking.ParseError](err); ok {
		err = &cli.InputError{File: name, Line: p.Line, Err: hinted(withoutPlace(p), p.Line, s.header || pairs)}
	}
	if err != nil || query == "" {
		return d, err
	}
	d.Groups, err = groups(query, d.Len())
	return d, err
}

// withoutPlace is p without file and line, which an InputError prints itself.
func withoutPlace(p *ranking.ParseError) error {
	q := *p
	q.File, q.Line = "data", 0
	return &q
}

func (s *source) readCSV(name string, data []byte) (*ranking.Dataset, error) {
	names, err := s.names(name, data)
	if err != nil {
		return nil, err
	}
	label, err := s.column(names, "label", s.label)
	if err != nil {
		return nil, err
	}
	cfg := ranking.CSVConfig{Name: name, NoHeader: !s.header, Labels: []string{label}, Missing: missingTexts}
	if s.positive != "" {
		cfg.Positive = map[string]string{label: s.positive}
	}
	if s.weight != "" {
		if cfg.Weight, err = s.column(names, "weight", s.weight); err != nil {
			return nil, err
		}
	}
	if cfg.Drop, err = s.list(names, "drop", s.drop); err != nil {
		return nil, err
	}
	if cfg.IDs = s.ids; s.columns == nil {
		if s.cat != "auto" {
			s.ids, err = s.list(names, "cat", s.cat)
		} else {
			s.ids, err = s.textColumns(name, data, names, append([]string{label, cfg.Weight}, cfg.Drop...))
		}
		if err != nil {
			return nil, err
		}
		cfg.IDs = s.ids
	}
	return ranking.ReadCSV(bytes.NewReader(data), cfg)
}

// names returns the names of the columns: those of the header, or their numbers.
func (s *source) names(name string, data []byte) ([]string, error) {
	record, err := csv.NewReader(bytes.NewReader(data)).Read()
	if err == io.EOF {
		return nil, cli.Inputf(name, 0, "there is nothing")
	}
	if err != nil {
		return nil, &cli.InputError{File: name, Line: 1, Err: err}
	}
	for j := range record {
		if record[j] = strings.TrimSpace(strings.TrimPrefix(record[j], "\ufeff")); !s.header {
			record[j] = strconv.Itoa(j)
		}
	}
	return record, nil
}

// column finds a column of a file, which has names if it has a header.
func (s *source) column(names []string, flag, text string) (string, error) {
	name, err := column(names, flag, text)
	return name, s.named(err)
}

// list finds columns of a file, as column does.
func (s *source) list(names []string, flag, text string) ([]string, error) {
	all, err := columns(names, flag, text)
	return all, s.named(err)
}

// named is err about a column that is not there, with what is wrong as a rule without -header.
func (s *source) named(err error) error {
	if err == nil || s.header {
		return err
	}
	return cli.Usagef("%v; is the first line a header? -header", err)
}

// column finds a column by name or number.
func column(names []string, flag, text string) (string, error) {
	if slices.Contains(names, text) {
		return text, nil
	}
	if j, err := strconv.Atoi(text); err == nil && j >= 0 && j < len(names) {
		return names[j], nil
	}
	return "", cli.Usagef("-%s: no column %q (columns: %s)", flag, text, strings.Join(names[:min(12, len(names))], ", "))
}

func columns(names []string, flag, text string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, err := column(names, flag, part)
		if err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, nil
}

// textColumns returns the columns, but for those in skip, that hold text which is no number.
func (s *source) textColumns(name string, data []byte, names, skip []string) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	text := make([]bool, len(names))
	for first := true; ; first = false {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if p, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, &cli.InputError{File: name, Line: p.Line, Err: p.Err}
		}
		if first && s.header {
			continue
		}
		for j, cell := range record {
			if cell = strings.TrimSpace(cell); text[j] || slices.Contains(missingTexts, cell) {
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			text[j] = err != nil && !math.IsInf(v, 0)
		}
	}
	var out []string
	for j, is := range text {
		if is && !slices.Contains(skip, names[j]) {
			out = append(out, names[j])
		}
	}
	return out, nil
}

// groups reads group sizes, which must add up to n rows.
func groups(name string, n int) ([]uint64, error) {
	all := make([]uint64, 0, n)
	g := uint64(0)
	err := cli.ReadLines(name, func(_ int, text []byte) error {
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			return nil
		}
		size, err := strconv.Atoi(string(text))
		switch {
		case err != nil || size < 0:
			return errors.New("want a number of rows")
		case size > n-len(all):
			return errors.New("the groups have more rows than the data, which has " + strconv.Itoa(n))
		}
		for range size {
			all = append(all, g)
		}
		g++
		return nil
	})
	if err == nil && len(all) != n {
		err = cli.Inputf(name, 0, "the groups have %d rows, the data %d", len(all), n)
	}
	return all, err
}
