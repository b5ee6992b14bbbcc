package flat_test

import (
	"io"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestConformance(t *testing.T) {
	for _, quantize := range quantizes {
		t.Run(quantize.String(), func(t *testing.T) {
			suite := retrievaltest.IndexSuite{
				Mutable: true,
				Read: func(src io.Reader) (retrieval.Index, error) {
					x := new(flat.Index)
					_, err := x.ReadFrom(src)
					return x, err
				},
				Open: func(path string) (retrieval.Index, error) { return flat.Open(path) },
			}
			if race.Enabled { // what is shared does not depend on the metric
				suite.Metrics = []retrieval.Metric{retrieval.InnerProduct}
			}
			suite.Run(t, func(metric retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
				return flat.New(flat.Config{Metric: metric, Quantize: quantize, Workers: workers}, items, vectors)
			})
		})
	}
}
