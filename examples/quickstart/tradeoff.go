package main

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
)

// setting is a pipeline with another setting of diversity.
type setting struct {
	family, label     string
	recall, diversity float64
}

// tradeOff serves the test users with caps and MMR from loose to tight. Nil without packages.
func (m *models) tradeOff(ctx context.Context, users []int, workers int) ([]setting, error) {
	if m.d.attribute == "" {
		return nil, nil
	}
	var list []setting
	add := func(family, label string, opts []recsys.Option) error {
		p, err := recsys.NewPipeline(opts...).Build()
		if err != nil {
			return err
		}
		o, err := evaluate(ctx, m.d, users, variant{name: label, pipeline: p}, workers, nil)
		if err != nil {
			return err
		}
		list = append(list, setting{family, label, mean(o.recall), mean(o.diversity)})
		return nil
	}
	for _, n := range []int{cutoff, 8, 5, 4, 3, 2, 1} {
		if err := add("cap alone", fmt.Sprintf("at most %d", n), m.capped(n)); err != nil {
			return nil, err
		}
	}
	for _, lambda := range []float64{1, 0.9, 0.8, 0.7, 0.6, 0.5} {
		if err := add(fmt.Sprintf("cap %d and MMR", wideCap), fmt.Sprintf("λ = %g", lambda), m.diverse(wideCap, lambda)); err != nil {
			return nil, err
		}
	}
	return list, nil
}
