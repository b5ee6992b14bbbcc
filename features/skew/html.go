package skew

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"figure": figure, "plot": plot, "clip": clip, "clean": oneLine, "class": style,
}).Parse(page))

// WriteHTML writes the report as one HTML file that holds its style and its plots, runs no script
// and asks for nothing over the network. Names and values are escaped. It is written in one
// call of Write.
func (r *Report) WriteHTML(w io.Writer) error {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, r); err != nil {
		return fmt.Errorf("skew: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// bar is a pair of bars of a plot, in its pixels.
type bar struct {
	X, Width         float64
	Logged, Rejoined float64 // heights
	LoggedY          float64
	RejoinedX        float64
	RejoinedY        float64
	Title            string
}

const plotWidth, plotHeight = 360.0, 90.0

// plot lays out the bins of a column.
func plot(c Column) []bar {
	most := 0.0
	for b := range c.Logged {
		most = max(most, c.Logged[b], c.Rejoined[b])
	}
	bars := make([]bar, len(c.Logged))
	step := plotWidth / float64(max(1, len(bars)))
	for b := range bars {
		p, q := c.Logged[b], c.Rejoined[b]
		h, k := round(p/most*plotHeight), round(q/most*plotHeight)
		bars[b] = bar{
			X: round(float64(b) * step), Width: round(step * 0.42), Logged: h, LoggedY: round(plotHeight - h),
			RejoinedX: round(float64(b)*step + float64(step*0.45)), Rejoined: k, RejoinedY: round(plotHeight - k),
			Title: fmt.Sprintf("%s: %.3g logged, %.3g re-joined", c.Bins[b], p, q),
		}
	}
	return bars
}

// style returns the style class of a verdict.
func style(v Verdict) string {
	if v == Empty {
		return "empty"
	}
	return v.String()
}

// round keeps a tenth of a pixel.
func round(v float64) float64 { return float64(int(v*10+0.5)) / 10 }
