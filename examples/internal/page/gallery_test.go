package page_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/recsyskit/recsys/examples/internal/page"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

const longName = "a label that goes on and on, longer than any place that it could have in a chart or a table"

// charts returns charts of every kind with plain and with awkward data. Nobody changes them.
var charts = sync.OnceValue(func() map[string]page.Chart {
	r := rand.New(rand.NewPCG(1, 2))
	walk := func(n int) []float64 {
		v, at := make([]float64, n), 0.0
		for i := range v {
			at += r.NormFloat64()
			v[i] = at
		}
		return v
	}
	normal := func(n int, mean, sd float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = mean + float64(sd*r.NormFloat64())
		}
		return v
	}
	skewed := func(n int, e float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Pow(r.Float64(), e)
		}
		return v
	}
	points := func(n int, label string) []page.Point {
		p := make([]page.Point, n)
		for i := range p {
			p[i] = page.Point{X: r.NormFloat64(), Y: r.NormFloat64()}
			if label != "" {
				p[i].Label = label + string(rune('A'+i%26))
			}
		}
		return p
	}
	var bundle []page.Series
	for i := range 9 {
		bundle = append(bundle, page.Series{Name: "series " + string(rune('a'+i)), Y: []float64{1, 1.1, 1.2, 1.3 + float64(i)*1e-3}})
	}
	var names []string
	var values []float64
	for i := range 100 {
		names, values = append(names, "category "+string(rune('A'+i%26))), append(values, float64(i*i))
	}
	ef := []float64{16, 32, 64, 128, 256}
	xy := page.Axis{Title: longName, Unit: longName}
	return map[string]page.Chart{
		"line": page.LineChart{
			Title: "Recall against factors", Note: "Bands are 95% intervals.",
			X: page.Axis{Title: "Factors", Log: true}, Y: page.Axis{Title: "Recall@20", Include: []float64{0}, Marks: []page.Mark{{Value: .31, Label: "pipeline"}, {Value: .308, Label: "best single"}}},
			Series: []page.Series{
				{Name: "als", X: ef, Y: []float64{.05, .1, .2, .28, .31}, Low: []float64{.04, .09, .19, nan, .3}, High: []float64{.06, .11, .21, .3, .32}},
				{Name: "bpr", X: ef, Y: []float64{.06, .12, nan, .27, .3}},
			},
		},
		"line of unequal ends":    page.LineChart{X: page.Axis{Title: "x", Marks: []page.Mark{{Value: 2, Label: "a mark with a name"}, {Value: 2.1, Label: "another"}}}, Series: []page.Series{{Name: "a", Y: []float64{1, nan, 2, 3, nan, 4}}, {Name: longName, Y: []float64{2, 3, 1}}}},
		"line of long names":      page.LineChart{Title: longName, X: xy, Y: xy, Series: bundle},
		"line of one point":       page.LineChart{Series: []page.Series{{Y: []float64{3}}}},
		"line of equal values":    page.LineChart{Series: []page.Series{{Y: []float64{3, 3, 3}}, {Y: []float64{0, 0, 0}}}},
		"line of zeros":           page.LineChart{Series: []page.Series{{Y: []float64{0, 0}}}},
		"line of huge values":     page.LineChart{Series: []page.Series{{Y: []float64{-1e300, 1e300, math.MaxFloat64, 5}}}},
		"line of huge log values": page.LineChart{Y: page.Axis{Log: true}, Series: []page.Series{{Y: []float64{1e-280, 1e280, 0, -1, 5e-324}}}},
		"line of tiny steps":      page.LineChart{Series: []page.Series{{Y: []float64{1e6 + .001, 1e6 + .002, 1e6 + .0035}}}},
		"line of many points":     page.LineChart{X: page.Axis{Title: "Round"}, Series: []page.Series{{Name: "a", Y: walk(20000)}, {Name: "b", Y: walk(5000), Low: walk(5000), High: walk(5000)}}},
		"line of nothing finite":  page.LineChart{Series: []page.Series{{Name: "a"}, {Name: "b", Y: []float64{nan, inf, -inf}}}},
		"line of nothing":         page.LineChart{},
		"line of wrong lengths":   page.LineChart{Series: []page.Series{{Name: "a", X: []float64{1, 2, 3}, Y: []float64{4, 5}, Low: []float64{3}, High: []float64{6, 7, 8}}}},
		"scatter": page.Scatter{
			Title: "Throughput against recall", X: page.Axis{Title: "Recall@10"}, Y: page.Axis{Title: "Queries", Unit: "1/s", Log: true, Marks: []page.Mark{{Value: 1000, Label: "target"}}},
			Groups: []page.Group{
				{Name: "hnsw", Join: true, Points: []page.Point{{.7, 42000, "ef=16"}, {.83, 31000, "ef=32"}, {.91, 21000, "ef=64"}, {.96, 12500, "ef=128"}, {nan, 1, "lost"}, {.99, 3900, "ef=512"}}},
				{Name: "flat", Points: []page.Point{{1, 480, "flat"}}},
			},
		},
		"scatter named by labels": page.Scatter{Groups: []page.Group{{Name: "a", Points: []page.Point{{1, 2, "a"}}}, {Name: "b", Points: []page.Point{{2, 1, "b"}}}}},
		"scatter of many points":  page.Scatter{Groups: []page.Group{{Name: "cloud", Points: points(4000, "")}, {Name: "few", Points: points(100, "item ")}}},
		"scatter of near labels":  page.Scatter{Groups: []page.Group{{Points: points(30, "setting number ")}}},
		"scatter of one point":    page.Scatter{X: xy, Y: xy, Groups: []page.Group{{Points: []page.Point{{1, 2, longName}}}}},
		"scatter of nothing":      page.Scatter{Groups: []page.Group{{Name: "a"}, {Points: []page.Point{{X: nan, Y: 1}, {X: 1, Y: inf}}}}},
		"bar": page.BarChart{
			Title: "Estimated value", Axis: page.Axis{Title: "Reward", Marks: []page.Mark{{Value: .171, Label: "truth"}}},
			Categories: []string{"dm", "ips", "dr"},
			Series:     []page.Bars{{Values: []float64{.142, .181, .17}, Low: []float64{.139, .121, nan}, High: []float64{.145, .241, .182}}},
		},
		"bar grouped":          page.BarChart{Categories: []string{"new", "light", "heavy"}, Series: []page.Bars{{Name: "a", Values: []float64{.1, .2, .3}}, {Name: "b", Values: []float64{-.1, nan, .4}}}, Axis: page.Axis{Format: page.Percent(0)}},
		"bar below zero":       page.BarChart{Categories: []string{"clicks per session", "complaints, all kinds"}, Series: []page.Bars{{Values: []float64{1.2, -1.1}, Low: []float64{.8, -2}, High: []float64{1.6, -.3}}}},
		"bar of long names":    page.BarChart{Title: longName, Categories: []string{longName, "b"}, Series: []page.Bars{{Name: longName, Values: []float64{1e9, -1e9}}, {Name: "b", Values: []float64{1, 2}}}, Axis: page.Axis{Title: longName, Marks: []page.Mark{{Value: 3, Label: longName}, {Value: 4, Label: longName}}}},
		"bar of many":          page.BarChart{Categories: names, Series: []page.Bars{{Values: values}}},
		"bar of zeros":         page.BarChart{Categories: []string{"a", "b"}, Series: []page.Bars{{Values: []float64{0, 0}}}},
		"bar of huge values":   page.BarChart{Categories: []string{"a", "b"}, Series: []page.Bars{{Values: []float64{1e300, -1e300}}}},
		"bar of nothing":       page.BarChart{Categories: []string{"a"}, Series: []page.Bars{{Values: []float64{nan}}}},
		"bar of nothing named": page.BarChart{Series: []page.Bars{{Values: []float64{1}}}},
		"stack": page.StackedBars{
			Title: "Time per stage", Axis: page.Axis{Title: "Median", Unit: "µs"}, Rows: []string{"popularity", "pipeline", "pipeline-diverse"},
			Parts: []page.Bars{{Name: "retrieve", Values: []float64{8, 101, 101}}, {Name: "rank", Values: []float64{0, 54, 55}}, {Name: "re-rank", Values: []float64{nan, -1, 41}}},
		},
		"stack of many":          page.StackedBars{Rows: names, Parts: []page.Bars{{Name: "a", Values: values}, {Name: "b", Values: values}}},
		"stack of zeros":         page.StackedBars{Rows: []string{"a"}, Parts: []page.Bars{{Name: "a", Values: []float64{0}}}},
		"stack of nothing":       page.StackedBars{Rows: []string{"a"}, Parts: []page.Bars{{Name: "a", Values: []float64{-1}}}},
		"lorenz":                 page.Lorenz{Title: "Exposure", Series: []page.Shares{{Name: "popularity", Values: skewed(2000, 9)}, {Name: "pipeline", Values: skewed(2000, 2)}}},
		"lorenz of many":         page.Lorenz{Series: []page.Shares{{Values: []float64{1}}, {Name: longName, Values: []float64{1, -1, nan, 3}}, {Name: "c", Values: []float64{5}}, {Name: "d", Values: []float64{5}}, {Name: "e", Values: []float64{5}}, {Name: "f", Values: []float64{5}}, {Name: "g", Values: []float64{5}}, {Name: "h", Values: []float64{5}}, {Name: "i", Values: []float64{5}}, {Name: "j", Values: []float64{5}}, {Name: "k", Values: []float64{5}}}},
		"lorenz of nothing":      page.Lorenz{Series: []page.Shares{{Name: "z", Values: []float64{0, 0}}, {Name: "none"}}},
		"histogram":              page.Histogram{Title: "Latency", X: page.Axis{Title: "Time", Unit: "µs", Marks: []page.Mark{{Value: 100, Label: "p50"}, {Value: 112, Label: "p90"}, {Value: 113, Label: "p99"}}}, Count: "Requests", Values: normal(3000, 100, 10)},
		"histogram, logarithmic": page.Histogram{X: page.Axis{Log: true}, Values: append(skewed(3000, 5), 0, -1)},
		"histogram of one value": page.Histogram{Values: []float64{4, 4, 4}},
		"histogram of nothing":   page.Histogram{Values: []float64{nan, inf}},
		"histogram of far ends":  page.Histogram{Values: []float64{0, 1, 1, 1, 1, 2, 1e15}, Bins: 1e6},
	}
})

// elements returns an element of each kind that is not a chart.
func elements() []page.Element {
	return []page.Element{
		page.Text("Prose with `code` and a lone ` quote.\n\nA second paragraph."),
		page.Heading("A heading"),
		page.Note("A note.\n\nIts second paragraph."),
		page.Code{Title: "A command", Text: "go run ./examples/quickstart\n"},
		page.Facts{{Name: "seed", Value: "1"}},
		page.KeyFigures{{Label: "Recall@20", Value: "31.3%", Note: "popularity 11.9%"}, {Label: "Median", Value: "212", Unit: "µs"}},
		page.Table{
			Title: "Variants", Note: "A note.",
			Columns: []page.Column{{Name: "Variant"}, {Name: "Recall@20", Best: page.Highest}, {Name: "p50", Unit: "µs", Best: page.Lowest}, {Name: "Value"}},
			Rows:    [][]any{{"popularity", .1193, 12, page.Estimate{Value: .1, Low: .05, High: .15}}, {"itemknn", .2874, 118, nil}, {"als", nan}, {longName, inf, uint8(3), page.Estimate{Value: 1, Low: .5, High: 1.5}, "too many"}},
		},
		page.Slate{Title: "A user", Note: "saw net/http", Items: []page.SlateItem{
			{Name: "http.Error", Detail: "net/http", Score: .8, Sources: []string{"als", "itemknn"}, Propensity: .5, Why: "proposed by als"},
			{Name: "len", Score: nan, Propensity: 1e-5},
		}},
		page.Slate{Title: "Nobody"},
		page.Columns{page.Text("left"), nil, page.Table{Columns: []page.Column{{Name: "right"}}, Rows: [][]any{{1}}}},
	}
}

// gallery returns a page with everything on it.
func gallery() *page.Page {
	p := &page.Page{Title: "Gallery", Subtitle: "All elements", Facts: []page.Fact{{Name: "seed", Value: "1"}}, Footer: "The end"}
	p.Add("Elements", elements()...)
	all := charts()
	for _, name := range sortedKeys(all) {
		p.Add(name, page.Columns{all[name], page.Text("beside")})
	}
	return p
}

// withData returns how many charts of the gallery have something to draw.
func withData() int {
	n := 0
	for name := range charts() {
		if !strings.Contains(name, "of nothing") {
			n++
		}
	}
	return n
}

func html(p *page.Page) string {
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		panic(err)
	}
	return b.String()
}
