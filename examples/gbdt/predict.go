package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking/encode"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// predictor is one run of predict.
type predictor struct {
	data, format, output, out string
	header                    bool
	stderr                    io.Writer
	model                     *gbdt.Model
	target                    *encode.Target // nil unless the model was trained with -encode
}

// rowSource gives rows of features.
type rowSource interface {
	// next appends a row to dst; io.EOF when there is none.
	next(dst []float64) ([]float64, error)
}

func predict(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("gbdt predict", "gbdt predict -model F -data F [flags]")
	cli.AddCommon(fs) // nothing is random, and rows are read by one goroutine
	asJSON := cli.AddJSON(fs)
	m := addModel(fs)
	p := &predictor{stderr: stderr}
	fs.StringVar(&p.data, "data", "", "`file` of rows: features only")
	fs.StringVar(&p.format, "format", "", "`format` of -data: csv or libsvm (default: as its first line looks)")
	fs.BoolVar(&p.header, "header", false, "the first line of a CSV file names the columns")
	fs.StringVar(&p.output, "output", "score", "`what` to write: score, raw, leaf or contrib")
	fs.StringVar(&p.out, "out", "", "`file` to write; without it rows go to standard output and no result is printed")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "model", "data")
	}
	if err == nil {
		err = p.check()
	}
	if err == nil {
		p.model, err = m.load()
	}
	if err == nil {
		p.target, err = loadEncoder(m.path, p.model)
	}
	if err == nil && p.target != nil && !p.header {
		err = cli.Usagef("the model was trained with -encode, which finds categories by name: -header is wanted")
	}
	if err == nil {
		err = p.run(ctx, *asJSON, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (p *predictor) check() error {
	switch p.output {
	case "score", "raw", "leaf", "contrib":
	default:
		return cli.Usagef("-output is %q; want score, raw, leaf or contrib", p.output)
	}
	if err := checkFormat(p.format); err != nil {
		return err
	}
	return cli.CanSave("out", p.out)
}

func checkFormat(format string) error {
	if format != "" && format != "csv" && format != "libsvm" {
		return cli.Usagef("-format is %q; want csv or libsvm", format)
	}
	return nil
}

func (p *predictor) run(ctx context.Context, asJSON bool, stdout io.Writer) error {
	in, err := cli.Open(p.data)
	if err != nil {
		return err
	}
	defer in.Close()
	rows, err := p.source(in)
	if err != nil {
		return err
	}
	start := time.Now()
	if p.out == "" {
		w := bufio.NewWriter(stdout)
		n, err := p.write(ctx, w, rows)
		if err != nil {
			return err
		}
		p.note(n)
		return w.Flush()
	}
	// A file that is not whole would be taken for one of fewer rows.
	file, err := os.Create(p.out + ".tmp")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<16)
	n, err := p.write(ctx, w, rows)
	if err == nil {
		err = w.Flush()
	}
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
	p.note(n)
	seconds := time.Since(start).Seconds()
	if asJSON {
		return cli.WriteJSON(stdout, cli.Object{
			cli.F("rows", n), cli.F("output", p.output), cli.F("model", p.model.Version()), cli.F("trees", p.model.Trees()),
			cli.F("predict_s", seconds), cli.F("rows_per_s", float64(n)/seconds),
		})
	}
	_, err = fmt.Fprintf(stdout, "%v\n%d rows in %.3f s, parsing and printing included\n", p.model, n, seconds)
	return err
}

// note says why the output is empty.
func (p *predictor) note(rows int) {
	if rows == 0 {
		fmt.Fprintf(p.stderr, "gbdt predict: %s has no rows: the output is empty\n", p.data)
	}
}

func (p *predictor) source(in io.Reader) (rowSource, error) {
	if p.target != nil {
		return newEncodedReader(p.data, in, p.model, p.target)
	}
	return newRowReader(p.data, p.format, in, p.header, p.model)
}

// write predicts block by block and returns the number of rows.
func (p *predictor) write(ctx context.Context, w io.Writer, in rowSource) (int, error) {
	const block = 1024
	var rows []float64
	var text []byte
	n := 0
	for {
		rows = rows[:0]
		count := 0
		var end error
		for count < block {
			if rows, end = in.next(rows); end != nil {
				break
			}
			count++
		}
		if end != nil && end != io.EOF {
			return n, end
		}
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		values, err := p.values(rows[:count*len(p.model.Features())])
		if err != nil {
			return n, err
		}
		text = text[:0]
		if count > 0 {
			width := len(values) / count
			for i, v := range values {
				text = appendNumber(text, v)
				if i%width == width-1 {
					text = append(text, '\n')
				} else {
					text = append(text, ',')
				}
			}
			if width == 0 {
				for range count {
					text = append(text, '\n')
				}
			}
		}
		if _, err := w.Write(text); err != nil {
			return n, err
		}
		if n += count; end == io.EOF {
			return n, nil
		}
	}
}

// values returns what -output asks for.
func (p *predictor) values(rows []float64) ([]float64, error) {
	switch p.output {
	case "raw":
		return p.model.Raw(nil, rows)
	case "contrib":
		return p.model.Contributions(nil, rows)
	case "leaf":
		leaves, err := p.model.Leaves(nil, rows)
		values := make([]float64, len(leaves))
		for i, v := range leaves {
			values[i] = float64(v)
		}
		return values, err
	}
	return p.model.PredictRows(nil, rows)
}

// appendNumber writes v as the verb %.17g of C does.
func appendNumber(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "nan"...)
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', 17, 64)
}
