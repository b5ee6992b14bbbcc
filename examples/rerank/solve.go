package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/rerank"
)

// kinds are the kinds of cases by the member that tells them.
var kinds = []struct {
	key   string
	solve func(f *fields, adjust bool) (cli.Object, error)
}{
	{"kernel", solveDPP},
	{"sim", solveMMR},
	{"p_aspect", solveXQuAD},
	{"genres", solveCalibration},
	{"protected", solveFair},
}

// solve returns the members of the line of a case.
func solve(c item, adjust bool) (cli.Object, error) {
	at := -1
	for i, kind := range kinds {
		if _, ok := c.members[kind.key]; !ok {
			continue
		}
		if at >= 0 {
			return nil, fmt.Errorf("has the fields %q and %q; one of them says what a case is", kinds[at].key, kind.key)
		}
		at = i
	}
	if at < 0 {
		return nil, fmt.Errorf(`has none of the fields "kernel", "sim", "p_aspect", "genres", "protected", which say what a case is`)
	}
	return kinds[at].solve(&fields{item: c}, adjust)
}

// cosine reads rel and emb.
func (f *fields) cosine() (rel []float64, similarity func(i, j int) float64) {
	rel = f.list("rel", -1)
	flat, dim := f.matrix("emb", len(rel), -1)
	if f.err != nil || len(rel) == 0 {
		return rel, func(i, j int) float64 { return 0 }
	}
	similarity, err := rerank.Cosine(flat, dim)
	if err != nil {
		f.err = fmt.Errorf("field %q: %w", "emb", err)
	}
	return rel, similarity
}

var mixed = regexp.MustCompile(`^q_i\*q_j\*\(([0-9.eE+-]+)\*\(1\+cos\)/2\+([0-9.eE+-]+)\*\[i==j\]\)$`)

// similarityOf returns the kernel that a text describes, without the qualities.
func similarityOf(text string, cosine func(i, j int) float64) (func(i, j int) float64, error) {
	formula, _, _ := strings.Cut(strings.ReplaceAll(text, " ", ""), ",q=") // what q is, is said in the second part
	formula, _, _ = strings.Cut(formula, "(rank")                          // a remark
	var shared, own float64
	switch m := mixed.FindStringSubmatch(formula); {
	case formula == "q_i*q_j*cos":
		return cosine, nil
	case formula == "q_i*q_j*(1+cos)/2":
		return func(i, j int) float64 { return (1 + cosine(i, j)) / 2 }, nil
	case m != nil:
		var err error
		if shared, err = strconv.ParseFloat(m[1], 64); err == nil {
			own, err = strconv.ParseFloat(m[2], 64)
		}
		if err == nil && shared >= 0 && own >= 0 {
			break
		}
		if err == nil {
			return nil, fmt.Errorf("field %q is %q; want numbers >= 0, as a kernel must be positive semi-definite", "kernel", text)
		}
		fallthrough
	default:
		return nil, fmt.Errorf("field %q is %q, a kernel that is not known", "kernel", text)
	}
	return func(i, j int) float64 {
		x := shared * (1 + cosine(i, j)) / 2
		if i == j {
			x += own
		}
		return x
	}, nil
}

func solveDPP(f *fields, _ bool) (cli.Object, error) {
	rel, cosine := f.cosine()
	text, alpha, k := read[string](f, "kernel"), f.number("alpha"), f.count("k")
	window := 0
	if _, ok := f.members["window"]; ok {
		if window = f.count("window"); f.err == nil && window < 1 {
			f.err = fmt.Errorf("field %q is %d; want >= 1", "window", window)
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	similarity, err := similarityOf(text, cosine)
	if err != nil {
		return nil, err
	}
	kernel, err := rerank.QualityKernel(rel, similarity, alpha)
	if err != nil {
		return nil, fmt.Errorf("fields %q and %q: %w", "rel", "alpha", err)
	}
	order, gains, err := rerank.SelectDPP(len(rel), kernel, k, 0)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for i, gain := range gains {
		sum += math.Log(gain)
		gains[i] = sum
	}
	o := cli.Object{cli.F("order", whole(order)), cli.F("logdet_prefix", whole(gains))}
	if window > 0 {
		order, _, err := rerank.SelectDPP(len(rel), kernel, k, window)
		if err != nil {
			return nil, err
		}
		o = append(o, cli.F("order_window", whole(order)))
	}
	return o, nil
}

// whole returns a list that is not nil, so that an empty one is written as [].
func whole[T any](list []T) []T { return append([]T{}, list...) }

// scored returns the members of a case with scores.
func scored(order []int32, scores []float64, err error) (cli.Object, error) {
	if err != nil {
		return nil, err
	}
	return cli.Object{cli.F("order", whole(order)), cli.F("scores", whole(scores))}, nil
}

func solveMMR(f *fields, _ bool) (cli.Object, error) {
	rel, cosine := f.cosine()
	sim, lambda, k := read[string](f, "sim"), f.number("lam"), f.count("k")
	if f.err == nil && sim != "cosine" {
		f.err = fmt.Errorf("field %q is %q; want %q", "sim", sim, "cosine")
	}
	if _, ok := f.members["first_penalty"]; ok {
		if x := f.number("first_penalty"); f.err == nil && x != 0 {
			f.err = fmt.Errorf("field %q is %v; want 0", "first_penalty", x)
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	return scored(rerank.SelectMMR(rel, cosine, lambda, k))
}

func solveXQuAD(f *fields, _ bool) (cli.Object, error) {
	rel, aspects := f.list("rel", -1), f.list("p_aspect", -1)
	coverage, _ := f.matrix("p_item_aspect", len(rel), len(aspects))
	lambda, k := f.number("lam"), f.count("k")
	if f.err != nil {
		return nil, f.err
	}
	return scored(rerank.SelectXQuAD(rel, aspects, coverage, lambda, k))
}

func solveCalibration(f *fields, _ bool) (cli.Object, error) {
	rel, target := f.list("rel", -1), f.list("p", -1)
	shares, _ := f.matrix("genres", len(rel), len(target))
	lambda, alpha, k := f.number("lam"), f.number("alpha"), f.count("k")
	if f.err != nil {
		return nil, f.err
	}
	return scored(rerank.SelectCalibrated(rel, target, shares, lambda, alpha, k))
}

func solveFair(f *fields, adjust bool) (cli.Object, error) {
	rel := f.list("rel", -1)
	bits := f.list("protected", len(rel))
	p, alpha, k := f.number("p"), f.number("alpha_unadjusted"), f.count("k")
	protected, group := make([]bool, len(bits)), make([]int, len(bits))
	for i, b := range bits {
		if f.err == nil && b != 0 && b != 1 {
			f.err = fmt.Errorf("field %q: element %d is %v; want 0 or 1", "protected", i, b)
		}
		if protected[i] = b == 1; protected[i] {
			group[i] = 1
		}
	}
	if f.err == nil && k > rerank.MaxFairPlaces {
		f.err = fmt.Errorf("field %q is %d; want at most %d", "k", k, rerank.MaxFairPlaces)
	}
	if f.err != nil {
		return nil, f.err
	}
	var corrected cli.Object
	if adjust {
		level, fails, err := rerank.AdjustFairAlpha(k, p, alpha)
		if err != nil {
			return nil, err
		}
		alpha = level
		corrected = cli.Object{cli.F("alpha", level), cli.F("fails", fails)}
	}
	table, err := rerank.FairTable(k, p, alpha)
	if err != nil {
		return nil, err
	}
	order, err := rerank.SelectFair(rel, protected, table, k)
	if err != nil {
		return nil, err
	}
	return slices.Concat(cli.Object{
		cli.F("order", whole(order)), cli.F("mtable", whole(table)), cli.F("exposure_dcg", rerank.GroupExposure(order, group, 2)),
	}, corrected), nil
}
