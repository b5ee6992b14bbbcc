package ope_test

import (
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

// benchLog returns a log of n decisions among a actions, by a logger and a target whose
// probabilities are between 0.5 and 1.5 over a before they are normalized.
func benchLog[F ope.Float](n, a int) ope.Log[F] {
	rng := rand.New(rand.NewPCG(1, 2))
	log := ope.Log[F]{
		Actions: a, Reward: make([]F, n), Action: make([]int32, n), Propensity: make([]F, n),
		Target: make([]F, n*a), Model: make([]F, n*a),
	}
	for i := range n {
		log.Action[i] = int32(rng.IntN(a))
		log.Propensity[i] = F((0.5 + rng.Float64()) / float64(a))
		log.Reward[i] = F(rng.IntN(2))
		row, sum := log.Target[i*a:i*a+a], F(0)
		for k := range row {
			row[k] = F(0.5 + rng.Float64())
			sum += row[k]
			log.Model[i*a+k] = F(rng.Float64())
		}
		for k := range row {
			row[k] /= sum
		}
	}
	return log
}

func BenchmarkEvaluate(b *testing.B) {
	b.Run("float64", func(b *testing.B) { benchEvaluate(b, benchLog[float64](1e6, 20)) })
	b.Run("float32", func(b *testing.B) { benchEvaluate(b, benchLog[float32](1e6, 20)) })
}

func benchEvaluate[F ope.Float](b *testing.B, log ope.Log[F]) {
	for _, c := range []struct {
		name       string
		estimators []ope.Estimator
	}{
		{"ips", []ope.Estimator{ope.IPS()}},
		{"snips", []ope.Estimator{ope.SNIPS()}},
		{"ips+snips", []ope.Estimator{ope.IPS(), ope.SNIPS()}},
		{"dr", []ope.Estimator{ope.DR()}},
	} {
		b.Run("estimators="+c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ope.Evaluate(log, ope.Options{}, c.estimators...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(log.Reward)), "ns/row")
		})
	}
}
