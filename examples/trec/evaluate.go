package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/metrics"
)

// evaluate writes the measures of each query, then of all.
func evaluate(ctx context.Context, w io.Writer, judged judgements, found results, opt options) error {
	list := measures(opt.exp, judged.levels())
	sums := make([]float64, len(list))
	n := 0
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if judged[id] == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		q := newQuery(judged[id], found[id], opt)
		for i, m := range list {
			v := m.of(q)
			if m.kind == geometricMean {
				sums[i] += math.Log(max(v, minGeometric))
				continue
			}
			sums[i] += v
			if err := write(w, m, id, v); err != nil {
				return err
			}
		}
		n++
	}
	if n == 0 {
		return errors.New("no query has both judgements and results")
	}
	return summarize(w, list, sums, n, judged, opt)
}

// minGeometric is what trec_eval takes for a smaller value in a geometric mean.
const minGeometric = 0.00001

// summarize writes the measures over all queries. n is how many sums holds.
func summarize(w io.Writer, list []measure, sums []float64, n int, judged judgements, opt options) error {
	queries := n
	if opt.complete {
		queries = len(judged)
	}
	if err := write(w, measure{name: "num_q", kind: count}, "all", float64(queries)); err != nil {
		return err
	}
	for i, m := range list {
		v := sums[i]
		switch {
		case m.name == "num_rel" && opt.complete:
			// trec_eval counts afresh here, and leaves -l aside.
			v = float64(judged.positive())
		case m.kind == mean:
			v /= float64(queries)
		case m.kind == geometricMean:
			v = math.Exp((v + float64(queries-n)*math.Log(minGeometric)) / float64(queries))
		}
		if err := write(w, m, "all", v); err != nil {
			return err
		}
	}
	return nil
}

func write(w io.Writer, m measure, query string, v float64) error {
	format := "%-22s\t%s\t%.12f\n"
	if m.kind == count {
		format = "%-22s\t%s\t%.0f\n"
	}
	_, err := fmt.Fprintf(w, format, m.name, query, v)
	return err
}

// newQuery ranks docs, which it may reorder, and looks up their relevance.
func newQuery(relevance map[string]int, docs []document, opt options) *query {
	slices.SortFunc(docs, func(a, b document) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(b.name, a.name))
	})
	if opt.limit > 0 && opt.limit < len(docs) {
		docs = docs[:opt.limit]
	}
	q := new(query)
	for _, d := range docs {
		r, ok := relevance[d.name]
		if !ok || r < 0 {
			r = -1
		}
		q.grades = append(q.grades, float64(r))
		q.gains = append(q.gains, gain(r, opt.level))
	}
	for _, r := range relevance {
		q.ideal = append(q.ideal, float64(r))
		switch gain(r, opt.level) {
		case 1:
			q.relevant++
		case 0:
			q.nonrelevant++
		}
	}
	// Map order must not show in the last digit of a sum.
	slices.SortFunc(q.ideal, func(a, b float64) int { return cmp.Compare(b, a) })
	for i := range q.iprec {
		q.iprec[i] = metrics.InterpolatedPrecision(q.gains, q.relevant, float64(i)/10)
	}
	return q
}

// gain returns 1 for relevance at the level or above, 0 below, -1 for a
// document that is not judged.
func gain(relevance, level int) float64 {
	switch {
	case relevance >= level:
		return 1
	case relevance >= 0:
		return 0
	}
	return -1
}

// levels returns the distinct relevance levels.
func (j judgements) levels() []int {
	set := map[int]bool{}
	for _, query := range j {
		for _, r := range query {
			set[r] = true
		}
	}
	return slices.Collect(maps.Keys(set))
}

// positive returns the number of documents with relevance above 0.
func (j judgements) positive() int {
	n := 0
	for _, query := range j {
		for _, r := range query {
			if r > 0 {
				n++
			}
		}
	}
	return n
}
