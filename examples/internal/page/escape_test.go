package page_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// fill sets every string within v to s.
func fill(v reflect.Value, s string) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		return reflect.ValueOf(s).Convert(v.Type())
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(fill(v.Index(i), s))
		}
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return fill(v.Elem(), s)
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		for i := range v.NumField() {
			out.Field(i).Set(fill(v.Field(i), s))
		}
		return out
	}
	return v
}

// filled is a page of all elements and of charts of each kind with s for every string.
func filled(s string) *page.Page {
	p := page.Page{Title: "x", Subtitle: "x", Facts: []page.Fact{{Name: "x", Value: "x"}}, Footer: "x"}
	p.Add("x", elements()...)
	all := charts()
	for _, name := range []string{"line", "line of unequal ends", "scatter", "scatter named by labels", "bar", "bar grouped", "stack", "lorenz", "histogram"} {
		p.Add(name, all[name])
	}
	p = fill(reflect.ValueOf(p), s).Interface().(page.Page)
	return &p
}

var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onload='alert(1)`,
	`" onload="alert(1)`,
	`</title></svg></style><script>`,
	`]]><!--`, `--><b>`, `<!--`, `<![CDATA[`, `&lt;&amp;&#x3c;&bogus;`, `javascript:alert(1)`,
	"a\x00b\x1b[31mc\x7f", "\xff\xfe<\xc0\x80>", "\u202eevil\u2066", "\ufffe\uffff\u0085",
	strings.Repeat("<a href=//x>", 60), "e" + strings.Repeat("\u0301", 300), "``<`>`", "\n\n\n<\n\n>", "{{.}}", "%s%d%!", "日本語の長いラベル" + strings.Repeat("漢", 80),
	"👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "",
}

func TestHostileStringsStayText(t *testing.T) {
	for _, s := range hostile {
		checkText(t, filled(s))
	}
}

// checkText fails t if a string of the page became mark-up.
func checkText(t *testing.T, p *page.Page) {
	t.Helper()
	out := html(p)
	if err := foreign(out); err != nil {
		t.Errorf("title %.40q: %v", p.Title, err)
	}
	for _, s := range svgs(out) {
		if err := wellFormed(s); err != nil {
			t.Errorf("title %.40q: %v in %.200s", p.Title, err, s)
		}
	}
}

// The scanner that the tests above rely on must find what it looks for.
func TestForeignMarkUpIsFound(t *testing.T) {
	for _, s := range []string{`<script>`, `<p onclick="x">`, `<p class=x>`, `< p>`, `<!-- -->`, `<a href="//x">`, `<p class="<">`} {
		if foreign("<!DOCTYPE html>"+s) == nil {
			t.Errorf("%s passes", s)
		}
	}
}

func TestTextShowsWhatItWasGiven(t *testing.T) {
	p := page.Page{Title: "a<b & c"}
	p.Add("x", page.Text("one `a<b` two ` three\n\n\n\nfour"), page.Code{Text: "tab\there\r\n  <indented>\n\n"})
	out := html(&p)
	for _, want := range []string{
		"<title>a&lt;b &amp; c</title>",
		"<p class=\"prose\">one <code>a&lt;b</code> two ` three</p>\n<p class=\"prose\">four</p>",
		"<code>tab\there\n  &lt;indented&gt;</code>",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("page lacks %q", want)
		}
	}
}

func FuzzTextIsEscaped(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 500 {
			s = s[:500]
		}
		checkText(t, filled(s))
	})
}
