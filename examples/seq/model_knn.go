package main

import (
	"cmp"
	"context"
	"strconv"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/session"
)

// knnParams are the parameters of the nearest neighbours, with the defaults of a method.
func knnParams(cfg session.Config) hyper.Params {
	forms := []string{"reciprocal", "constant", "linear", "exponential", "quadratic"}
	scale := func(d session.Decay) string { return number(cmp.Or(d.Scale, 2)) }
	return hyper.Params{
		{Name: "neighbors", Doc: "sessions that propose", Default: strconv.Itoa(cmp.Or(cfg.Neighbors, 100)), Integer: true, Min: 1, Lo: 50, Hi: 2000, Log: true},
		{Name: "sample", Doc: "newest sessions that neighbours are chosen from", Default: strconv.Itoa(cmp.Or(cfg.Sample, 1000)), Integer: true, Min: 1, Lo: 200, Hi: 10000, Log: true},
		{Name: "position", Doc: "weight of an item of the session by events after it", Default: cfg.Position.Form.String(), Choices: append(forms[:len(forms):len(forms)], "proportional")},
		{Name: "position-scale", Doc: "of an exponential position", Default: scale(cfg.Position), Min: 1e-6, Lo: 0.3, Hi: 10, Log: true},
		{Name: "length", Doc: "power of a neighbour's length that divides its similarity", Default: number(cfg.Length), Max: 1, Lo: 0, Hi: 1},
		{Name: "match", Doc: "weight of a neighbour by events after the last shared item", Default: cfg.Match.Form.String(), Choices: append(forms[:len(forms):len(forms)], "proportional")},
		{Name: "match-scale", Doc: "of an exponential match", Default: scale(cfg.Match), Min: 1e-6, Lo: 0.3, Hi: 10, Log: true},
		{Name: "distance", Doc: "weight of an item by events from the last shared one", Default: cfg.Distance.Form.String(), Choices: forms},
		{Name: "distance-scale", Doc: "of an exponential distance", Default: scale(cfg.Distance), Min: 1e-6, Lo: 0.3, Hi: 10, Log: true},
		{Name: "forward", Doc: "by how much less items before the last shared one count", Default: number(cfg.Forward), Max: 1, Lo: 0, Hi: 1},
		{Name: "recency", Doc: "share of the sessions after which age leaves 1/e, 0 for no age", Default: number(cfg.Recency), Lo: 0.02, Hi: 5, Log: true},
		{Name: "idf", Doc: "by how much more rare items count", Default: number(cfg.IDF), Lo: 0, Hi: 3},
		{Name: "repeat", Doc: "by how much more items of the session count", Default: number(cfg.Repeat), Min: -1, Max: 1e6, Lo: -1, Hi: 6},
	}
}

// knnConfig is the configuration that the settings say.
func knnConfig(s hyper.Settings) (session.Config, error) {
	cfg := session.Config{
		Neighbors: s.Int("neighbors"), Sample: s.Int("sample"), Length: s.Float("length"), Forward: s.Float("forward"),
		Recency: s.Float("recency"), IDF: s.Float("idf"), Repeat: s.Float("repeat"),
	}
	for name, d := range map[string]*session.Decay{"position": &cfg.Position, "match": &cfg.Match, "distance": &cfg.Distance} {
		if err := d.Form.UnmarshalText([]byte(s[name])); err != nil {
			return cfg, err
		}
		if d.Form == session.Exponential {
			d.Scale = s.Float(name + "-scale")
		}
	}
	return cfg, nil
}

// knnModel is an entry of the table.
func knnModel(name string, cfg session.Config) model {
	return model{
		name:   name,
		params: knnParams(cfg),
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, _ env) (trained, error) {
			cfg, err := knnConfig(s)
			if err != nil {
				return nil, err
			}
			return session.TrainKNN(ctx, in, cfg)
		},
		load: func(path string) (trained, error) { return session.Load(path) },
	}
}

var knnModels = []model{
	knnModel("sknn", session.SKNN()),
	knnModel("vsknn", session.VSKNN()),
	knnModel("stan", session.STAN()),
	knnModel("combined", session.Combined()),
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
