package cli_test

import (
	"math"
	"os"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func ExampleWriteJSON() {
	cli.WriteJSON(os.Stdout, cli.Object{
		cli.F("model", "itemknn"),
		cli.F("recall@20", 0.1),
		cli.F("auc", math.NaN()),
	})
	// Output:
	// {"model":"itemknn","recall@20":0.1,"auc":null}
}
