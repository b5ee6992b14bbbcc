package bandittest

import (
	"context"
	"math"

	"github.com/recsyskit/recsys"
)

// judge returns what the judge says of a slate, and false if the explorer is no judge or
// fails.
func (p *probe) judge(in *instance, slate []int32) ([]float64, bool) {
	j, ok := p.e.(recsys.Judge)
	if !ok {
		return nil, false
	}
	c, order := in.table()
	dst := make([]float64, len(slate))
	for i := range dst {
		dst[i] = math.NaN() // must be written
	}
	s := c.Slate(in.k, order)
	if err := j.Propensities(context.Background(), in.query(p.Seed), c, s, slate, dst); err != nil {
		p.failf("%s: slate %v: Propensities returned %v", in.name, slate, err)
		return nil, false
	}
	if s.Err() != nil {
		p.failf("%s: slate %v: Slate.Err is %v", in.name, slate, s.Err())
		return nil, false
	}
	return dst, true
}

func judgeAgrees(p *probe) {
	if _, ok := p.e.(recsys.Judge); !ok {
		return
	}
	p.each(func(what string, in *instance, o outcome) {
		got, ok := p.judge(in, o.rows)
		for i := range got {
			if want := o.props[i]; ok && !(math.Abs(got[i]-want) <= tolerance*want) {
				p.failf("%s: slate %v: place %d was logged with propensity %v and is judged %v", what, o.rows, i, want, got[i])
			}
		}
	})
}

func judgeSumsToOne(p *probe) {
	for _, in := range p.settings() {
		in.walk(func(prefix, next []int32) {
			if len(next) == 0 || len(p.details) > 0 {
				return
			}
			last := len(prefix)
			reached, sum := true, 0.0
			for _, row := range next {
				got, ok := p.judge(in, append(prefix[:last:last], row))
				if !ok {
					return
				}
				for _, x := range got[:last] {
					reached = reached && x > 0
				}
				sum += got[last]
			}
			if reached && !(math.Abs(sum-1) <= tolerance) {
				p.failf("%s: the probabilities of all rows after %v sum to %v", in.name, prefix, sum)
			}
		})
	}
}

func judgeImpossibleSlates(p *probe) {
	for _, x := range []struct {
		what  string
		in    *instance
		slate func(first int32) []int32
		zero  int // the first place that must be 0
	}{
		{"a row twice", p.free(), func(r int32) []int32 { return []int32{r, r, (r + 1) % 7} }, 1},
		{"a row below 0", p.free(), func(r int32) []int32 { return []int32{r, -1, (r + 1) % 7} }, 1},
		{"a row beyond the table", p.free(), func(r int32) []int32 { return []int32{r, 7, 1 << 30, (r + 1) % 7} }, 1},
		{"more rows than places", p.free(), func(int32) []int32 { return []int32{0, 1, 2, 3, 4, 5} }, 4},
		{"a row that a rule forbids", p.readmitting(), func(r int32) []int32 { return []int32{r, (r + 3) % 6, (r + 1) % 6} }, 1},
		{"an empty table", &instance{name: "empty", k: 3}, func(int32) []int32 { return []int32{0, 1} }, 0},
		{"an empty slate", p.free(), func(int32) []int32 { return nil }, 0},
	} {
		first := int32(0)
		if o := explore(context.Background(), p.e, x.in, p.Seed); len(o.rows) > 0 {
			first = o.rows[0] % 6
		}
		slate := x.slate(first)
		got, ok := p.judge(x.in, slate)
		for i := range got {
			if ok && (i >= x.zero && got[i] != 0 || !(got[i] >= 0 && got[i] <= 1)) {
				p.failf("%s: slate %v has probabilities %v; want 0 from place %d on", x.what, slate, got, x.zero)
				break
			}
		}
	}
}
