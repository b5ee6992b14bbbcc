package page

import (
	"html/template"
	"math"
	"strings"
)

// Slate is a ranked list as a user would see it, with why each item stands there.
type Slate struct {
	Title  string // e.g. the user or the variant
	Note   string // below the title, e.g. what the user saw before
	Items  []SlateItem
	Format Format // of the scores; nil: decimals chosen from them
}

// SlateItem is an item of a [Slate].
type SlateItem struct {
	Name       string
	Detail     string   // set small behind the name, e.g. a category
	Score      float64  // NaN: not shown
	Sources    []string // which retrievers proposed it
	Propensity float64  // in (0, 1]; 0 or NaN: not shown
	Why        string   // one line of explanation
}

type madeSlate struct {
	Title, Note string
	Items       []madeSlateItem
}

type madeSlateItem struct {
	Rank int
	SlateItem
	ScoreText, PropensityText string
}

func (s Slate) render(r *renderer) (template.HTML, error) {
	format := s.Format
	if format == nil {
		scores := make([]float64, len(s.Items))
		for i, x := range s.Items {
			scores[i] = x.Score
		}
		format = Number
		if d, ok := decimalsFor(scores); ok {
			format = Fixed(d)
		}
	}
	m := madeSlate{Title: s.Title, Note: s.Note}
	for i, x := range s.Items {
		item := madeSlateItem{Rank: i + 1, SlateItem: x}
		if !math.IsNaN(x.Score) {
			item.ScoreText = format(x.Score)
		}
		if x.Propensity != 0 && !math.IsNaN(x.Propensity) {
			item.PropensityText = propensity(x.Propensity)
		}
		m.Items = append(m.Items, item)
	}
	return r.exec("slate", m)
}

// propensity shows three decimals, or more digits when those would be zeros.
func propensity(p float64) string {
	if s := Fixed(3)(p); strings.Trim(s, "0.") != "" {
		return s
	}
	return scientific(p, 1)
}
