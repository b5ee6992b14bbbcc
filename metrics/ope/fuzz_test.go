package ope_test

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

// FuzzEvaluate holds that whatever a log contains, the result is an error of this package, or
// estimates that are numbers with consistent intervals, or not a number and unreliable.
func FuzzEvaluate(f *testing.F) {
	f.Add([]byte{2, 1, 0, 9, 200, 3, 7, 128, 5, 77, 12, 250, 33})
	f.Add([]byte{0, 3, 255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	special := []float64{0, 1, -1, 0.5, 1e-320, 5e-324, 1e308, -1e308, math.Inf(1), math.NaN(), 1 + 1e-16, math.MaxFloat64, 0.1, 0.9, 2, math.Copysign(0, -1)}
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		number := func() float64 {
			switch b := next(); {
			case b < 64:
				return special[b%16]
			case b < 72 && len(data) >= 8:
				x := math.Float64frombits(binary.LittleEndian.Uint64(data))
				data = data[8:]
				return x
			default:
				return float64(b) / 255
			}
		}
		actions, n := int(next()%4), int(next()%40)
		numbers := func(k int) []float64 {
			x := make([]float64, k)
			for i := range x {
				x[i] = number()
			}
			return x
		}
		log := ope.Log[float64]{Actions: actions, Reward: numbers(n), Propensity: numbers(n)}
		for range n {
			log.Action = append(log.Action, int32(int8(next()))%5)
			log.Stratum = append(log.Stratum, int32(int8(next()))%3)
		}
		shape := next()
		table := n * actions
		if shape&1 != 0 {
			table = 2 * actions
			for range n {
				log.Context = append(log.Context, int32(next()%3))
			}
		}
		log.Target, log.Model, log.Average = numbers(table), numbers(table), numbers(n)
		if actions > 0 && shape&2 != 0 { // probabilities that sum to 1
			for at := 0; at < table; at += actions {
				for a := range actions {
					log.Target[at+a] = 1 / float64(actions)
				}
			}
		}
		if shape&4 != 0 {
			log.Weight = numbers(n)
		}
		opt := ope.Options{Interval: ope.Interval(shape >> 4 & 3), Resamples: 40, Tails: true}
		for _, e := range allEstimators() {
			report, err := ope.Evaluate(log, opt, e)
			var row *ope.RowError
			var field *ope.FieldError
			if err != nil {
				if !errors.As(err, &row) && !errors.As(err, &field) && !errors.Is(err, ope.ErrEmpty) {
					t.Fatalf("%v: %v", e, err)
				}
				continue
			}
			got := report.Estimates[0]
			if math.IsNaN(got.Value) || math.IsInf(got.Value, 0) {
				if got.Verdict != ope.Unreliable || got.Reason == "" {
					t.Fatalf("%+v", got)
				}
				continue
			}
			if got.N != n || got.Lower > got.Upper || got.ESS < 0 || got.ESS > float64(n)*(1+1e-9) {
				t.Fatalf("%+v", got)
			}
			if got.Verdict == ope.Reliable { // so few rows cannot be
				t.Fatalf("%+v", got)
			}
		}
	})
}
