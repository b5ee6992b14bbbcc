package page

import (
	"math"
	"strconv"
	"strings"
)

// Format turns a number into text. The formats of this package show NaN as "–" and
// infinities as "∞" and "−∞", and set a minus sign, not a hyphen.
type Format func(float64) string

// Number shows v with four significant digits and no trailing zeros: 0.3127, 12,480,
// 1.25×10⁻⁶. Whole numbers below 10^12 are shown in full.
func Number(v float64) string {
	if s, ok := special(v); ok {
		return s
	}
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0"
	case v == math.Trunc(v) && a < 1e12:
		return Count(v)
	case a >= 1e12 || a < 1e-4:
		return scientific(v, 3)
	}
	decimals := max(0, 3-int(math.Floor(math.Log10(a))))
	return trimZeros(Fixed(decimals)(v))
}

// Count shows v rounded to a whole number, with commas between thousands.
func Count(v float64) string { return Fixed(0)(v) }

// Fixed returns the format with so many decimals, and commas between thousands.
func Fixed(decimals int) Format {
	return func(v float64) string {
		if s, ok := special(v); ok {
			return s
		}
		return signed(group(strconv.FormatFloat(v, 'f', max(0, decimals), 64)))
	}
}

// Percent returns the format that shows the fraction 0.3127 as 31.3% with one decimal.
func Percent(decimals int) Format {
	return func(v float64) string {
		if s, ok := special(v); ok {
			return s
		}
		return Fixed(decimals)(v*100) + "%"
	}
}

// Short shows v with three significant digits and a suffix: 950, 12.4k, 3.05M, 1.2G.
func Short(v float64) string {
	return scaled(v, 1000, []string{"", "k", "M", "G", "T", "P"})
}

// Bytes shows a number of bytes in the powers of 1024: 950 B, 12.4 KiB, 1.5 MiB.
func Bytes(v float64) string {
	return scaled(v, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB", " PiB"})
}

// Microseconds shows a time given in microseconds: 830 ns, 12.4 µs, 1.25 ms, 3.2 s.
func Microseconds(v float64) string {
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0 µs"
	case a < 0.9995:
		return scaled(v*1e3, math.Inf(1), []string{" ns"})
	}
	if a >= 999.5e3 {
		return scaled(v/1e6, math.Inf(1), []string{" s"})
	}
	return scaled(v, 1000, []string{" µs", " ms"})
}

// scaled divides v by base until it is below it and shows three significant digits.
func scaled(v, base float64, suffixes []string) string {
	if s, ok := special(v); ok {
		return s
	}
	i, limit := 0, base-0.5
	for math.Abs(v) >= limit && i < len(suffixes)-1 {
		v /= base
		i++
	}
	decimals := 0
	if a := math.Abs(v); a > 0 && a < 99.95 {
		decimals = min(6, max(0, 2-int(math.Floor(math.Log10(a)))))
	}
	return trimZeros(Fixed(decimals)(v)) + suffixes[i]
}

func special(v float64) (string, bool) {
	switch {
	case math.IsNaN(v):
		return "–", true
	case math.IsInf(v, 1):
		return "∞", true
	case math.IsInf(v, -1):
		return "−∞", true
	}
	return "", false
}

// signed sets a minus sign for a hyphen, and none before a zero.
func signed(s string) string {
	rest, ok := strings.CutPrefix(s, "-")
	if !ok {
		return s
	}
	if strings.Trim(rest, "0.,") == "" {
		return rest
	}
	return "−" + rest
}

// group sets commas between the thousands of a decimal number.
func group(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// scientific shows v with at most so many decimals as 1.25×10⁻⁶.
func scientific(v float64, decimals int) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', decimals, 64), "e")
	mantissa = trimZeros(mantissa)
	e, _ := strconv.Atoi(exponent)
	switch mantissa {
	case "1":
		return power(e)
	case "-1":
		return "−" + power(e)
	}
	return signed(mantissa) + "×" + power(e)
}

// power shows 10 to the e.
func power(e int) string {
	return "10" + strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
		"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(e))
}

// decimalsFor returns how many decimals a column of these values is shown with, so
// that its numbers align: none for whole numbers, else as many as show four significant
// digits of the largest and, where there is room, two of the smallest. The bool is false when that would take too many and [Number] fits better.
func decimalsFor(values []float64) (int, bool) {
	whole, largest, smallest := true, 0.0, math.Inf(1)
	var finite []float64
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		finite = append(finite, v)
		whole = whole && v == math.Trunc(v)
		largest = max(largest, math.Abs(v))
		if v != 0 {
			smallest = min(smallest, math.Abs(v))
		}
	}
	switch {
	case largest >= 1e12:
		return 0, false
	case whole:
		return 0, true
	case largest < 1e-3:
		return 0, false
	}
	// Four digits of the largest; two of the smallest unless it is next to nothing; seven in all.
	if smallest < largest*1e-4 {
		smallest = largest
	}
	before := int(math.Floor(math.Log10(largest))) + 1
	most := max(0, 7-max(before, 1))
	if d, ok := decimalsThatTell(finite, 1, min(4, most), exactly); ok {
		return d, true
	}
	return max(0, 4-max(before, 0), min(1-int(math.Floor(math.Log10(smallest))), most)), true
}
