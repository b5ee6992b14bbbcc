package ivf_test

import (
	"context"
	"io"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func suite(recall float64) retrievaltest.IndexSuite {
	s := retrievaltest.IndexSuite{
		Mutable: true,
		Recall:  recall,
		Read: func(src io.Reader) (retrieval.Index, error) {
			ix := new(ivf.Index)
			_, err := ix.ReadFrom(src)
			return ix, err
		},
		Open: func(path string) (retrieval.Index, error) { return ivf.Open(path) },
	}
	if race.Enabled { // what is shared does not depend on the metric
		s.Metrics = []retrieval.Metric{retrieval.InnerProduct}
	}
	return s
}

func TestConformance(t *testing.T) {
	suite(0.95).Run(t, func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
		return ivf.Build(context.Background(), ivf.Config{Metric: m, Workers: workers, Recall: 0.99}, items, vectors)
	})
}

func TestConformancePQ(t *testing.T) {
	if testing.Short() {
		t.Skip("short: int8 alone")
	}
	suite(0.9).Run(t, func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
		return ivf.Build(context.Background(), ivf.Config{Metric: m, Workers: workers, Recall: 0.99, Codes: ivf.PQ}, items, vectors)
	})
}

// An index that reads every list answers as one that compares everything does, to the bit.
func TestReadingAllListsIsExact(t *testing.T) {
	if testing.Short() {
		t.Skip("short: see TestConformance")
	}
	exact := suite(0)
	exact.Run(t, func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
		return ivf.Build(context.Background(), ivf.Config{Metric: m, Workers: workers, Recall: 1, Lists: 1}, items, vectors)
	})
}
