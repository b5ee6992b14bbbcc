package page

import (
	"html/template"
	"strings"
)

// Text is prose. A blank line parts paragraphs; text between `back quotes` is set as code.
type Text string

// Heading is a heading within a section, for instance above the elements of one variant.
type Heading string

// Note is an aside, set apart from the prose: a caveat, a limit, what to look at.
type Note string

// Code is preformatted text: a command, a log, a piece of source.
type Code struct {
	Title string // above it; empty for none
	Text  string
}

// Fact is a name with a value.
type Fact struct {
	Name, Value string
}

// Facts is a list of names with values, such as the settings of a run.
type Facts []Fact

// KeyFigure is one large figure.
type KeyFigure struct {
	Label string // what it is
	Value string // as shown; see the formats, for instance Percent(1)(v)
	Unit  string // set smaller behind the value
	Note  string // set below, e.g. what it is compared with
}

// KeyFigures is a row of large figures; three to five read best.
type KeyFigures []KeyFigure

// Columns sets elements side by side where the page is wide enough, else one below
// the other. Two charts fit, or three narrow tables.
type Columns []Element

func (t Text) render(r *renderer) (template.HTML, error) {
	return r.exec("text", paragraphs(string(t)))
}

func (h Heading) render(r *renderer) (template.HTML, error) { return r.exec("heading", string(h)) }

func (n Note) render(r *renderer) (template.HTML, error) {
	return r.exec("note", paragraphs(string(n)))
}

func (c Code) render(r *renderer) (template.HTML, error) {
	c.Text = strings.TrimRight(strings.ReplaceAll(c.Text, "\r\n", "\n"), "\n")
	return r.exec("code", c)
}

func (f Facts) render(r *renderer) (template.HTML, error) { return r.exec("facts", f) }

func (k KeyFigures) render(r *renderer) (template.HTML, error) { return r.exec("keyfigures", k) }

func (c Columns) render(r *renderer) (template.HTML, error) {
	content, err := r.all(c)
	if err != nil {
		return "", err
	}
	return r.exec("columns", content)
}

// paragraphs returns the paragraphs of s, escaped, with `code` marked up.
func paragraphs(s string) []template.HTML {
	var out []template.HTML
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, inline(p))
		}
	}
	return out
}

// inline escapes s and marks up `code`. A back quote without a partner stands as it is.
func inline(s string) template.HTML {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(s, "`")
		code, after, closed := strings.Cut(rest, "`")
		if !open || !closed {
			b.WriteString(escape(s))
			return template.HTML(b.String())
		}
		b.WriteString(escape(before) + "<code>" + escape(code) + "</code>")
		s = after
	}
}
