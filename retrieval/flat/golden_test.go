package flat_test

import (
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// The set holds learned item and user vectors, and the exact 100 best items of each user by
// inner product, of another program. Row 0 and the last row of the items are none. The other
// program sums in another order, so that items of nearly equal scores may change places.
func TestGoldenBeautyHasTheTrueNeighbours(t *testing.T) {
	const dim, k, listed = 64, 10, 100
	raw, err := io.ReadAll(reference.Open(t, "data", "ann-beauty", "items_12103x64.f32"))
	if err != nil {
		t.Fatal(err)
	}
	base := vector.From(make([]float32, len(raw)/4), dim)
	if _, err := binary.Decode(raw, binary.LittleEndian, base.Data); err != nil {
		t.Fatal(err)
	}
	base = base.Slice(1, base.Rows-1)
	items := make([]recsys.ItemID, base.Rows)
	for i := range items {
		items[i] = recsys.ItemID(i + 1)
	}
	if raw, err = io.ReadAll(reference.Open(t, "data", "ann-beauty", "queries_2000x64.f32")); err != nil {
		t.Fatal(err)
	}
	queries := vector.From(make([]float32, len(raw)/4), dim)
	if _, err := binary.Decode(raw, binary.LittleEndian, queries.Data); err != nil {
		t.Fatal(err)
	}
	truth := make([]int32, queries.Rows*listed)
	if err := binary.Read(reference.Open(t, "data", "ann-beauty", "truth_ip_top100_2000x100.i32"), binary.LittleEndian, truth); err != nil {
		t.Fatal(err)
	}
	o := newOracle(retrieval.InnerProduct, items, base)
	for _, quantize := range quantizes {
		x, err := flat.New(flat.Config{Quantize: quantize}, items, base)
		if err != nil {
			t.Fatal(err)
		}
		swapped := 0
		for i := range queries.Rows {
			q := queries.Row(i)
			found := search(t, x, q, k, retrieval.SearchOptions{})
			if i%100 == 0 {
				mustSame(t, "brute force", found, o.search(q, k, nil))
			}
			want := truth[i*listed : i*listed+k]
			for _, n := range found {
				if slices.Contains(want, int32(n.Item)) {
					continue
				}
				swapped++
				last := simd.Dot(q, o.vec[recsys.ItemID(want[k-1])])
				if n.Score < last || n.Score > last+1e-5 {
					t.Errorf("query %d: item %d scores %v; the last of the true ones %v", i, n.Item, n.Score, last)
				}
			}
		}
		if swapped > 5 {
			t.Errorf("%v: %d of %d neighbours differ from the true ones", quantize, swapped, k*queries.Rows)
		}
	}
}
