package recsys

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendText writes a JSON string from which jsonScanner.str gets every byte back.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		n := 1
		switch {
		case c >= utf8.RuneSelf:
			if _, n = utf8.DecodeRuneInString(s[i:]); n > 1 {
				i += n
				continue
			}
			dst = append(append(dst, s[from:i]...), '\\', 'u', 'd', 'c', hexDigits[c>>4], hexDigits[c&15])
		case c == '"' || c == '\\':
			dst = append(append(dst, s[from:i]...), '\\', c)
		case c == '\n':
			dst = append(append(dst, s[from:i]...), '\\', 'n')
		case c < ' ':
			dst = append(append(dst, s[from:i]...), '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			i++
			continue
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// unescape turns \udc80 to \udcff without a high surrogate before it into the bytes
// that they stand for; see [LogVersion].
func (s *jsonScanner) unescape(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++ // never the last byte: str would have gone on
		switch c := raw[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(raw[i+1:])
			if r < 0 {
				s.failf("escape \\u without four hexadecimal digits")
				return nil
			}
			i += 4
			if low := lowSurrogate(raw[i+1:]); utf16.IsSurrogate(r) && utf16.DecodeRune(r, low) != utf8.RuneError {
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			if r >= 0xdc80 && r <= 0xdcff {
				out = append(out, byte(r))
			} else {
				out = utf8.AppendRune(out, r) // U+FFFD for a surrogate alone
			}
		default:
			s.failf("unknown escape \\%c", c)
			return nil
		}
	}
	return out
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	v, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(v)
}

// lowSurrogate returns the rune of an escape \uXXXX at the start of b, or -1.
func lowSurrogate(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	return hex4(b[2:])
}

// The bits that "NaN" stands for; other NaNs are written as their bits.
const (
	nan32 = 0x7fc00000
	nan64 = 0x7ff8000000000001 // math.NaN
)

func appendFloat32(dst []byte, v float32) []byte {
	switch b := math.Float32bits(v); {
	case b&0x7f800000 != 0x7f800000:
		return strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
	case b == nan32:
		return append(dst, `"NaN"`...)
	case v != v:
		return appendBits(dst, uint64(b), 8)
	}
	return appendInf(dst, v < 0)
}

func appendFloat64(dst []byte, v float64) []byte {
	switch b := math.Float64bits(v); {
	case b&0x7ff0000000000000 != 0x7ff0000000000000:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case b == nan64:
		return append(dst, `"NaN"`...)
	case v != v:
		return appendBits(dst, b, 16)
	}
	return appendInf(dst, v < 0)
}

func appendInf(dst []byte, negative bool) []byte {
	if negative {
		return append(dst, `"-Inf"`...)
	}
	return append(dst, `"+Inf"`...)
}

const hexDigits = "0123456789abcdef"

func appendBits(dst []byte, bits uint64, digits int) []byte {
	dst = append(dst, `"0x`...)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[bits>>uint(shift)&15])
	}
	return append(dst, '"')
}

// float32 takes a single float as appendFloat32 wrote it.
func (s *jsonScanner) float32() float32 {
	if s.next() != '"' {
		return float32(s.float(32))
	}
	switch text := s.str(); string(text) {
	case "NaN":
		return math.Float32frombits(nan32)
	case "+Inf":
		return float32(math.Inf(1))
	case "-Inf":
		return float32(math.Inf(-1))
	default:
		v := math.Float32frombits(uint32(s.bits(text, 8)))
		if s.err == nil && v == v {
			s.failf("%q is no NaN", printable(text))
		}
		return v
	}
}

// float64 takes a single float as appendFloat64 wrote it.
func (s *jsonScanner) float64() float64 {
	if s.next() != '"' {
		return s.float(64)
	}
	switch text := s.str(); string(text) {
	case "NaN":
		return math.Float64frombits(nan64)
	case "+Inf":
		return math.Inf(1)
	case "-Inf":
		return math.Inf(-1)
	default:
		v := math.Float64frombits(s.bits(text, 16))
		if s.err == nil && v == v {
			s.failf("%q is no NaN", printable(text))
		}
		return v
	}
}

func (s *jsonScanner) float(size int) float64 {
	text := s.number()
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseFloat(string(text), size)
	if err != nil {
		s.failf("%s overflows a float%d", printable(text), size)
		return 0
	}
	return v
}

// bits reads 0x and hexadecimal digits.
func (s *jsonScanner) bits(text []byte, digits int) uint64 {
	if s.err != nil {
		return 0
	}
	if len(text) == 2+digits && string(text[:2]) == "0x" {
		if v, err := strconv.ParseUint(string(text[2:]), 16, 64); err == nil {
			return v
		}
	}
	s.failf("%q is no float: want a number, \"NaN\", \"+Inf\", \"-Inf\" or 0x and %d digits", printable(text), digits)
	return 0
}

// integer takes a number without fraction within [low, high].
func (s *jsonScanner) integer(low, high int64) int64 {
	text := s.number()
	if s.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || v < low || v > high {
		s.failf("%s is no integer in [%d, %d]", printable(text), low, high)
		return 0
	}
	return v
}

func (s *jsonScanner) int() int { return int(s.integer(math.MinInt, math.MaxInt)) }

// decimal takes a string that holds an integer of 64 bits.
func (s *jsonScanner) decimal() uint64 {
	text := s.str()
	if s.err != nil {
		return 0
	}
	var v uint64
	ok := len(text) > 0
	for _, c := range text {
		d := uint64(c - '0')
		if c < '0' || c > '9' || v > (math.MaxUint64-d)/10 {
			ok = false
			break
		}
		v = v*10 + d
	}
	if !ok {
		s.failf("%q is no decimal integer of 64 bits", printable(text))
		return 0
	}
	return v
}
