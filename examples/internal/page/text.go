package page

import (
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape returns s as text of HTML and SVG, for content and for quoted attributes.
func escape(s string) string { return template.HTMLEscapeString(s) }

// clean replaces what neither HTML nor XML can hold, and what would turn the writing
// direction of the text around it, by U+FFFD. It works on whole pages: all of these
// are outside what mark-up is made of.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, // control characters
			r == 0xfffe, r == 0xffff, // not characters in XML
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // directional overrides
			return unicode.ReplacementChar
		}
		return r // broken UTF-8 reads as U+FFFD
	}, s)
}

// advances holds the widths of the printable ASCII characters in thousandths of the
// font size, from space on: those of DejaVu Sans, the widest of the common interface
// fonts, so that text has room with the others too.
var advances = [95]int16{
	318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
	636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
	1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
	603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
	500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
	635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
}

// slack is what hinting adds to the widths at small sizes.
const slack = 1.015

// textWidth estimates the width of s in the page's font at the given size, on the safe side.
func textWidth(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		sum += advance(r)
	}
	return float64(sum) * size * slack / 1000
}

func advance(r rune) int {
	switch {
	case r >= 0x20 && r < 0x7f:
		return int(advances[r-0x20])
	case r == '−' || r == '×':
		return 838
	case r == '…' || r == '∞':
		return 1000
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff ||
		r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f000):
		return 1050 // East Asian wide characters, pictures
	case unicode.IsUpper(r):
		return 790
	}
	return 640
}

// fit returns s when it is at most width wide, else its longest beginning that is
// together with an ellipsis. The bool reports whether it was cut.
func fit(s string, width, size float64) (string, bool) {
	if textWidth(s, size) <= width+.5 { // room for what was measured before
		return s, false
	}
	room := width - textWidth("…", size)
	end := 0
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		room -= float64(advance(r)) * size * slack / 1000
		if room < 0 { // marks without width stay with their base
			break
		}
		end += n
	}
	return strings.TrimRight(s[:end], " ,;:-–") + "…", true
}

// wrapTwo breaks s at a space, a hyphen or a slash into at most two lines of the given
// width. The bool is false when it does not fit.
func wrapTwo(s string, width, size float64) ([]string, bool) {
	if textWidth(s, size) <= width {
		return []string{s}, true
	}
	best, bestWidth := -1, width
	for i, r := range s {
		if r != ' ' && r != '-' && r != '/' {
			continue
		}
		w := max(textWidth(strings.TrimSpace(s[:i+1]), size), textWidth(s[i+1:], size))
		if w <= bestWidth {
			best, bestWidth = i, w
		}
	}
	if best < 0 {
		return nil, false
	}
	return []string{strings.TrimSpace(s[:best+1]), s[best+1:]}, true
}
