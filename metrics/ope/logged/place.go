package logged

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
)

// mostBeginnings bounds the beginnings of slates that are enumerated for a record and a policy.
const mostBeginnings = 10_000

// ErrTooManySlates is returned by [JudgePolicy.PlaceProbabilities] for slates that are too long
// to be enumerated.
var ErrTooManySlates = fmt.Errorf("logged: the slate has more than %d possible beginnings", mostBeginnings)

var errNoLogger = errors.New("logged: the probabilities of items at their places need JudgeConfig.Logger")

// PlaceProbabilities writes the probabilities of the shown rows at their places; see [Placer].
// All beginnings of slates are enumerated, for short slates of few rows: four items of twelve have
// 1,465 of them. The error is [ErrTooManySlates] for more than 10,000.
func (p *JudgePolicy) PlaceProbabilities(ctx context.Context, x *recsys.Exposure, logger, target []float64) error {
	b, err := p.open(ctx, x)
	if err != nil {
		return err
	}
	if b.logger == nil {
		return errNoLogger
	}
	if err := p.places(ctx, b.logger, x, logger); err != nil {
		return err
	}
	return p.places(ctx, b.target, x, target)
}

// places writes the probabilities under one explorer.
func (p *JudgePolicy) places(ctx context.Context, j recsys.Judge, x *recsys.Exposure, dst []float64) error {
	clear(dst)
	n, left := len(x.Rows), mostBeginnings
	dist := make([]float64, x.Shown*n)
	above := make([]int32, 0, x.Shown)
	var walk func(chance float64) error
	walk = func(chance float64) error {
		if left--; left < 0 {
			return ErrTooManySlates
		}
		k := len(above)
		d := dist[k*n : (k+1)*n]
		if err := p.choices(ctx, j, x, above, d); err != nil {
			return err
		}
		dst[k] += float64(chance * d[p.table.slate[k]])
		if k+1 == x.Shown {
			return nil
		}
		for row, q := range d {
			if q == 0 {
				continue
			}
			above = append(above, int32(row))
			err := walk(chance * q)
			above = above[:k]
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	return walk(1)
}
