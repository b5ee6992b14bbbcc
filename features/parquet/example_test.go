package parquet_test

import (
	"bytes"
	"fmt"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/parquet"
)

func ExampleNewReader() {
	f, err := frame.New(frame.Field{Name: "item", Kind: frame.Uint64}, frame.Field{Name: "embedding", Kind: frame.Vector, Dim: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	f.Columns[0].Uint64 = []uint64{7, 8}
	f.Columns[1].Float32 = []float32{0.5, 1}
	f.Columns[1].AppendMissing()
	f.Rows = 2

	var file bytes.Buffer
	w, err := parquet.NewWriter(&file, f.Fields(), parquet.WriterConfig{Compression: parquet.Zstd})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := frame.Copy(w, frame.NewReader(f, 0)); err != nil {
		fmt.Println(err)
		return
	}
	r, err := parquet.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()), parquet.ReaderConfig{Columns: []string{"embedding"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := frame.ReadAll(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := got.Columns[0]
	fmt.Println(c.Field, c.VectorRow(0), c.IsMissing(1))
	// Output: embedding vector[2] [0.5 1] true
}
