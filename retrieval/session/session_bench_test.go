package session_test

import (
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/session"
)

// BenchmarkRetrieve asks for 100 items after sessions of the length of a real shop's.
func BenchmarkRetrieve(b *testing.B) {
	lines := random(1, 200_000, 20_000)
	in := sequences(b, lines...)
	rules := session.SequentialRules()
	models := map[string]recsys.Retriever{"model=rules": transitions(b, in, rules)}
	for name, cfg := range map[string]session.Config{
		"model=sknn": session.SKNN(), "model=vsknn": session.VSKNN(), "model=stan": session.STAN(), "model=combined": session.Combined(),
	} {
		models[name] = train(b, in, cfg)
	}
	rnd := rand.New(rand.NewPCG(2, 2))
	var queries []*recsys.Query
	for range 256 {
		queries = append(queries, recsys.NewQuery(&recsys.Request{ID: "b", History: clicks(lines[rnd.IntN(len(lines))]...)}, nil, "bench"))
	}
	for name, m := range models {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if err := m.Retrieve(b.Context(), queries[i%len(queries)], recsys.NewSink(100)); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
