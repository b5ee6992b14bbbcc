package main

import (
	"bytes"
	"strconv"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// matrix is a table of numbers as text has it: a row per line, numbers between spaces.
type matrix struct {
	rows, columns int
	values        []float64 // row-major
}

func (m *matrix) at(i, j int) float64 { return m.values[i*m.columns+j] }

// readMatrix reads a matrix whose numbers are all accepted by ok. Lines without a number are skipped.
func readMatrix(name string, ok func(float64) bool, want string) (*matrix, error) {
	m := new(matrix)
	err := cli.ReadLines(name, func(line int, text []byte) error {
		fields := bytes.Fields(text)
		if len(fields) == 0 {
			return nil
		}
		if m.rows == 0 {
			m.columns = len(fields)
		}
		if len(fields) != m.columns {
			return cli.Inputf(name, line, "%d numbers; the first line has %d", len(fields), m.columns)
		}
		for j, f := range fields {
			v, err := strconv.ParseFloat(string(f), 64)
			if err != nil || !ok(v) {
				return cli.Inputf(name, line, "number %d is %q; want %s", j+1, f, want)
			}
			m.values = append(m.values, v)
		}
		m.rows++
		return nil
	})
	if err == nil && m.rows == 0 {
		err = cli.Inputf(name, 1, "there are no numbers")
	}
	return m, err
}

// ratings lists the cells of a matrix that are not 0.
func ratings(m *matrix) []rating {
	var all []rating
	for i := range m.rows {
		for j := range m.columns {
			if v := m.at(i, j); v != 0 {
				all = append(all, rating{user: i, item: j, value: v, weight: 1})
			}
		}
	}
	return all
}

// rating is a known cell.
type rating struct {
	user, item    int
	value, weight float64
	shown         float64 // the probability that it is known; 0: not given
}
