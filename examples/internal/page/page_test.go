package page_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// small is a page with one element of most kinds.
func small() *page.Page {
	p := &page.Page{
		Title:    "Retrieval on the Go API",
		Subtitle: "Three models",
		Facts:    []page.Fact{{Name: "Users", Value: page.Count(12480)}, {Name: "Seed", Value: "1"}},
		Footer:   "quickstart -seed 1",
	}
	p.Add("Quality",
		page.Text("Full ranking; see `-help`."),
		page.KeyFigures{{Label: "Recall@20", Value: page.Percent(1)(.3127), Note: "popularity 11.9%"}},
		page.Table{
			Columns: []page.Column{{Name: "Model"}, {Name: "Recall@20", Best: page.Highest}, {Name: "p50", Unit: "µs"}},
			Rows:    [][]any{{"popularity", .1193, 12}, {"itemknn", .2874, 118}},
		},
		page.LineChart{
			Title: "Recall against factors", X: page.Axis{Title: "Factors", Log: true}, Y: page.Axis{Title: "Recall@20"},
			Series: []page.Series{
				{Name: "als", X: []float64{16, 64, 256}, Y: []float64{.1, .2, .28}, Low: []float64{.09, .18, .27}, High: []float64{.11, .21, .29}},
				{Name: "bpr", X: []float64{16, 64, 256}, Y: []float64{.12, nan, .25}},
			},
		},
	)
	p.Add("A user", page.Slate{Title: "pipeline", Items: []page.SlateItem{
		{Name: "http.Error", Detail: "net/http", Score: .74, Sources: []string{"itemknn"}, Propensity: .62, Why: "proposed by itemknn (rank 2)"},
	}})
	return p
}

// The golden file has the name of the style sheet in its place, which has a file of its own.
func TestGoldenPage(t *testing.T) {
	out := html(small())
	got := strings.Replace(out, page.Style, "page.css\n", 1)
	if got == out {
		t.Fatal("the page lacks the style sheet")
	}
	name := filepath.Join("testdata", "small.html")
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d is\n%s\nwant\n%s\n(-update rewrites %s)", i+1, g[i], w[i], name)
		}
	}
	if len(g) != len(w) {
		t.Errorf("%d lines, want %d", len(g), len(w))
	}
}

func TestSameValuesGiveTheSameBytes(t *testing.T) {
	want := html(gallery())
	p := gallery()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var b strings.Builder
			if err := p.Write(&b); err != nil || b.String() != want {
				t.Errorf("another page, error %v", err)
			}
		})
	}
	wg.Wait()
}

func TestEmptyPageIsAPage(t *testing.T) {
	if err := foreign(html(&page.Page{})); err != nil {
		t.Error(err)
	}
}

func TestSectionsFromFourOnHaveContents(t *testing.T) {
	p := page.Page{}
	for range 3 {
		p.Add("A section")
	}
	if strings.Contains(html(&p), "<nav") {
		t.Error("three sections have a table of contents")
	}
	p.Add("The <fourth>")
	if !strings.Contains(html(&p), `<li><a href="#s4">The &lt;fourth&gt;</a></li>`) {
		t.Error("no link to the fourth section")
	}
}

func TestSaveReplacesTheFileWhole(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "report.html")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := small()
	if err := p.Save(name); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != html(p) {
		t.Errorf("file holds %d bytes, error %v", len(got), err)
	}
	if files, _ := os.ReadDir(folder); len(files) != 1 {
		t.Errorf("%d files left, want 1", len(files))
	}
}

func TestSaveThatFailsLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken") // a folder with something in it cannot be replaced
	if err := os.MkdirAll(filepath.Join(taken, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{taken, filepath.Join(folder, "none", "report.html")} {
		err := small().Save(name)
		if err == nil || !strings.HasPrefix(err.Error(), "page: save "+name+": ") {
			t.Errorf("error %v, want one that names %s", err, name)
		}
	}
	if files, _ := os.ReadDir(folder); len(files) != 1 {
		t.Errorf("%d files left, want 1", len(files))
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteReturnsTheErrorOfTheWriter(t *testing.T) {
	if err := small().Write(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}
