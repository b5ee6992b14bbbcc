package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/encode"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// encoderOf is the file of the target statistics of a model.
func encoderOf(model string) string { return model + ".encoder" }

// encoded replaces the columns of -encode by their target statistics, out of fold where the model learns, and
// saves those beside the model.
func (t *trainer) encoded(ctx context.Context, data, judged *ranking.Dataset) (_, _ *ranking.Dataset, err error) {
	if t.encode == "" {
		return data, judged, nil
	}
	names := data.IDColumns
	if t.encode != "auto" {
		if names, err = columns(data.IDColumns, "encode", t.encode); err != nil {
			return nil, nil, err
		}
	}
	if len(names) == 0 {
		return nil, nil, cli.Usagef("-encode is %q, and there are no categories; name them by -cat", t.encode)
	}
	only, err := data.Select(append(slices.Clone(data.Columns), names...)...)
	if err != nil {
		return nil, nil, err
	}
	target, out, err := encode.Fit(ctx, encode.Config{Seed: t.cfg.Seed, Workers: t.cfg.Workers}, only)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(t.log, target)
	if err := target.Save(encoderOf(t.path)); err != nil {
		return nil, nil, err
	}
	keep := slices.DeleteFunc(slices.Concat(data.Columns, target.Names(), data.IDColumns), func(name string) bool { return slices.Contains(names, name) })
	out.IDColumns, out.IDs = data.IDColumns, data.IDs
	if out, err = out.Select(keep...); err != nil {
		return nil, nil, err
	}
	transform := func(d *ranking.Dataset) *ranking.Dataset {
		switch {
		case d == nil || err != nil:
			return nil
		case d == data: // judged by the rows it learns from: as it learns from them
			return out
		}
		if d, err = target.Transform(d); err == nil {
			d, err = d.Select(keep...)
		}
		return d
	}
	t.cfg.Validation = transform(t.cfg.Validation)
	return out, transform(judged), err
}

// loadEncoder returns the target statistics beside a model, nil if the model reads none.
func loadEncoder(path string, m *gbdt.Model) (*encode.Target, error) {
	target, err := encode.Load(encoderOf(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &cli.InputError{File: encoderOf(path), Err: err}
	}
	names := target.Names()
	if !slices.ContainsFunc(m.Features(), func(f gbdt.Feature) bool { return slices.Contains(names, f.Name) }) {
		return nil, nil
	}
	return target, nil
}

// encodedReader reads rows of the columns that target statistics are of, with a header, and gives
// rows of features.
type encodedReader struct {
	name   string
	model  *gbdt.Model
	target *encode.Target
	csv    *csv.Reader
	d      *ranking.Dataset // a block, without statistics
	at     []int            // columns, then ID columns: their field
	rows   []float64        // of the block, that have not been handed out yet
	end    error
}

func newEncodedReader(name string, r io.Reader, m *gbdt.Model, target *encode.Target) (*encodedReader, error) {
	x := &encodedReader{name: name, model: m, target: target, csv: csv.NewReader(r), d: &ranking.Dataset{IDColumns: target.IDColumns()}}
	x.csv.ReuseRecord = true
	made := target.Names()
	for _, f := range m.Features() {
		switch {
		case slices.Contains(made, f.Name):
		case f.IDs == nil:
			x.d.Columns = append(x.d.Columns, f.Name)
		case !slices.Contains(x.d.IDColumns, f.Name):
			x.d.IDColumns = append(x.d.IDColumns, f.Name)
		}
	}
	header, err := x.csv.Read()
	if err == io.EOF {
		return nil, nothing(name, true)
	}
	if err != nil {
		return nil, x.failed(err)
	}
	for j := range header {
		header[j] = strings.TrimSpace(strings.TrimPrefix(header[j], "\ufeff"))
	}
	var missing []string
	for _, want := range slices.Concat(x.d.Columns, x.d.IDColumns) {
		j := slices.Index(header, want)
		if x.at = append(x.at, j); j < 0 {
			missing = append(missing, want)
		}
	}
	return x, absent(name, missing, header)
}

func (x *encodedReader) failed(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return &cli.InputError{File: x.name, Line: p.Line, Err: p.Err}
	}
	return &cli.InputError{File: x.name, Err: err}
}

// next appends the next row to dst; io.EOF when there is none.
func (x *encodedReader) next(dst []float64) ([]float64, error) {
	w := len(x.model.Features())
	if len(x.rows) == 0 && x.end == nil {
		if err := x.block(); err != nil {
			return dst, err
		}
	}
	if len(x.rows) == 0 {
		return dst, x.end
	}
	dst = append(dst, x.rows[:w]...)
	x.rows = x.rows[w:]
	return dst, nil
}

// block reads some rows and looks them up.
func (x *encodedReader) block() error {
	x.d.Floats, x.d.IDs = x.d.Floats[:0], x.d.IDs[:0]
	for range 1024 {
		record, err := x.csv.Read()
		if err == io.EOF {
			x.end = err
			break
		}
		if err != nil {
			return x.failed(err)
		}
		for k, j := range x.at {
			text := strings.TrimSpace(record[j])
			missing := slices.Contains(missingTexts, text)
			switch {
			case k >= len(x.d.Columns):
				id := uint64(0)
				if !missing {
					id = idOf(text)
				}
				x.d.IDs = append(x.d.IDs, id)
			case missing:
				x.d.Floats = append(x.d.Floats, float32(math.NaN()))
			default:
				v, err := strconv.ParseFloat(text, 32)
				if err != nil {
					line, _ := x.csv.FieldPos(j)
					return cli.Inputf(x.name, line, "column %q: %q; want a number", x.d.Columns[k], text[:min(40, len(text))])
				}
				x.d.Floats = append(x.d.Floats, float32(v))
			}
		}
	}
	d, err := x.target.Transform(x.d)
	if err == nil {
		x.rows, err = x.model.AppendRows(x.rows[:0], d)
	}
	return err
}
