package page_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

type rgb [3]float64 // linear

// palette reads the custom properties of the style sheet, light and dark.
func palette(t *testing.T) map[string]map[string]rgb {
	t.Helper()
	light, rest, _ := strings.Cut(page.Style, "@media screen and (prefers-color-scheme: dark)")
	dark, _, ok := strings.Cut(rest, "\n}\n")
	if !ok {
		t.Fatal("no dark mode in the style sheet")
	}
	modes := map[string]map[string]rgb{}
	for mode, css := range map[string]string{"light": light, "dark": dark} {
		modes[mode] = map[string]rgb{}
		for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
			v, _ := strconv.ParseUint(m[2], 16, 32)
			var c rgb
			for i := range c {
				c[i] = linear(float64(v>>(16-8*i)&255) / 255)
			}
			modes[mode][m[1]] = c
		}
	}
	return modes
}

func linear(c float64) float64 {
	if c <= .04045 {
		return c / 12.92
	}
	return math.Pow((c+.055)/1.055, 2.4)
}

// contrast is the contrast ratio of WCAG 2.1.
func contrast(a, b rgb) float64 {
	l := func(c rgb) float64 { return .2126*c[0] + .7152*c[1] + .0722*c[2] + .05 }
	return max(l(a), l(b)) / min(l(a), l(b))
}

// Source: WCAG 2.1, success criteria 1.4.3 (text) and 1.4.11 (graphics).
func TestColoursHaveContrast(t *testing.T) {
	for mode, p := range palette(t) {
		check := func(front, back string, least float64) {
			if c := contrast(p[front], p[back]); c < least {
				t.Errorf("%s: contrast of %s on %s is %.2f, want %v", mode, front, back, c, least)
			}
		}
		for _, back := range []string{"bg", "soft"} {
			check("ink", back, 7)
			check("muted", back, 4.5)
			check("accent", back, 4.5)
		}
		for i := 1; i <= 6; i++ {
			n := strconv.Itoa(i)
			check("c"+n, "bg", 3)
			check("on"+n, "c"+n, 4.5)
		}
	}
}

// Matrices for full dichromacy, on linear RGB.
// Source: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation
// of Color Vision Deficiency, 2009, severity 1.0.
var visions = map[string][9]float64{
	"normal": {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protan": {.152286, 1.052583, -.204868, .114503, .786281, .099216, -.003882, -.048116, 1.051998},
	"deutan": {.367322, .860646, -.227968, .280085, .672501, .047413, -.011820, .042940, .968881},
	"tritan": {1.255528, -.076749, -.178779, -.078411, .930809, .147602, .004733, .691367, .303900},
}

func seen(m [9]float64, c rgb) rgb {
	var o rgb
	for i := range o {
		o[i] = max(0, min(1, m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2]))
	}
	return o
}

// oklab is a colour in the space of Ottosson, 2020, in which distances are even.
func oklab(c rgb) [3]float64 {
	l := math.Cbrt(.4122214708*c[0] + .5363325363*c[1] + .0514459929*c[2])
	m := math.Cbrt(.2119034982*c[0] + .6806995451*c[1] + .1073969566*c[2])
	s := math.Cbrt(.0883024619*c[0] + .2817188376*c[1] + .6299787005*c[2])
	return [3]float64{
		.2104542553*l + .7936177850*m - .0040720468*s,
		1.9779984951*l - 2.4285922050*m + .4505937099*s,
		.0259040371*l + .7827717662*m - .8086757660*s,
	}
}

// The palette of Okabe and Ito, the usual choice, has a least distance of 0.076 here.
func TestColoursDifferForTheColourBlind(t *testing.T) {
	for mode, p := range palette(t) {
		for vision, m := range visions {
			for i := 1; i <= 6; i++ {
				for j := 1; j < i; j++ {
					a, b := oklab(seen(m, p[fmt.Sprint("c", i)])), oklab(seen(m, p[fmt.Sprint("c", j)]))
					d := math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
					if d < .1 {
						t.Errorf("%s, %s vision: colours %d and %d are %.3f apart, want 0.1", mode, vision, i, j, d)
					}
				}
			}
		}
	}
}
