package main

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// tolerance is how many joint standard errors the regret may be above the reference.
const tolerance = 3

// against returns what the reference found after as many rounds, and by how many joint standard errors p is
// above that; ok says whether it found anything.
func (g *game) against(p point) (ref published, z float64, ok bool) {
	ref, ok = g.reference[strconv.Itoa(p.rounds)]
	if !ok {
		return ref, 0, false
	}
	if p.mean != ref.Mean {
		z = (p.mean - ref.Mean) / math.Hypot(p.se, ref.SE)
	}
	return ref, z, true
}

// print writes the checkpoints of a game; first says that it is the first one of its environment.
func (o *options) print(out io.Writer, r outcome, first bool, runs int) error {
	if o.json {
		for _, p := range r.points {
			err := cli.WriteJSON(out, cli.Object{
				cli.F("env", r.env), cli.F("policy", r.policy), cli.F("rounds", p.rounds), cli.F("mean", p.mean), cli.F("se", p.se),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if first {
		if _, err := fmt.Fprintf(out, "%s, regret of %d runs\n%-18s %8s %10s %8s %12s %8s %7s\n",
			r.env, runs, "policy", "rounds", "mean", "se", "reference", "se", "z"); err != nil {
			return err
		}
	}
	for i, p := range r.points {
		name := r.policy
		if i > 0 {
			name = ""
		}
		text := ""
		if ref, z, ok := r.against(p); ok {
			text = fmt.Sprintf(" %12.2f %8.2f %+7.2f", ref.Mean, ref.SE, z)
			if z > tolerance {
				text += "  above"
			}
		}
		if _, err := fmt.Fprintf(out, "%-18s %8d %10.2f %8.2f%s\n", name, p.rounds, p.mean, p.se, text); err != nil {
			return err
		}
	}
	return nil
}

// conclude counts the checkpoints that are above the reference.
func (o *options) conclude(out io.Writer, all []outcome) error {
	if o.json {
		return nil
	}
	compared, above := count(all)
	if compared == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "%d of %d checkpoints are above the reference by more than %d joint standard errors\n", above, compared, tolerance)
	return err
}

func count(all []outcome) (compared, above int) {
	for _, r := range all {
		for _, p := range r.points {
			_, z, ok := r.against(p)
			if ok {
				compared++
			}
			if z > tolerance {
				above++
			}
		}
	}
	return compared, above
}
