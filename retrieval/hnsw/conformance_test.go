package hnsw_test

import (
	"context"
	"io"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestIndexKeepsTheContract(t *testing.T) {
	for _, quant := range []hnsw.Quant{hnsw.Int8, hnsw.None} {
		t.Run(quant.String(), func(t *testing.T) {
			if quant == hnsw.None && testing.Short() {
				t.Skip("short: int8 alone")
			}
			suite := retrievaltest.IndexSuite{
				Mutable: true,
				Recall:  0.99,
				Read: func(r io.Reader) (retrieval.Index, error) {
					x := new(hnsw.Index)
					if _, err := x.ReadFrom(r); err != nil {
						return nil, err
					}
					return x, nil
				},
				Open: func(path string) (retrieval.Index, error) {
					x, err := hnsw.Open(path)
					if err != nil {
						return nil, err
					}
					return x, nil
				},
			}
			if race.Enabled { // what is shared does not depend on the metric
				suite.Metrics = []retrieval.Metric{retrieval.InnerProduct}
			}
			suite.Run(t, func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
				x, err := hnsw.Build(context.Background(), hnsw.Config{Metric: m, Quant: quant, Workers: workers}, items, vectors)
				if err != nil {
					return nil, err
				}
				return x, nil
			})
		})
	}
}
