package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Page is a report. The zero value is an empty page.
type Page struct {
	Title    string
	Subtitle string    // one line below the title
	Facts    []Fact    // what the run was: data set, seed, version
	Sections []Section // in order
	Footer   string    // small print at the end, e.g. the command
}

// Section is a heading with what stands below it.
type Section struct {
	Heading string
	Content []Element // in order; nil elements are passed over
}

// Element is what a section holds. The types of this package are the only ones.
type Element interface {
	render(*renderer) (template.HTML, error)
}

// Add appends a section to the page.
func (p *Page) Add(heading string, content ...Element) {
	p.Sections = append(p.Sections, Section{Heading: heading, Content: content})
}

// Write writes the page to w as UTF-8, in one call of Write once all of it is made.
// The error is that of w. The time is linear in the values shown.
func (p *Page) Write(w io.Writer) error {
	b, err := p.bytes()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// Save writes the page to the file path. It writes a temporary file in the same folder
// and renames it, so that path holds the old file or the new one and never a part. The
// file can be read by all (0o644). An error names path and wraps that of the system.
func (p *Page) Save(path string) (err error) {
	b, err := p.bytes()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("page: save %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("page: save %s: %w", path, err)
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

var (
	//go:embed page.html
	pageText string
	//go:embed chart.css
	chartStyle string
	//go:embed page.css
	layoutStyle string

	pageStyle = chartStyle + layoutStyle

	templates = template.Must(template.New("").Parse(pageText))
)

// renderer makes the elements of one page.
type renderer struct {
	figures int // charts so far; their numbers make the ids
}

// exec runs a template of page.html.
func (r *renderer) exec(name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	return template.HTML(b.String()), nil
}

// all renders elements in order.
func (r *renderer) all(elements []Element) ([]template.HTML, error) {
	var made []template.HTML
	for _, e := range elements {
		if e == nil {
			continue
		}
		h, err := e.render(r)
		if err != nil {
			return nil, err
		}
		made = append(made, h)
	}
	return made, nil
}

// madeSection is a section ready for the template.
type madeSection struct {
	ID, Heading string
	Content     []template.HTML
}

func (p *Page) bytes() ([]byte, error) {
	r := &renderer{}
	sections := make([]madeSection, len(p.Sections))
	for i, s := range p.Sections {
		content, err := r.all(s.Content)
		if err != nil {
			return nil, err
		}
		sections[i] = madeSection{"s" + strconv.Itoa(i+1), s.Heading, content}
	}
	html, err := r.exec("page", map[string]any{
		"Page":     p,
		"Style":    template.CSS(pageStyle),
		"Sections": sections,
		"Contents": len(sections) >= 4,
	})
	return []byte(clean(string(html))), err
}
