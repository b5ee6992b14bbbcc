package skew_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/skew"
)

func ExampleCompare() {
	logged, err := frame.NewCSVReader(strings.NewReader("request,price,age\nr1,10,3.5\nr2,12,\nr3,9,1\n"), frame.CSVConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rejoined, err := frame.NewCSVReader(strings.NewReader("request,price,age\nr1,10,3.5\nr2,12,2\nr3,9,1\n"), frame.CSVConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := skew.Compare(context.Background(), logged, rejoined, skew.Config{Keys: []string{"request"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range report.Columns {
		fmt.Printf("%s: %v, mismatch %.2f, missing %.2f and %.2f\n", c.Name, c.Verdict, c.Mismatch, c.LoggedMissing, c.RejoinedMissing)
	}
	if err := report.WriteHTML(io.Discard); err != nil {
		fmt.Println(err)
	}
	// Output:
	// age: skew, mismatch 0.33, missing 0.33 and 0.00
	// price: ok, mismatch 0.00, missing 0.00 and 0.00
}
