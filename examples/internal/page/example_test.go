package page_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/page"
)

func Example() {
	p := page.Page{Title: "Retrieval on the Go API"}
	p.Add("Quality", page.Table{
		Columns: []page.Column{{Name: "Model"}, {Name: "Recall@20", Best: page.Highest}},
		Rows:    [][]any{{"popularity", 0.113}, {"itemknn", 0.287}},
	})
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	_, table, _ := strings.Cut(b.String(), "<tbody>\n")
	table, _, _ = strings.Cut(table, "</tbody>")
	fmt.Print(table)
	// Output:
	// <tr><th scope="row">popularity</th><td class="n">0.113</td></tr>
	// <tr><th scope="row">itemknn</th><td class="n"><strong>0.287</strong></td></tr>
}

func ExampleSVG() {
	fmt.Print(page.SVG(page.StackedBars{
		Title: "Time per stage",
		Axis:  page.Axis{Title: "Median", Unit: "µs"},
		Rows:  []string{"pipeline"},
		Parts: []page.Bars{{Name: "retrieve", Values: []float64{120}}, {Name: "rank", Values: []float64{80}}},
	}))
	// Output:
	// <svg class="wide" viewBox="0 0 840 119" role="img" aria-labelledby="c1-t" aria-describedby="c1-d">
	// <title id="c1-t">Time per stage</title>
	// <desc id="c1-d">Stacked bar chart of Median. retrieve: pipeline 120. rank: pipeline 80.</desc>
	// <g class="s1">
	// <rect class="fill" x="0" y="3.5" width="12" height="12" rx="2"/>
	// <text x="18" y="14" class="name">retrieve</text>
	// </g>
	// <g class="s2">
	// <rect class="fill" x="91.8" y="3.5" width="12" height="12" rx="2"/>
	// <text x="109.8" y="14" class="name">rank</text>
	// </g>
	// <line class="grid" x1="66.4" y1="33" x2="66.4" y2="73"/>
	// <text x="66.4" y="90" class="tick mid">0</text>
	// <line class="grid" x1="249.7" y1="33" x2="249.7" y2="73"/>
	// <text x="249.7" y="90" class="tick mid">50</text>
	// <line class="grid" x1="433.1" y1="33" x2="433.1" y2="73"/>
	// <text x="433.1" y="90" class="tick mid">100</text>
	// <line class="grid" x1="616.4" y1="33" x2="616.4" y2="73"/>
	// <text x="616.4" y="90" class="tick mid">150</text>
	// <line class="grid" x1="799.8" y1="33" x2="799.8" y2="73"/>
	// <text x="799.8" y="90" class="tick mid">200</text>
	// <text x="54.4" y="57.5" class="name end">pipeline</text>
	// <text x="799.8" y="111" class="axis end">Median (µs)</text>
	// <g class="s1">
	// <rect class="fill" x="66.4" y="40" width="439.1" height="26"><title>pipeline, retrieve: 120</title></rect>
	// <text x="286.4" y="57.5" class="on mid">120</text>
	// </g>
	// <g class="s2">
	// <rect class="fill" x="506.4" y="40" width="292.4" height="26"><title>pipeline, rank: 80</title></rect>
	// <text x="653.1" y="57.5" class="on mid">80</text>
	// </g>
	// <text x="806.8" y="57.5" class="value">200</text>
	// <line class="base" x1="66.4" y1="33" x2="66.4" y2="73"/>
	// </svg>
}
