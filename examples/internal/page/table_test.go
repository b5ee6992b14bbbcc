package page_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// cells returns the body of the first table of a page, tags of cells left out.
func cells(e page.Element) [][]string {
	p := page.Page{}
	p.Add("", e)
	body := regexp.MustCompile(`(?s)<tbody>(.*?)</tbody>`).FindStringSubmatch(html(&p))[1]
	var rows [][]string
	for _, row := range regexp.MustCompile(`(?s)<tr>(.*?)</tr>`).FindAllStringSubmatch(body, -1) {
		var cells []string
		for _, c := range regexp.MustCompile(`(?s)<t[dh][^>]*>(.*?)</t[dh]>`).FindAllStringSubmatch(row[1], -1) {
			cells = append(cells, c[1])
		}
		rows = append(rows, cells)
	}
	return rows
}

func column(c page.Column, values ...any) string {
	t := page.Table{Columns: []page.Column{c}}
	for _, v := range values {
		t.Rows = append(t.Rows, []any{v})
	}
	var got []string
	for _, row := range cells(t) {
		got = append(got, row[0])
	}
	return strings.Join(got, " | ")
}

func TestColumnsOfNumbersShareTheirDecimals(t *testing.T) {
	for _, tt := range []struct {
		column page.Column
		values []any
		want   string
	}{
		{page.Column{}, []any{.1193, .08112}, "0.1193 | 0.0811"},
		{page.Column{}, []any{.5, .25}, "0.50 | 0.25"},
		{page.Column{}, []any{1, int64(20000), uint8(3)}, "1 | 20,000 | 3"},
		{page.Column{}, []any{118.34, .5}, "118.34 | 0.50"},
		{page.Column{}, []any{1.5, -2000.25}, "1.50 | −2,000.25"},
		{page.Column{}, []any{1e-7, 2e-6}, "10⁻⁷ | 2×10⁻⁶"},
		{page.Column{}, []any{float32(.5), nan, inf, nil}, "0.5 | – | ∞ | "},
		{page.Column{}, []any{"a", 1, true, 2 * time.Second}, "a | 1 | true | 2s"},
		{page.Column{Format: page.Percent(1)}, []any{.5, .123}, "50.0% | 12.3%"},
		{page.Column{Best: page.Highest}, []any{.5, .7, .7, .1}, "0.5 | <strong>0.7</strong> | <strong>0.7</strong> | 0.1"},
		{page.Column{Best: page.Lowest}, []any{.5, nan, .1}, "0.5 | – | <strong>0.1</strong>"},
		{page.Column{Best: page.Highest}, []any{.5, .5}, "0.5 | 0.5"},
		{page.Column{Best: page.Highest}, []any{.5}, "0.5"},
		{page.Column{Best: page.Highest, Format: page.Fixed(1)}, []any{.51, .52, .1}, "<strong>0.5</strong> | <strong>0.5</strong> | 0.1"},
	} {
		if got := column(tt.column, tt.values...); got != tt.want {
			t.Errorf("%v shown as %s, want %s", tt.values, got, tt.want)
		}
	}
}

func TestEstimatesAlign(t *testing.T) {
	got := column(page.Column{}, page.Estimate{Value: 1, Low: .5, High: 1.5}, page.Estimate{Value: 12, Low: 10.5, High: 13.5}, 3.0)
	pad := func(n int) string { return strings.Repeat("\u2007", n) }
	want := `1.0 <span class="interval">0.5 to 1.5` + pad(2) + `</span> | 12.0 <span class="interval">10.5 to 13.5</span> | 3.0 <span class="interval">` + pad(12) + `</span>`
	if got != want {
		t.Errorf("estimates shown as %q, want %q", got, want)
	}
}

func TestFirstColumnOfTextHeadsItsRows(t *testing.T) {
	p := page.Page{}
	p.Add("", page.Table{Columns: []page.Column{{Name: "a"}, {Name: "b"}}, Rows: [][]any{{"x", 1}, {"y"}, {}}})
	out := html(&p)
	for _, want := range []string{`<tr><th scope="row">x</th><td class="n">1</td></tr>`, `<tr><th scope="row">y</th><td class="n"></td></tr>`} {
		if !strings.Contains(out, want) {
			t.Errorf("table lacks %s", want)
		}
	}
}
