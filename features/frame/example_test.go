package frame_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/recsyskit/recsys/features/frame"
)

func ExampleNewCSVReader() {
	text := "item,price,created,note\n7,9.5,2024-03-01,\"big, red\"\n8,,2024-03-02T12:00:00Z,\n"
	r, err := frame.NewCSVReader(strings.NewReader(text), frame.CSVConfig{
		Fields: []frame.Field{{Name: "item", Kind: frame.Uint64}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Fields())
	for chunk, err := range frame.Chunks(r) {
		if err != nil {
			fmt.Println(err)
			return
		}
		price, err := chunk.Column("price")
		if err != nil {
			fmt.Println(err)
			return
		}
		for i := range chunk.Rows {
			fmt.Println(price.Number(i), price.IsMissing(i))
		}
	}
	// Output:
	// [item uint64 price float64 created time note string]
	// 9.5 false
	// NaN true
}

func ExampleNewCSVWriter() {
	f, err := frame.New(frame.Field{Name: "user", Kind: frame.String}, frame.Field{Name: "ctr", Kind: frame.Float32})
	if err != nil {
		fmt.Println(err)
		return
	}
	f.Columns[0].String = append(f.Columns[0].String, "ann", "")
	f.Columns[1].Float32 = append(f.Columns[1].Float32, 0.25)
	f.Columns[1].AppendMissing()
	f.Rows = 2
	w, err := frame.NewCSVWriter(os.Stdout, f.Fields(), frame.CSVWriterConfig{Comma: ';'})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := frame.Copy(w, frame.NewReader(f, 0)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// user;ctr
	// ann;0.25
	// "";
}

func ExampleNewLibSVMReader() {
	r, err := frame.NewLibSVMReader(strings.NewReader("1 qid:7 1:0.5\n0 qid:7 2:3\n"), frame.LibSVMConfig{OneBased: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := frame.ReadAll(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Fields())
	fmt.Println(f.Columns[2].Float32, f.Columns[3].Float32)
	// Output:
	// [label float32 qid uint64 f1 float32 f2 float32]
	// [0.5 0] [0 3]
}
