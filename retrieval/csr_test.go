package retrieval_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/recsyskit/recsys/retrieval"
)

// randomCSR returns a matrix and the same as a table of cells.
func randomCSR(rng *rand.Rand, rows, cols int, density float64) (*retrieval.CSR, map[[2]int]float32) {
	m := &retrieval.CSR{Cols: cols, Start: []int64{0}, Index: []int32{}, Weight: []float32{}}
	cells := map[[2]int]float32{}
	for r := range rows {
		for c := range cols {
			if rng.Float64() < density {
				w := rng.Float32()
				m.Index, m.Weight = append(m.Index, int32(c)), append(m.Weight, w)
				cells[[2]int{r, c}] = w
			}
		}
		m.Start = append(m.Start, int64(len(m.Index)))
	}
	return m, cells
}

func TestCSRAgreesWithATableOfCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, shape := range [][2]int{{0, 0}, {0, 5}, {5, 0}, {1, 1}, {1, 33}, {33, 1}, {17, 16}, {40, 31}} {
		for _, density := range []float64{0, 0.1, 0.5, 1} {
			m, cells := randomCSR(rng, shape[0], shape[1], density)
			if err := m.Check(); err != nil {
				t.Fatal(err)
			}
			tr := m.Transpose()
			if err := tr.Check(); err != nil {
				t.Fatalf("%v transposed: %v", shape, err)
			}
			if m.Rows() != shape[0] || tr.Rows() != shape[1] || tr.Cols != shape[0] || m.Len() != len(cells) || tr.Len() != len(cells) {
				t.Fatalf("%v: transposed to %d x %d with %d cells of %d", shape, tr.Rows(), tr.Cols, tr.Len(), len(cells))
			}
			for r := range shape[0] {
				for c := -1; c <= shape[1]; c++ {
					want, there := cells[[2]int{r, c}]
					if got, ok := m.At(r, c); got != want || ok != there {
						t.Fatalf("%v: At(%d, %d) = %v, %v; want %v, %v", shape, r, c, got, ok, want, there)
					}
					if c < 0 || c == shape[1] {
						continue
					}
					if got, ok := tr.At(c, r); got != want || ok != there {
						t.Fatalf("%v transposed: At(%d, %d) = %v, %v; want %v, %v", shape, c, r, got, ok, want, there)
					}
				}
			}
			if back := tr.Transpose(); !reflect.DeepEqual(back, m) {
				t.Fatalf("%v: transposed twice is another matrix", shape)
			}
		}
	}
}

func TestRowCannotGrowIntoTheNext(t *testing.T) {
	m := &retrieval.CSR{Cols: 3, Start: []int64{0, 1, 2}, Index: []int32{0, 1}, Weight: []float32{1, 2}}
	cols, weights := m.Row(0)
	_, _ = append(cols, 9), append(weights, 9)
	if m.Index[1] != 1 || m.Weight[1] != 2 {
		t.Error("append to row 0 wrote into row 1")
	}
}

func TestZeroCSRIsEmpty(t *testing.T) {
	var m retrieval.CSR
	if m.Rows() != 0 || m.Len() != 0 || m.Check() != nil || m.Transpose().Rows() != 0 {
		t.Errorf("the zero CSR has %d rows and %d cells: %v", m.Rows(), m.Len(), m.Check())
	}
}

func TestCheckFindsWhatReadingWouldTrip(t *testing.T) {
	for name, m := range map[string]retrieval.CSR{
		"negative columns":    {Cols: -1},
		"weights missing":     {Cols: 2, Start: []int64{0, 1}, Index: []int32{0}},
		"no rows":             {Cols: 2, Index: []int32{0}, Weight: []float32{1}},
		"starts late":         {Cols: 2, Start: []int64{1, 1}, Index: []int32{0}, Weight: []float32{1}},
		"ends early":          {Cols: 2, Start: []int64{0, 0}, Index: []int32{0}, Weight: []float32{1}},
		"ends late":           {Cols: 2, Start: []int64{0, 2}, Index: []int32{0}, Weight: []float32{1}},
		"starts descend":      {Cols: 2, Start: []int64{0, 2, 1}, Index: []int32{0}, Weight: []float32{1}},
		"start beyond":        {Cols: 2, Start: []int64{0, 1 << 40, 1}, Index: []int32{0}, Weight: []float32{1}},
		"negative start":      {Cols: 2, Start: []int64{0, -1, 1}, Index: []int32{0}, Weight: []float32{1}},
		"column beyond":       {Cols: 2, Start: []int64{0, 1}, Index: []int32{2}, Weight: []float32{1}},
		"column negative":     {Cols: 2, Start: []int64{0, 1}, Index: []int32{-1}, Weight: []float32{1}},
		"columns equal":       {Cols: 2, Start: []int64{0, 2}, Index: []int32{1, 1}, Weight: []float32{1, 1}},
		"columns not ordered": {Cols: 2, Start: []int64{0, 2}, Index: []int32{1, 0}, Weight: []float32{1, 1}},
	} {
		if m.Check() == nil {
			t.Errorf("%s: Check found nothing", name)
		}
	}
}
