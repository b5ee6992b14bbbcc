package retrievaltest_test

import (
	"io"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func exact(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, _ int) (retrieval.Index, error) {
	return retrievaltest.NewExact(m, items, vectors)
}

func exactSuite() retrievaltest.IndexSuite {
	return retrievaltest.IndexSuite{
		Read: func(r io.Reader) (retrieval.Index, error) {
			x := new(retrievaltest.Exact)
			_, err := x.ReadFrom(r)
			return x, err
		},
		Open: func(path string) (retrieval.Index, error) {
			x := new(retrievaltest.Exact)
			return x, envelope.ReadFile(path, x)
		},
	}
}

func TestExactConforms(t *testing.T) {
	exactSuite().Run(t, exact)
}
