package main

import (
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/examples/internal/cli"
)

// posteriors is what -thompson names: cases of independent arms.
type posteriors struct {
	Beta []struct {
		Arms [][2]float64 `json:"alpha_beta"`
		Best []float64    `json:"p_best"` // of the reference; may be missing
	} `json:"beta"`
	Normal []struct {
		Arms [][2]float64 `json:"mu_sigma"`
		Best []float64    `json:"p_best"`
	} `json:"normal"`
}

// judge tells how likely each arm of each case is the best one. Cases are numbered within their family.
func (o *options) judge(out io.Writer) error {
	var p posteriors
	if _, err := readJSON(o.thompson, &p); err != nil {
		return err
	}
	if len(p.Beta)+len(p.Normal) == 0 {
		return cli.Inputf(o.thompson, 0, "beta and normal are empty; want cases")
	}
	for i, c := range p.Beta {
		if err := o.judgeCase(out, i, "beta", bandit.BestBeta, c.Arms, c.Best); err != nil {
			return err
		}
	}
	for i, c := range p.Normal {
		if err := o.judgeCase(out, i, "normal", bandit.BestNormal, c.Arms, c.Best); err != nil {
			return err
		}
	}
	return nil
}

// judgeCase writes a case; reference may be nil.
func (o *options) judgeCase(
	out io.Writer, i int, family string, best func(dst, a, b []float64) ([]float64, error), arms [][2]float64, reference []float64,
) error {
	if len(arms) == 0 || reference != nil && len(reference) != len(arms) {
		return cli.Inputf(o.thompson, 0, "%s[%d] has %d arms and %d values of p_best; want at least one, and as many", family, i, len(arms), len(reference))
	}
	var a, b []float64
	for _, x := range arms {
		a, b = append(a, x[0]), append(b, x[1])
	}
	p, err := best(nil, a, b)
	if err != nil {
		return cli.Inputf(o.thompson, 0, "%s[%d]: %w", family, i, err)
	}
	if o.json {
		return cli.WriteJSON(out, cli.Object{cli.F("case", i), cli.F("family", family), cli.F("p_best", p)})
	}
	text := ""
	if reference != nil {
		largest := 0.0
		for j, x := range reference {
			largest = max(largest, math.Abs(p[j]-x))
		}
		text = fmt.Sprintf("  %.1e off the reference at most", largest)
	}
	_, err = fmt.Fprintf(out, "%-6s %2d  %.6f%s\n", family, i, p, text)
	return err
}
