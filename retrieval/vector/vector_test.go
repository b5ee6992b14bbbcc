package vector_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var (
	inf = float32(math.Inf(1))
	nan = float32(math.NaN())
)

func normal(r *rand.Rand, rows, dim, stride int) vector.Matrix {
	m := vector.Matrix{Data: make([]float32, rows*stride), Rows: rows, Dim: dim, Stride: stride}
	for i := range m.Data {
		m.Data[i] = float32(r.NormFloat64())
	}
	return m
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestBatchesHaveTheBitsOfOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, dim := range []int{1, 3, 16, 17, 64, 100, 300} {
		m := normal(r, 37, dim, dim+r.IntN(3))
		q := normal(r, 1, dim, dim).Row(0)
		rows := []uint32{36, 0, 7, 7, 12, 35, 1, 2, 3, 20}
		dot, l2 := make([]float32, 37), make([]float32, 37)
		some, someL2 := make([]float32, len(rows)), make([]float32, len(rows))
		vector.DotBatch(dot, q, m)
		vector.L2SqBatch(l2, q, m)
		vector.DotGather(some, q, m, rows)
		vector.L2SqGather(someL2, q, m, rows)
		for i := range 37 {
			if !same(dot[i], vector.Dot(q, m.Row(i))) || !same(l2[i], vector.L2Sq(q, m.Row(i))) {
				t.Fatalf("dim %d: row %d of a batch differs", dim, i)
			}
		}
		for i, row := range rows {
			if !same(some[i], dot[row]) || !same(someL2[i], l2[row]) {
				t.Fatalf("dim %d: gathered row %d differs", dim, row)
			}
		}
	}
}

// A cosine is right for every finite vector: the sums of squares of the second half of
// these overflow or underflow float32, and the last ones float64 when multiplied.
func TestCosineAndNormalizeOfAllSizes(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, size := range [][2]float64{{1, 1}, {1e-3, 1e5}, {1e-15, 1e15}, {1e-25, 1}, {1e25, 1}, {1e25, 1e-25}, {1e-38, 1e-38}, {1e-43, 1e-43}, {3e37, 3e37}} {
		for _, dim := range []int{1, 2, 33, 300} {
			a, b := normal(r, 1, dim, dim).Row(0), normal(r, 1, dim, dim).Row(0)
			var ab, aa, bb float64
			for i := range a {
				a[i], b[i] = float32(float64(a[i])*size[0]), float32(float64(b[i])*size[1])
				x, y := float64(a[i]), float64(b[i])
				ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
			}
			if aa == 0 || bb == 0 {
				continue
			}
			if got, want := vector.Cosine(a, b), ab/math.Sqrt(aa)/math.Sqrt(bb); math.Abs(float64(got)-want) > 2e-6 {
				t.Errorf("cosine of sizes %v in %d dimensions is %v, want %v", size, dim, got, want)
			}
			length := vector.Normalize(a)
			if want := float32(math.Sqrt(aa)); math.Abs(float64(length)/math.Sqrt(aa)-1) > 2e-6 && length != want && want > 1e-40 {
				t.Errorf("length of size %v in %d dimensions is %v, want %v", size[0], dim, length, want)
			}
			if d := vector.Dot(a, a); math.Abs(float64(d)-1) > 3e-6 {
				t.Errorf("normalised vector of size %v in %d dimensions has square %v", size[0], dim, d)
			}
		}
	}
}

func TestSpecialVectors(t *testing.T) {
	zero, one := []float32{0, 0}, []float32{3, 4}
	for _, c := range []struct {
		a, b []float32
		want float32
	}{
		{nil, nil, 0},
		{zero, one, 0},
		{zero, zero, 0},
		{one, one, 1},
		{one, []float32{-6, -8}, -1},
		{one, []float32{4, -3}, 0},
		{one, []float32{nan, 0}, nan},
		{zero, []float32{nan, 0}, nan},
		{one, []float32{inf, 0}, nan},
		{[]float32{-inf, inf}, one, nan},
		{zero, []float32{inf, 1}, nan},
		{[]float32{0x1p-149, 0}, []float32{0x1p127, 0}, 1},
	} {
		if got := vector.Cosine(c.a, c.b); !same(got, c.want) {
			t.Errorf("Cosine(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
	for _, c := range []struct {
		v, want []float32
		length  float32
	}{
		{nil, nil, 0},
		{[]float32{0, 0}, []float32{0, 0}, 0},
		{[]float32{3, -4}, []float32{3 * float32(0.2), -4 * float32(0.2)}, 5},
		{[]float32{1, nan}, []float32{1, nan}, nan},
		{[]float32{1, -inf}, []float32{1, -inf}, inf},
		{[]float32{math.MaxFloat32, math.MaxFloat32}, []float32{math.Sqrt2 / 2, math.Sqrt2 / 2}, inf},
		{[]float32{0x1p-149, 0}, []float32{1, 0}, 0x1p-149},
	} {
		v := slices.Clone(c.v)
		length := vector.Normalize(v)
		if !slices.EqualFunc(v, c.want, same) || !same(length, c.length) {
			t.Errorf("Normalize(%v) = %v and the vector %v; want %v, %v", c.v, length, v, c.length, c.want)
		}
	}
}

// bruteForce scores all rows and sorts them.
func bruteForce(q []float32, m vector.Matrix, k int) []vector.Hit {
	var all []vector.Hit
	for i := range m.Rows {
		if s := vector.Dot(q, m.Row(i)); s > -inf {
			all = append(all, vector.Hit{Row: uint32(i), Score: s})
		}
	}
	slices.SortStableFunc(all, func(a, b vector.Hit) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return all[:max(0, min(k, len(all)))]
}

func TestTopKIsTheSortedList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	sizes := []int{0, 1, 5, 111, 112, 113, 700}
	if !testing.Short() {
		sizes = append(sizes, 2500)
	}
	for _, rows := range sizes {
		for _, dim := range []int{1, 8, 33} {
			for _, ties := range []bool{false, true} {
				m := normal(r, rows, dim, dim+1)
				if ties {
					for i := range m.Data {
						m.Data[i] = float32(int(m.Data[i]))
					}
				}
				if rows > 10 {
					m.Row(3)[0], m.Row(7)[0], m.Row(9)[dim-1] = nan, inf, -inf
				}
				queries := normal(r, 70, dim, dim)
				if ties {
					for i := range queries.Data {
						queries.Data[i] = float32(int(queries.Data[i]))
					}
				}
				for _, k := range []int{-1, 0, 1, 10, 64, rows, rows + 5} {
					batch := make([][]vector.Hit, queries.Rows)
					batch[1] = []vector.Hit{{Row: 99}}
					vector.TopKBatch(batch, queries, m, k)
					if len(batch[1]) == 0 || batch[1][0].Row != 99 {
						t.Fatal("TopKBatch does not append")
					}
					batch[1] = batch[1][1:]
					for i := range queries.Rows {
						want := bruteForce(queries.Row(i), m, k)
						if i < 5 {
							if got := vector.TopK(nil, queries.Row(i), m, k); !slices.Equal(got, want) {
								t.Fatalf("%d rows of %d, k=%d: TopK = %v, want %v", rows, dim, k, got, want)
							}
						}
						if !slices.Equal(batch[i], want) {
							t.Fatalf("%d rows of %d, k=%d: query %d of TopKBatch: %v, want %v", rows, dim, k, i, batch[i], want)
						}
					}
				}
			}
		}
	}
}

func TestQuantizeInt8Bound(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, size := range []float64{1, 1e-44, 1e-20, 1e30, 3e37} {
		v := normal(r, 1, 200, 200).Row(0)
		for i := range v {
			v[i] = float32(float64(v[i]) * size)
		}
		codes := make([]int8, len(v))
		scale := vector.QuantizeInt8(codes, v)
		for i, x := range v {
			if codes[i] == -128 {
				t.Fatal("code -128")
			}
			if e := math.Abs(float64(x) - float64(scale)*float64(codes[i])); size > 1e-30 && e > 0.5*float64(scale)*(1+0x1p-17) {
				t.Errorf("size %g: %v has code %d at scale %v: off by %v", size, x, codes[i], scale, e)
			}
		}
	}
	for _, v := range [][]float32{{1, nan}, {-inf, 1}} {
		codes := []int8{5, 5}
		if scale := vector.QuantizeInt8(codes, v); scale == scale || codes[0] != 0 || codes[1] != 0 {
			t.Errorf("QuantizeInt8(%v) = %v, codes %v", v, scale, codes)
		}
	}
	codes := []int8{5, 5}
	if scale := vector.QuantizeInt8(codes, []float32{0, 0}); scale != 0 || codes[0] != 0 {
		t.Errorf("zeros: scale %v, codes %v", scale, codes)
	}
}

func TestMatrixCheckNamesTheMistake(t *testing.T) {
	bad := vector.NewMatrix(4, 3)
	bad.Row(2)[1] = inf
	bad.Row(3)[0] = nan
	for _, c := range []struct {
		m    vector.Matrix
		want string
	}{
		{vector.Matrix{}, ""},
		{vector.NewMatrix(3, 2), ""},
		{vector.Matrix{Data: make([]float32, 5), Rows: 2, Dim: 2, Stride: 3}, ""},
		{vector.Matrix{Rows: -1}, "Matrix.Rows is -1"},
		{vector.Matrix{Dim: -2}, "Matrix.Dim is -2"},
		{vector.Matrix{Dim: 2, Stride: 1}, "Matrix.Stride is 1; want >= Dim, which is 2 (From and NewMatrix set it)"},
		{vector.Matrix{Data: make([]float32, 4), Rows: 2, Dim: 2, Stride: 3}, "Matrix.Data has 4 values"},
		{vector.Matrix{Rows: math.MaxInt, Dim: 1, Stride: math.MaxInt, Data: make([]float32, 9)}, "Matrix.Data has 9 values"},
		{bad, "row 2 has +Inf in column 1"},
	} {
		err := c.m.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check() = %v, want %q", err, c.want)
		}
	}
	var where *vector.NonFiniteError
	if !errors.As(bad.Check(), &where) || where.Row != 2 || where.Column != 1 {
		t.Errorf("Check() = %#v", bad.Check())
	}
	if !vector.Finite(nil) || !vector.Finite(bad.Row(0)) || vector.Finite(bad.Row(3)) {
		t.Error("Finite")
	}
}

func TestMatrixViews(t *testing.T) {
	m := vector.From([]float32{1, 2, 3, 4, 5, 6}, 2)
	s := m.Slice(1, 3)
	if s.Rows != 2 || s.Row(0)[0] != 3 || s.Row(1)[1] != 6 || s.Check() != nil {
		t.Errorf("Slice = %v", s)
	}
	if e := m.Slice(3, 3); e.Rows != 0 || e.Check() != nil {
		t.Errorf("empty Slice = %v", e)
	}
	if _ = append(m.Row(0), 9); m.Row(1)[0] != 3 {
		t.Error("an append reached the next row")
	}
}

func TestShapeErrorsPanic(t *testing.T) {
	m, q, out := vector.NewMatrix(3, 2), make([]float32, 2), make([]float32, 3)
	torn := vector.Matrix{Data: make([]float32, 4), Rows: 3, Dim: 2, Stride: 2}
	for name, f := range map[string]func(){
		"Dot":             func() { vector.Dot(q, out) },
		"L2Sq":            func() { vector.L2Sq(q, out) },
		"Cosine":          func() { vector.Cosine(q, out) },
		"DotBatch out":    func() { vector.DotBatch(q, q, m) },
		"DotBatch dim":    func() { vector.DotBatch(out, out, m) },
		"DotBatch matrix": func() { vector.DotBatch(out, q, torn) },
		"L2SqBatch":       func() { vector.L2SqBatch(out, out, m) },
		"DotGather row":   func() { vector.DotGather(out[:1], q, m, []uint32{3}) },
		"DotGather out":   func() { vector.DotGather(out, q, m, []uint32{1}) },
		"L2SqGather":      func() { vector.L2SqGather(out[:1], q, m, []uint32{math.MaxUint32}) },
		"TopK":            func() { vector.TopK(nil, out, m, 1) },
		"TopKBatch dst":   func() { vector.TopKBatch(nil, m, m, 1) },
		"TopKBatch dim":   func() { vector.TopKBatch(make([][]vector.Hit, 1), vector.NewMatrix(1, 3), m, 1) },
		"QuantizeInt8":    func() { vector.QuantizeInt8(nil, q) },
		"NewMatrix":       func() { vector.NewMatrix(-1, 2) },
		"NewMatrix huge":  func() { vector.NewMatrix(math.MaxInt/2, 3) },
		"From":            func() { vector.From(out, 2) },
		"From 0":          func() { vector.From(nil, 0) },
		"Row":             func() { m.Row(3) },
		"Slice":           func() { m.Slice(2, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "vector: ") {
					t.Errorf("panic %q", s)
				}
			}()
			f()
		})
	}
}

func TestInfoNamesTheTier(t *testing.T) {
	p := vector.Info()
	if p.Tier != simd.Active().String() || !slices.Contains(p.Tiers, p.Tier) || p.Tiers[len(p.Tiers)-1] != "purego" {
		t.Errorf("Info() = %+v", p)
	}
	if want := os.Getenv("RECSYS_SIMD"); want != "" && p.Tier != want {
		t.Errorf("RECSYS_SIMD=%s, but the tier is %s", want, p.Tier)
	}
	if !slices.IsSorted(p.Features) {
		t.Errorf("features %v are not in order", p.Features)
	}
}

func TestNothingAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	r := rand.New(rand.NewPCG(5, 5))
	m, q := normal(r, 300, 40, 40), normal(r, 1, 40, 40).Row(0)
	out, hits, codes := make([]float32, 300), make([]vector.Hit, 0, 20), make([]int8, 40)
	rows := []uint32{1, 2, 3}
	if n := testing.AllocsPerRun(10, func() {
		vector.DotBatch(out, q, m)
		vector.DotGather(out[:3], q, m, rows)
		vector.L2SqGather(out[:3], q, m, rows)
		vector.Normalize(q)
		_ = vector.Cosine(q, m.Row(0))
		vector.QuantizeInt8(codes, q)
		hits = vector.TopK(hits[:0], q, m, 20)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPanicsSayWhatIsWrong(t *testing.T) {
	for want, f := range map[string]func(){
		"vector: dim is not positive":                    func() { vector.From(nil, 0) },
		"vector: data is not a whole number of rows":     func() { vector.From(make([]float32, 3), 2) },
		"vector: dst is not as long as queries has rows": func() { vector.TopKBatch(nil, vector.NewMatrix(1, 2), vector.NewMatrix(3, 2), 1) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v; want %v", got, want)
				}
			}()
			f()
		}()
	}
}
