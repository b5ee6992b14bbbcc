package retrieval_test

import (
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

func ExampleAttributes() {
	a := retrieval.NewAttributes(map[string][]retrieval.ItemValue{
		"genre":    {{1, "jazz"}, {2, "jazz"}, {2, "blues"}, {3, "folk"}},
		"language": {{1, "en"}, {2, "fr"}, {3, "fr"}},
	})
	genre, err := a.Equal("genre", "jazz", "blues")
	if err != nil {
		log.Fatal(err)
	}
	language, err := a.Equal("language", "fr")
	if err != nil {
		log.Fatal(err)
	}
	f := retrieval.AllOf(genre, language)
	fmt.Println(f.Match(1), f.Match(2), f.Match(3))
	// Output: false true false
}

func TestAttributesMatchTheirItems(t *testing.T) {
	var pairs []retrieval.ItemValue
	has := map[string][]recsys.ItemID{}
	for i := range recsys.ItemID(200) {
		for _, value := range []string{fmt.Sprint(i % 7), fmt.Sprint("b", i%3)} {
			pairs = append(pairs, retrieval.ItemValue{Item: i, Value: value}, retrieval.ItemValue{Item: i, Value: value})
			has[value] = append(has[value], i)
		}
	}
	a := retrieval.NewAttributes(map[string][]retrieval.ItemValue{"mix": pairs, "none": nil})
	x := newTable(t, 120)
	for _, values := range [][]string{{"0"}, {"6"}, {"b1"}, {"nothing"}, {"1", "b2"}, {"1", "nothing", "1"}, {"nothing", "nobody"}, nil} {
		f, err := a.Equal("mix", values...)
		if err != nil {
			t.Fatal(err)
		}
		for item := range recsys.ItemID(300) {
			want := slices.ContainsFunc(values, func(v string) bool { return slices.Contains(has[v], item) })
			if f.Match(item) != want {
				t.Errorf("%q: Match(%d) = %v; want %v", values, item, !want, want)
			}
		}
		sameSelection(t, fmt.Sprint(values), f, x)
	}
	one, _ := a.Equal("mix", "0")
	if two, _ := a.Equal("mix", "0"); one != two {
		t.Error("one value gives two filters, so that indexes resolve it twice")
	}
	if got := a.Values("mix"); len(got) != 10 || !slices.IsSorted(got) {
		t.Errorf("Values = %q", got)
	}
	if f, err := a.Equal("none", "x"); err != nil || f.Match(1) || a.Values("none") != nil {
		t.Errorf("an attribute without values: %v, %q", err, a.Values("none"))
	}
	_, err := a.Equal("mux", "0")
	if !errors.Is(err, retrieval.ErrAttribute) || !strings.Contains(err.Error(), `"mux"; there are: mix, none`) {
		t.Errorf("an unknown attribute: %v", err)
	}
	if testing.AllocsPerRun(10, func() { a.Equal("mix", "0") }) > 0 {
		t.Error("Equal of one value allocates")
	}
}
