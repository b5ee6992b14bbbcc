package rankingtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
)

// sizes has the lengths at which unrolled loops and bit sets go wrong.
var sizes = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130}

func binds(p *probe) {
	r := p.newRanker()
	t := p.table(20, complete, 1)
	first, err := recsys.Bind(r, p.schema)
	if err != nil {
		p.fatalf("Bind: %v", err)
	}
	want, ok := p.rank(first, t)
	if !ok {
		return
	}
	// A schema of other places: what the first Bind found must not change.
	wide := append([]recsys.Column{{Name: "rankingtest-other"}}, p.Columns...)
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: wide, Heads: p.Heads, Sources: p.Sources})
	if err != nil {
		p.fatalf("the suite's own columns are not valid: %v", err)
	}
	if _, err := recsys.Bind(r, s); err != nil {
		p.failf("Bind to a schema with one column more: %v", err)
	}
	if got, ok := p.rank(first, t); ok {
		p.same("after Bind to another schema", t, got, want)
	}
	second, err := recsys.Bind(r, p.schema)
	if err != nil {
		p.fatalf("Bind again: %v", err)
	}
	if got, ok := p.rank(second, t); ok {
		p.same("bound again", t, got, want)
	}
}

func bindListsMissingColumns(p *probe) {
	bind := func(columns []recsys.Column) error {
		s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns, Heads: p.Heads, Sources: p.Sources})
		if err != nil {
			p.fatalf("the suite's own columns are not valid: %v", err)
		}
		_, err = recsys.Bind(p.newRanker(), s)
		return err
	}
	var needed []string
	var others []recsys.Column
	for i, c := range p.Columns {
		err := bind(slices.Concat(p.Columns[:i], p.Columns[i+1:]))
		switch {
		case err == nil:
			others = append(others, c)
		case !strings.Contains(err.Error(), c.Name):
			p.failf("without column %q Bind returns %q, which does not name it", c.Name, err)
		default:
			needed = append(needed, c.Name)
		}
	}
	if len(needed) == 0 {
		return
	}
	err := bind(others)
	if err == nil {
		p.failf("Bind accepts a schema without %q, though it needs each of them", needed)
		return
	}
	for _, name := range needed {
		if !strings.Contains(err.Error(), name) {
			p.failf("without %q Bind returns %q, which does not name %q", needed, err, name)
		}
	}
}

func namesHeads(p *probe) {
	r := p.newRanker()
	declared := slices.Clone(headsOf(r))
	seen := map[string]bool{}
	for _, h := range declared {
		if h == "" || seen[h] {
			p.failf("Heads returns %q; want names that are not empty, each once", declared)
		}
		seen[h] = true
	}
	bound := p.ranker()
	if got := headsOf(bound); !slices.Equal(got, declared) {
		p.failf("Heads returns %q before Bind and %q after it", declared, got)
	}
	p.rank(bound, p.table(5, complete, 2))
	if got := headsOf(bound); !slices.Equal(got, declared) {
		p.failf("Heads returns %q before Rank and %q after it", declared, got)
	}
}

func saysKinds(p *probe) {
	r := p.newRanker()
	k, ok := r.(recsys.HeadKinder)
	if !ok {
		return
	}
	before := slices.Clone(k.HeadKinds())
	if heads := headsOf(r); len(before) != len(heads) {
		p.fatalf("HeadKinds returns %q for the heads %q; want one for each", before, heads)
	}
	for _, kind := range before {
		switch kind {
		case "", recsys.HeadScore, recsys.HeadValue, recsys.HeadProbability:
		default:
			p.failf("HeadKinds returns the kind %q; want %q, %q, %q or none", kind, recsys.HeadScore, recsys.HeadValue, recsys.HeadProbability)
		}
	}
	bound := p.ranker()
	b, ok := bound.(recsys.HeadKinder)
	if !ok {
		p.fatalf("HeadKinds is there before Bind and not after it")
	}
	if after := b.HeadKinds(); !slices.Equal(after, before) {
		p.failf("HeadKinds returns %q before Bind and %q after it", before, after)
	}
	t := p.table(40, complete, 12)
	s, ok := p.rank(bound, t)
	for j, kind := range before {
		for i := 0; ok && kind == recsys.HeadProbability && i < t.n; i++ {
			if v := s.row(i)[1+j]; !(v >= 0 && v <= 1) {
				p.failf("head %d is declared a probability and is %v, on %v", j, v, t)
				break
			}
		}
	}
}

// scoresEveryRow ranks into memory with two different marks: what equals both was not written.
func scoresEveryRow(p *probe) {
	r := p.ranker()
	heads := headsOf(r)
	for _, n := range sizes {
		t := p.table(n, complete, 3)
		a, b := newScores(n, len(heads), mark), newScores(n, len(heads), otherMark)
		for _, s := range []*scores{a, b} {
			if err := p.call(context.Background(), r, t.query(), t.candidates(), s.out()); err != nil {
				p.fatalf("Rank returned %q, on %v", err, t)
			}
		}
		for i := range n {
			x, y := a.row(i), b.row(i)
			for k := range x {
				if x[k] == mark && y[k] == otherMark {
					p.failf("row %d of %d: %s is not written", i, n, part(heads, k))
					return
				}
			}
		}
	}
}

// part names value k of scores.row.
func part(heads []string, k int) string {
	if k == 0 {
		return "the score"
	}
	return fmt.Sprintf("head %q", heads[k-1])
}

func writesOnlyItsHeads(p *probe) {
	r := p.ranker()
	for _, n := range sizes {
		t := p.table(n, complete, 4)
		s, ok := p.rank(r, t)
		if !ok {
			return
		}
		for i, v := range s.all {
			if k := i % s.stride(); (k < spare || k >= spare+s.heads) && v != s.mark {
				p.failf("row %d of %d: %v is written into the place of head %d, which is another ranker's", i/s.stride(), n, v, k-spare)
				return
			}
		}
	}
}

func emptyTable(p *probe) {
	r := p.ranker()
	p.rank(r, p.table(0, complete, 5))
	p.rank(r, p.table(3, complete, 5)) // it still works
}

func completeFeatures(p *probe) { p.wantNumbers(complete) }

func missingFeatures(p *probe) {
	for _, g := range []gaps{scattered, rows, all} {
		p.wantNumbers(g)
	}
}

// wantNumbers wants scores and heads that are no NaN.
func (p *probe) wantNumbers(g gaps) {
	r := p.ranker()
	heads := headsOf(r)
	for _, n := range []int{1, 40} {
		t := p.table(n, g, 6)
		s, ok := p.rank(r, t)
		if !ok {
			return
		}
		for i := range n {
			for k, v := range s.row(i) {
				if v != v {
					p.failf("row %d: %s is NaN, on %v", i, part(heads, k), t)
					return
				}
			}
		}
	}
}

func placeDoesNotMatter(p *probe) {
	if len(p.Sources) > 0 {
		return // a row's place is its rank in the first source
	}
	r := p.ranker()
	for _, g := range []gaps{complete, scattered} {
		t := p.table(37, g, 7)
		want, ok := p.rank(r, t)
		if !ok {
			return
		}
		shuffled := rand.New(rand.NewPCG(p.Seed, 8)).Perm(t.n)
		for _, rows := range [][]int{shuffled, {36}, {5, 5, 17, 5}} {
			got, ok := p.rank(r, t.pick(rows))
			if !ok {
				return
			}
			for at, i := range rows {
				if !equalBits(got.row(at), want.row(i)) {
					p.failf("a row has score and heads %v as row %d of %d, and %v as row %d of %d", want.row(i), i, t.n, got.row(at), at, len(rows))
					break
				}
			}
		}
	}
}

// same notes the first difference of two answers to the same question.
func (p *probe) same(what string, t *table, got, want *scores) {
	for i := range t.n {
		if !equalBits(got.row(i), want.row(i)) {
			p.failf("%s: row %d has score and heads %v; before they were %v, on %v", what, i, got.row(i), want.row(i), t)
			return
		}
	}
}
