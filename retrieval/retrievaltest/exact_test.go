package retrievaltest_test

import (
	"bytes"
	"fmt"
	"log"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func ExampleExact() {
	items := []recsys.ItemID{10, 20, 30}
	vectors := vector.From([]float32{1, 0, 0, 1, 2, 2}, 2)
	x, err := retrievaltest.NewExact(retrieval.InnerProduct, items, vectors)
	if err != nil {
		log.Fatal(err)
	}
	best, err := x.Search(nil, []float32{1, 0}, 2, retrieval.SearchOptions{})
	fmt.Println(best, err)
	// Output: [{30 2} {10 1}] <nil>
}

func TestExactReadsOnlyWhatFitsTogether(t *testing.T) {
	write := func(metric, dim int, items []recsys.ItemID, vectors []float32) *bytes.Buffer {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, "retrievaltest.exact", 1, 0)
		w.WriteJSON("config", map[string]int{"Metric": metric, "Dim": dim})
		envelope.Write(w, "items", items)
		envelope.Write(w, "vectors", vectors)
		_, err := w.Close()
		require.NoError(t, err)
		return &b
	}
	two := []recsys.ItemID{1, 2}
	x := new(retrievaltest.Exact)
	_, err := x.ReadFrom(write(0, 2, two, make([]float32, 4)))
	require.NoError(t, err)
	for name, file := range map[string]*bytes.Buffer{
		"metric":         write(3, 2, two, make([]float32, 4)),
		"dimension":      write(0, 3, two, make([]float32, 4)),
		"negative":       write(0, -2, two, make([]float32, 4)),
		"huge dimension": write(0, 1<<62, two, nil),
		"doubled item":   write(0, 2, []recsys.ItemID{1, 1}, make([]float32, 4)),
	} {
		_, err := x.ReadFrom(file)
		require.ErrorIs(t, err, envelope.ErrCorrupt, name)
		require.Equal(t, 2, x.Len(), "an index of an earlier file has changed")
	}
}
