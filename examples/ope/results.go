package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
)

// results is what the program found out.
type results struct {
	title string
	notes []string // for a person
	lines []line
	tails []tail
}

// line is an estimate under the name that it was asked for.
type line struct {
	name   string
	of     string // what a row is: "slate", "first place"; empty where there is but one
	known  bool   // est holds something
	est    ope.Estimate
	why    string // of a line that is not known
	tuned  bool
	lambda float64
}

// tail is what is known of the weights behind some estimators.
type tail struct {
	name string
	d    ope.Diagnostics
}

// missing returns the line of an estimator that cannot be computed.
func missing(name, why string) line { return line{name: name, why: why} }

// object returns the line as JSON.
func (l line) object() cli.Object {
	e := l.est
	if !l.known {
		e = ope.Estimate{Value: math.NaN(), Lower: math.NaN(), Upper: math.NaN(), ESS: math.NaN()}
	}
	o := cli.Object{
		cli.F("estimator", l.name), cli.F("value", e.Value), cli.F("lower", e.Lower), cli.F("upper", e.Upper),
		cli.F("ess", e.ESS), cli.F("verdict", l.verdict()),
	}
	if l.tuned {
		var lambda any = l.lambda
		if math.IsInf(l.lambda, 1) {
			lambda = "inf"
		}
		o = append(o, cli.F("lambda", lambda))
	}
	if l.of != "" {
		o = append(o, cli.F("of", l.of))
	}
	if reason := l.reason(); reason != "" {
		o = append(o, cli.F("reason", reason))
	}
	return o
}

// verdict is null for what is not known.
func (l line) verdict() any {
	if !l.known {
		return nil
	}
	return l.est.Verdict.String()
}

func (l line) reason() string {
	if !l.known {
		return l.why
	}
	return l.est.Reason
}

func (r *results) writeJSON(w io.Writer) error {
	for _, l := range r.lines {
		if err := cli.WriteJSON(w, l.object()); err != nil {
			return err
		}
	}
	return nil
}

// print writes a table for a person.
func (r *results) print(w io.Writer) error {
	fmt.Fprintln(w, r.title)
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "estimator\tvalue\tinterval\tess\tverdict\treason")
	for _, l := range r.lines {
		if !l.known {
			fmt.Fprintf(t, "%s\t–\t–\t–\t–\t%s\n", l.label(), l.why)
			continue
		}
		e := l.est
		fmt.Fprintf(t, "%s\t%s\t%s to %s\t%.0f\t%v\t%s\n", l.label(), number(e.Value), number(e.Lower), number(e.Upper), e.ESS, e.Verdict, e.Reason)
	}
	return t.Flush()
}

// label names the line with what it was tuned to and what it is about.
func (l line) label() string {
	s := l.name
	if l.tuned && l.known {
		s += fmt.Sprintf(" (%v)", l.lambda)
	}
	if l.of != "" {
		s += ", " + l.of
	}
	return s
}

func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	return fmt.Sprintf("%.5g", x)
}
