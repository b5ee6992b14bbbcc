package vector_test

import (
	"fmt"

	"github.com/recsyskit/recsys/retrieval/vector"
)

func Example() {
	items := vector.From([]float32{
		1, 0, 0,
		0, 1, 0,
		0.6, 0.8, 0,
		0, 0, 1,
	}, 3)
	if err := items.Check(); err != nil {
		fmt.Println(err)
		return
	}
	query := []float32{2, 1.5, 0}
	for _, hit := range vector.TopK(nil, query, items, 2) {
		fmt.Println(hit.Row, hit.Score)
	}
	// Output:
	// 2 2.4
	// 0 2
}

func ExampleMatrix_Check() {
	m := vector.NewMatrix(2, 3)
	zero := m.Row(0)[0]
	m.Row(1)[2] = 1 / zero
	fmt.Println(m.Check())
	// Output:
	// vector: row 1 has +Inf in column 2; want finite values
}

func ExampleDotBatch() {
	items := vector.From([]float32{1, 2, 3, 4, 5, 6}, 2)
	scores := make([]float32, items.Rows)
	vector.DotBatch(scores, []float32{1, 10}, items)
	fmt.Println(scores)
	// Output:
	// [21 43 65]
}

func ExampleDotGather() {
	items := vector.From([]float32{1, 2, 3, 4, 5, 6}, 2)
	rows := []uint32{2, 0}
	scores := make([]float32, len(rows))
	vector.DotGather(scores, []float32{1, 10}, items, rows)
	fmt.Println(scores)
	// Output:
	// [65 21]
}

func ExampleTopKBatch() {
	items := vector.From([]float32{1, 0, 0, 1, -1, 0}, 2)
	queries := vector.From([]float32{2, 1, -3, 0}, 2)
	best := make([][]vector.Hit, queries.Rows)
	vector.TopKBatch(best, queries, items, 1)
	fmt.Println(best)
	// Output:
	// [[{0 2}] [{2 3}]]
}

func ExampleNormalize() {
	v := []float32{0, -4}
	length := vector.Normalize(v)
	fmt.Println(length, v)
	// Output:
	// 4 [0 -1]
}

func ExampleCosine() {
	fmt.Println(vector.Cosine([]float32{1, 1}, []float32{5, 5}), vector.Cosine([]float32{1, 0}, []float32{0, 3}))
	// Output:
	// 1 0
}

func ExampleQuantizeInt8() {
	v := []float32{1.27, -0.5, 0.004}
	codes := make([]int8, len(v))
	scale := vector.QuantizeInt8(codes, v)
	fmt.Printf("%.2f %v\n", scale, codes)
	// Output:
	// 0.01 [127 -50 0]
}
