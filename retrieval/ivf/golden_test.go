package ivf_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// gowalla returns the learned vectors of 40,981 places, and of 1,000 users as queries.
func gowalla(tb testing.TB) (items []recsys.ItemID, base, queries vector.Matrix) {
	tb.Helper()
	base, queries = fvecs(tb, "base.fvecs"), fvecs(tb, "query.fvecs")
	return numbered(base.Rows), base, queries
}

func fvecs(tb testing.TB, name string) (m vector.Matrix) {
	tb.Helper()
	src := bufio.NewReader(reference.Open(tb, "data", "ann-gowalla", name))
	for {
		var dim uint32
		if err := binary.Read(src, binary.LittleEndian, &dim); errors.Is(err, io.EOF) {
			return m
		} else if err != nil {
			tb.Fatal(err)
		}
		row := make([]byte, 4*dim)
		if _, err := io.ReadFull(src, row); err != nil {
			tb.Fatal(err)
		}
		for ; len(row) > 0; row = row[4:] {
			m.Data = append(m.Data, math.Float32frombits(binary.LittleEndian.Uint32(row)))
		}
		m.Rows, m.Dim, m.Stride = m.Rows+1, int(dim), int(dim)
	}
}

func numbered(n int) []recsys.ItemID {
	items := make([]recsys.ItemID, n)
	for i := range items {
		items[i] = recsys.ItemID(i + 1)
	}
	return items
}

// Users are no mixtures of places, and the lengths of places differ by a factor of 30: what
// Build measures without being shown queries must hold for them too.
func TestGowallaRecallIsWhatIsAskedFor(t *testing.T) {
	race.SkipSequential(t)
	if testing.Short() {
		t.Skip("builds indexes of 41,000 vectors")
	}
	items, base, queries := gowalla(t)
	queries = queries.Slice(0, 100)
	for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine} {
		oracle, err := retrievaltest.NewExact(m, items, base)
		if err != nil {
			t.Fatal(err)
		}
		for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
			if m == retrieval.Cosine && codes == ivf.PQ {
				continue // TestPQFindsWithFewerBits has it
			}
			ix := build(t, ivf.Config{Metric: m, Codes: codes, Recall: 0.95}, items, base)
			got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{})
			t.Logf("%v, %v: recall %.4f", m, codes, got)
			if got < 0.95 {
				t.Errorf("%v, %v: recall is %.4f; want 0.95", m, codes, got)
			}
			all := recall(t, ix, oracle, queries.Slice(0, 20), 10, retrieval.SearchOptions{Effort: ix.Lists()})
			if want := map[ivf.Codes]float64{ivf.Int8: 1, ivf.PQ: 0.99}[codes]; all < want {
				t.Errorf("%v, %v: recall of all lists is %.4f; want %v", m, codes, all, want)
			}
		}
	}
}

// Half of the places turn over three times, and half of what is then there goes: without
// Compact a search finds what it was asked to.
func TestGowallaRecallOutlivesTurnovers(t *testing.T) {
	race.SkipSequential(t)
	if testing.Short() {
		t.Skip("builds indexes of 41,000 vectors")
	}
	items, base, queries := gowalla(t)
	queries = queries.Slice(0, 100)
	half := len(items) / 2
	ix := build(t, ivf.Config{}, items[:half], base.Slice(0, half))
	look := func(after string, from, to int) {
		oracle, err := retrievaltest.NewExact(retrieval.InnerProduct, items[from:to], base.Slice(from, to))
		if err != nil {
			t.Fatal(err)
		}
		got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{})
		t.Logf("after %s: recall %.4f", after, got)
		if got < 0.95 {
			t.Errorf("after %s: recall is %.4f; want 0.95", after, got)
		}
	}
	for turn := range 3 {
		out, in := 0, half
		if turn == 1 {
			out, in = half, 0
		}
		for i := range half {
			if err := errors.Join(ix.Delete(items[out+i]), ix.Insert(items[in+i], base.Row(in+i))); err != nil {
				t.Fatal(err)
			}
		}
		look(fmt.Sprint(turn+1, " turnovers"), in, in+half)
	}
	for i := range half / 2 {
		if err := ix.Delete(items[half+i]); err != nil {
			t.Fatal(err)
		}
	}
	look("half deleted", half+half/2, 2*half)
	if err := ix.Verify(); err != nil {
		t.Fatal(err)
	}
}
