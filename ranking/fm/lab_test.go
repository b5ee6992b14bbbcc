package fm_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

func frappe(t testing.TB, name string) *ranking.Dataset {
	d, err := ranking.ReadCSV(reference.Open(t, "data", "ctr-frappe", name+".csv.gz"), ranking.CSVConfig{
		Labels:    []string{"label"},
		IDs: []string{"user", "daytime", "weekday", "isweekend", "homework", "weather", "country", "city", "item", "cost"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func aucLoss(p []float32, d *ranking.Dataset) (auc, loss float64) {
	n := len(p)
	at := make([]int, n)
	for i := range at {
		at[i] = i
		y := float64(d.Labels[i])
		q := min(max(float64(p[i]), 1e-12), 1-1e-7)
		loss -= y*math.Log(q) + (1-y)*math.Log(1-q)
	}
	sort.Slice(at, func(a, b int) bool { return p[at[a]] < p[at[b]] })
	var np, ranks float64
	for r, i := range at {
		if d.Labels[i] > 0 {
			np++
			ranks += float64(r + 1)
		}
	}
	return (ranks - np*(np+1)/2) / (np * (float64(n) - np)), loss / float64(n)
}

func env(name string, def float64) float64 {
	if v, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil {
		return v
	}
	return def
}

func TestLab(t *testing.T) {
	train, valid := frappe(t, "train"), frappe(t, "valid")
	cfg := fm.Config{
		Kind: fm.Kind(env("KIND", 0)), Optimizer: fm.Optimizer(env("OPT", 0)), Factors: int(env("K", 32)), LearningRate: env("LR", 0), L2: env("L2", 0),
		InitScale: env("INIT", 0), BatchSize: int(env("B", 0)), Epochs: int(env("E", 20)), Validation: valid, HashBits: int(env("BITS", 0)), Workers: int(env("W", 1)), L1: env("L1", 0), Seed: uint64(env("SEED", 0)),
	}
	start := time.Now()
	if env("V", 0) > 0 {
		cfg.Progress = func(p fm.Progress) { fmt.Printf("%d %.4f %.4f %v\n", p.Epoch, p.Heads[0].Loss, p.Heads[0].Validation, time.Since(start)) }
	}
	m, err := fm.Train(context.Background(), cfg, train)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	p, _ := m.Predict(nil, valid)
	a, l := aucLoss(p, valid)
	fmt.Printf("%+v took %v: valid AUC %.4f loss %.4f\n", []any{cfg.Kind, cfg.Optimizer, cfg.Factors, cfg.LearningRate, cfg.L2, cfg.InitScale, cfg.BatchSize}, took, a, l)
	if env("TEST", 0) > 0 {
		test := frappe(t, "test")
		p, _ := m.Predict(nil, test)
		a, l := aucLoss(p, test)
		fmt.Printf("test AUC %.4f loss %.4f\n", a, l)
	}
}
