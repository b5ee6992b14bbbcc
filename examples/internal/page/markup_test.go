package page_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var svgElement = regexp.MustCompile(`(?s)<svg .*?</svg>`)

// svgs returns the drawings of a page.
func svgs(page string) []string { return svgElement.FindAllString(page, -1) }

// wellFormed reports why s is not a well-formed XML element.
func wellFormed(s string) error {
	d := xml.NewDecoder(strings.NewReader(s))
	depth, roots := 0, 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if depth != 0 || roots != 1 {
				return fmt.Errorf("%d root elements, %d open", roots, depth)
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			seen := map[string]bool{}
			for _, a := range t.Attr {
				if seen[a.Name.Local] {
					return fmt.Errorf("<%s> has %s twice", t.Name.Local, a.Name.Local)
				}
				seen[a.Name.Local] = true
			}
		case xml.EndElement:
			depth--
		}
	}
}

// Elements and attributes that a page may hold; anything else came from a string.
var (
	allowedElements = set("html head meta link title style body main header footer nav section h1 h2 h3 p ol li a code pre figure figcaption " +
		"aside dl dt dd div span table caption thead tbody tr th td strong details summary svg desc g path circle rect line text")
	allowedAttributes = set("lang charset name content http-equiv rel href class id aria-label aria-labelledby aria-describedby aria-hidden role tabindex scope " +
		"viewBox d cx cy r x y x1 y1 x2 y2 width height rx transform")
	ownAnchor = regexp.MustCompile(`^#s\d+$`)
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// foreign reports the first mark-up of a page that this package does not write. It is
// stricter than HTML: names in lower case, values in double quotes.
func foreign(page string) error {
	rest, ok := strings.CutPrefix(page, "<!DOCTYPE html>")
	if !ok {
		return errors.New("no document type")
	}
	for {
		_, after, found := strings.Cut(rest, "<")
		if !found {
			return nil
		}
		tag := after[:min(60, len(after))]
		after = strings.TrimPrefix(after, "/")
		n := nameLength(after)
		if !allowedElements[after[:n]] {
			return fmt.Errorf("element <%s", tag)
		}
		for rest = after[n:]; strings.HasPrefix(rest, " "); {
			n := nameLength(rest[1:])
			name := rest[1 : 1+n]
			value, ok := strings.CutPrefix(rest[1+n:], `="`)
			end := strings.IndexByte(value, '"')
			if !ok || end < 0 || !allowedAttributes[name] || strings.ContainsAny(value[:end], "<>") {
				return fmt.Errorf("attribute %s of <%s", name, tag)
			}
			if v := value[:end]; name == "href" && v != "data:," && !ownAnchor.MatchString(v) {
				return fmt.Errorf("link to %q", v)
			}
			rest = value[end+1:]
		}
		if rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, "/"), ">"); !ok {
			return fmt.Errorf("end of <%s", tag)
		}
	}
}

// nameLength returns the length of the name that s begins with.
func nameLength(s string) int {
	for i, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return i
		}
	}
	return len(s)
}

func TestEverySVGIsWellFormedXML(t *testing.T) {
	found := svgs(html(gallery()))
	if want := 2 * withData(); len(found) != want {
		t.Fatalf("%d drawings, want %d", len(found), want)
	}
	for _, s := range found {
		if err := wellFormed(s); err != nil {
			t.Errorf("%v in %.300s", err, s)
		}
	}
}

func TestEverySVGHasATextAlternative(t *testing.T) {
	page := html(gallery())
	for _, s := range svgs(page) {
		m := regexp.MustCompile(`^<svg class="(?:wide|narrow)" viewBox="0 0 \d+ [\d.]+" role="img" aria-labelledby="(\w+)-t" aria-describedby="(\w+)-d">
<title id="(\w+)-t">[^<]+</title>
<desc id="(\w+)-d">[^<]+</desc>
`).FindStringSubmatch(s)
		if m == nil || m[1] != m[2] || m[1] != m[3] || m[1] != m[4] {
			t.Errorf("drawing begins %.200s", s)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %s stands twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:aria-labelledby|aria-describedby)="([^"]*)"|href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if id := m[1] + m[2]; !ids[id] {
			t.Errorf("reference to %s, which is no id", id)
		}
	}
}

func TestEveryChartWithDataHasATable(t *testing.T) {
	figures := regexp.MustCompile(`(?s)<figure class="chart">.*?</figure>`).FindAllString(html(gallery()), -1)
	drawn := 0
	for _, f := range figures {
		empty, table := strings.Contains(f, "No data"), strings.Contains(f, "<summary>Data")
		if empty == table {
			t.Errorf("no data is %v, table is %v in %.200s", empty, table, f)
		}
		if n := len(svgs(f)); empty && n != 0 || !empty && n != 2 {
			t.Errorf("%d drawings in %.200s", n, f)
		}
		if !empty {
			drawn++
		}
	}
	if drawn != withData() {
		t.Errorf("%d charts with data, want %d", drawn, withData())
	}
}

func TestPageAsksForNothingOverTheNetwork(t *testing.T) {
	page := html(gallery())
	bad := regexp.MustCompile(`(?i)https?:|url\(|@import|@font-face|\bsrc\s*=|<script|<iframe|<object|<img|<use|\bon[a-z]+\s*=`)
	if m := bad.FindAllString(page, -1); m != nil {
		t.Errorf("page holds %q", m)
	}
	if err := foreign(page); err != nil {
		t.Error(err)
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("no policy that forbids loading")
	}
}

func TestPageIsUTF8WithoutControlCharacters(t *testing.T) {
	page := html(gallery())
	if !utf8.ValidString(page) {
		t.Error("not UTF-8")
	}
	for _, r := range page {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			t.Fatalf("control character %q", r)
		}
	}
}
