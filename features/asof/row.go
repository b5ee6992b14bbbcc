package asof

import (
	"fmt"
	"iter"

	"github.com/recsyskit/recsys"
)

// Row is a row of a feature table: the values of one entity, since when they were true, and since
// when they were known. The slices have the layout of features.Row.
type Row struct {
	Key uint64
	// Time is the event time in Unix nanoseconds.
	Time int64
	// Created is when the row arrived, in Unix nanoseconds: when serving could have read it.
	// It counts only where [Table].Arrival is set, and is not 0 there.
	Created int64

	Floats  []float32 // a value for each Float column; NaN is missing
	IDs     []uint64  // a value for each ID column; 0 is missing
	Vectors []float32 // the Vector columns one behind the other
}

// Label is what a training row is made for: a decision, and what came of it. Lengths of the
// slices are those that [Labels] declares.
type Label struct {
	// Time is the moment at which features are read, in Unix nanoseconds.
	Time int64
	// Keys are the entities that tables look up: user, item, pair.
	Keys []uint64
	// Values are the labels, one for each head; NaN is an unknown one.
	Values []float32

	// Weight counts the row as that many, finite and > 0; 0 means 1. Group names the decision that it belongs to; Position is
	// the place at which it was shown, -1 for none; Propensity is the probability of that, in (0, 1], NaN or 0 where it is not
	// known. A ranking.Dataset takes them as they come out.
	Weight     float32
	Group      uint64
	Position   int32
	Propensity float64

	// Floats and IDs are features that the label brings along: of the request, or as served.
	Floats []float32
	IDs    []uint64
}

// Joined is a label with the features as of its time. It and its slices are valid until the
// next step of the iteration; they are the reader's to change until then.
type Joined struct {
	Label
	// Number is the label's place in its source, from 0: labels come in the order of time, not
	// in that of the source.
	Number int64

	// Floats has the label's own, then those of each table in turn, each in the order of
	// [Join.Columns]; likewise IDs and Vectors. What is missing is the column's Default, or NaN, 0 and zeros.
	// They hide those of Label, with which they begin.
	Floats  []float32
	IDs     []uint64
	Vectors []float32

	// Ages has, for each table, how old its row is at Label.Time, in seconds: NaN where there is none.
	Ages []float32
	// Bit k of Missing: table k has no row for the label. Of Expired: it has one, beyond its
	// TTL or dropped as stale; Missing is set too. Of Stale: a value is older than its column's MaxAge,
	// and the row is not beyond its TTL.
	Missing, Expired, Stale uint64
}

// Rows returns an iterator over rows.
func Rows(rows []Row) iter.Seq2[Row, error] { return all(rows) }

// LabelRows returns an iterator over labels.
func LabelRows(labels []Label) iter.Seq2[Label, error] { return all(labels) }

func all[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range list {
			if !yield(list[i], nil) {
				return
			}
		}
	}
}

// InputError says what is wrong with an input of a join.
type InputError struct {
	Input  string // "labels", or the table's name in quotes
	Row    int64  // from 0, in the order of the source
	Column string // empty when the row as a whole is meant
	Err    error  // the reason: [ErrOrder], an error of the source, or what is wrong with the values
}

// Error names input, row, column and reason.
func (e *InputError) Error() string {
	s := fmt.Sprintf("asof: %s: row %d", e.Input, e.Row)
	if e.Column != "" {
		s += fmt.Sprintf(": column %q", e.Column)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *InputError) Unwrap() error { return e.Err }

// columnsOf returns the names of the columns of a kind.
func columnsOf(dst []string, columns []recsys.Column, kind recsys.Kind) []string {
	for i := range columns {
		if columns[i].Kind == kind {
			dst = append(dst, columns[i].Name)
		}
	}
	return dst
}
