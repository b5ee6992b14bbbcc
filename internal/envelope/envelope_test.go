package envelope_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/recsyskit/recsys/internal/envelope"
)

type itemID uint64

type config struct {
	Factors int
	Name    string
}

// content has a section of each type.
type content struct {
	Config  config
	IDs     []itemID
	Rows    []int32
	Starts  []int64
	Halves  []uint16
	Shorts  []int16
	Words   []uint32
	Bytes   []byte
	Codes   []int8
	Factors []float32
	Sums    []float64
	Names   []string
	Bias    float32
}

const (
	kind    = "test.kind"
	version = 3
	schema  = 0xfeedface12345678
)

func sample(n int) content {
	c := content{
		Config: config{Factors: 64, Name: "π"}, Bias: -0.5,
		IDs: []itemID{}, Rows: []int32{}, Starts: []int64{}, Halves: []uint16{}, Shorts: []int16{}, Words: []uint32{},
		Bytes: []byte{}, Codes: []int8{}, Factors: []float32{}, Sums: []float64{}, Names: []string{},
	}
	for i := range n {
		u := uint64(i)*0x9e3779b97f4a7c15 + 1<<63
		c.IDs = append(c.IDs, itemID(u))
		c.Rows = append(c.Rows, int32(u>>32))
		c.Starts = append(c.Starts, int64(u))
		c.Halves = append(c.Halves, uint16(u>>40))
		c.Shorts = append(c.Shorts, int16(u>>40))
		c.Words = append(c.Words, uint32(u>>20))
		c.Bytes = append(c.Bytes, byte(u>>50))
		c.Codes = append(c.Codes, int8(u>>50))
		c.Factors = append(c.Factors, float32(int64(u))/3)
		c.Sums = append(c.Sums, float64(int64(u))/3)
		c.Names = append(c.Names, strings.Repeat("ü\x00\xff", i%4))
	}
	return c
}

func (c content) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, schema)
	w.WriteJSON("config", c.Config)
	envelope.Write(w, "ids", c.IDs)
	envelope.Write(w, "rows", c.Rows)
	envelope.Write(w, "starts", c.Starts)
	envelope.Write(w, "halves", c.Halves)
	envelope.Write(w, "shorts", c.Shorts)
	envelope.Write(w, "words", c.Words)
	envelope.Write(w, "bytes", c.Bytes)
	envelope.Write(w, "codes", c.Codes)
	envelope.Write(w, "factors", c.Factors)
	envelope.Write(w, "sums", c.Sums)
	w.WriteStrings("names", c.Names)
	envelope.WriteValue(w, "bias", c.Bias)
	return w.Close()
}

func (c *content) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	var in content
	in.sections(r)
	n, err := r.Close()
	if err == nil {
		*c = in
	}
	return n, err
}

func (c *content) sections(r *envelope.Reader) {
	r.CheckSchema(schema)
	r.ReadJSON("config", &c.Config)
	c.IDs = envelope.Read[itemID](r, "ids")
	c.Rows = envelope.ReadN[int32](r, "rows", len(c.IDs))
	c.Starts = envelope.Read[int64](r, "starts")
	c.Halves = envelope.Read[uint16](r, "halves")
	c.Shorts = envelope.Read[int16](r, "shorts")
	c.Words = envelope.Read[uint32](r, "words")
	c.Bytes = envelope.Read[byte](r, "bytes")
	c.Codes = envelope.Read[int8](r, "codes")
	c.Factors = envelope.Read[float32](r, "factors")
	c.Sums = envelope.Read[float64](r, "sums")
	c.Names = r.ReadStrings("names")
	c.Bias = envelope.ReadValue[float32](r, "bias")
}

func encoded(t testing.TB, c io.WriterTo) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := c.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo = %d, %v; wrote %d bytes", n, err, b.Len())
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	// Sizes around a chunk of 32 KiB, which holds 4,096 to 32,768 elements.
	for _, n := range []int{0, 1, 2, 7, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 8192, 32768, 32769, 100_000} {
		if n > 5000 && testing.Short() {
			break
		}
		want := sample(n)
		file := encoded(t, want)
		if len(file)%64 != 0 {
			t.Errorf("n=%d: %d bytes; want a multiple of 64", n, len(file))
		}
		for name, src := range map[string]io.Reader{
			"length known":   bytes.NewReader(file),
			"length unknown": struct{ io.Reader }{bytes.NewReader(file)},
			"halves":         iotest.HalfReader(bytes.NewReader(file)),
			"early EOF":      iotest.DataErrReader(bytes.NewReader(file)),
		} {
			var got content
			if m, err := got.ReadFrom(src); err != nil || m != int64(len(file)) {
				t.Fatalf("n=%d, %s: ReadFrom = %d, %v; want %d", n, name, m, err, len(file))
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("n=%d, %s: read something else", n, name)
			}
		}
	}
}

func TestFloatsKeepEveryBit(t *testing.T) {
	f32 := []uint32{0, 1 << 31, 0x7f800000, 0xff800000, 0x7fc00001, 0xffc12345, 1, 0x807fffff}
	f64 := []uint64{0, 1 << 63, 0x7ff0000000000000, 0x7ff8000000000001, 0xfff8123456789abc, 1}
	var a []float32
	for _, u := range f32 {
		a = append(a, math.Float32frombits(u))
	}
	var b []float64
	for _, u := range f64 {
		b = append(b, math.Float64frombits(u))
	}
	var buf bytes.Buffer
	w := envelope.NewWriter(&buf, kind, 1, 0)
	envelope.Write(w, "a", a)
	envelope.Write(w, "b", b)
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := envelope.NewReader(&buf, kind, 1)
	a, b = envelope.Read[float32](r, "a"), envelope.Read[float64](r, "b")
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for i, v := range a {
		if math.Float32bits(v) != f32[i] {
			t.Errorf("float32 %#x came back as %#x", f32[i], math.Float32bits(v))
		}
	}
	for i, v := range b {
		if math.Float64bits(v) != f64[i] {
			t.Errorf("float64 %#x came back as %#x", f64[i], math.Float64bits(v))
		}
	}
}

// The bytes of a file of version 1 may never change: files of released versions
// stay readable.
func TestLayoutIsTheDocumentedOne(t *testing.T) {
	var buf bytes.Buffer
	w := envelope.NewWriter(&buf, "k", 7, 0x0102030405060708)
	envelope.Write(w, "v", []uint16{0xbbaa, 0xddcc})
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	zeros := func(n int) string { return strings.Repeat("00", n) }
	want := "7265637379731a0a" + "0100" + "0000" + "07000000" + "0807060504030201" + "6b" + zeros(35) + "e15cb02c" +
		"12" + zeros(3) + "00000000" + "0200000000000000" + "0400000000000000" + "76" + zeros(35) + "f94a8c0e" +
		"aabbccdd" + zeros(56) + "af6bc44b" +
		"ff" + zeros(3) + "01000000" + zeros(8) + "0001000000000000" + zeros(32) + "df1916eb" + "97656b57"
	if got := fmt.Sprintf("%x", buf.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEnvelopesFollowEachOtherInAStream(t *testing.T) {
	var stream bytes.Buffer
	want := []content{sample(3), sample(0), sample(100)}
	for _, c := range want {
		stream.Write(encoded(t, c))
	}
	stream.WriteString("and more")
	for i := range want {
		var got content
		if _, err := got.ReadFrom(&stream); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("envelope %d: %v, or other contents", i, err)
		}
	}
	if stream.String() != "and more" {
		t.Errorf("%q is left; want %q", stream.String(), "and more")
	}
}

func TestTruncationAtEveryByteIsTruncation(t *testing.T) {
	file := encoded(t, sample(5))
	for n := range file {
		for _, src := range []io.Reader{bytes.NewReader(file[:n]), struct{ io.Reader }{bytes.NewReader(file[:n])}} {
			got := content{Bias: 42}
			read, err := got.ReadFrom(src)
			if !errors.Is(err, envelope.ErrTruncated) || read != int64(n) {
				t.Fatalf("of %d bytes: ReadFrom = %d, %v; want ErrTruncated", n, read, err)
			}
			if errors.Is(err, io.EOF) != (n == 0) {
				t.Errorf("of %d bytes: %v; only an empty stream is io.EOF", n, err)
			}
			if got.Bias != 42 {
				t.Fatalf("of %d bytes: something was loaded", n)
			}
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	file := encoded(t, sample(5))
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			var got content
			_, err := got.ReadFrom(bytes.NewReader(file))
			want := envelope.ErrCorrupt
			if i < 8 { // the magic bytes
				want = envelope.ErrKind
			}
			if !errors.Is(err, want) {
				t.Fatalf("bit %d of byte %d: %v; want %v", bit, i, err, want)
			}
			file[i] ^= 1 << bit
		}
	}
}

func TestHalvesOfTwoFilesMakeNoFile(t *testing.T) {
	a, b := sample(5), sample(5)
	b.Rows[0]++
	b.Names[4] = strings.ToUpper(b.Names[4])
	b.Bias++
	x, y := encoded(t, a), encoded(t, b)
	if len(x) != len(y) {
		t.Fatal("the files differ in length")
	}
	for cut := 64; cut < len(x); cut += 64 {
		mixed := append(append([]byte(nil), x[:cut]...), y[cut:]...)
		if bytes.Equal(mixed, x) || bytes.Equal(mixed, y) {
			continue
		}
		var got content
		if _, err := got.ReadFrom(bytes.NewReader(mixed)); !errors.Is(err, envelope.ErrCorrupt) {
			t.Errorf("cut at %d: %v; want ErrCorrupt", cut, err)
		}
	}
}

func TestErrorsSayWhatTheFileIs(t *testing.T) {
	file := func(kind string, version uint32, schema uint64) []byte {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, kind, version, schema)
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	laterLayout := file(kind, 1, 0)
	laterLayout[8] = 2
	seal(laterLayout[:64])
	for _, c := range []struct {
		name string
		file []byte
		want error
		text string
	}{
		{"text", []byte("user,item\n1,2\n"), envelope.ErrKind, `the file starts with "user,ite"; want "test.kind"`},
		{"short text", []byte("use"), envelope.ErrKind, `the file starts with "use"; want "test.kind"`},
		{"another kind", file("als", 1, schema), envelope.ErrKind, `the file holds "als"; want "test.kind"`},
		{"another kind, newer", file("als", 9, schema), envelope.ErrKind, `the file holds "als"; want "test.kind"`},
		{"newer version", file(kind, 4, schema), envelope.ErrNewer, `file is newer than this program: test.kind, byte 64: version 4; this program reads up to 3`},
		{"newer layout", laterLayout, envelope.ErrNewer, `file is newer than this program: test.kind, byte 64: layout 2; this program reads up to 1`},
		{"another schema", file(kind, 3, 1), envelope.ErrSchema, `file has another schema: test.kind, byte 64: it was written for schema 0000000000000001, not feedface12345678`},
		{"a section missing", file(kind, 3, schema), envelope.ErrCorrupt, `file is corrupt: test.kind, section "config", byte 128: the envelope ends where the section should be`},
		{"nothing", nil, envelope.ErrTruncated, `file is truncated: test.kind, byte 0: there is nothing`},
		{"a part", encoded(t, sample(2))[:200], envelope.ErrTruncated, `file is truncated: test.kind, section "ids", byte 200: 56 more bytes expected here`},
	} {
		var got content
		_, err := got.ReadFrom(bytes.NewReader(c.file))
		if !errors.Is(err, c.want) || err.Error() != c.text {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.text)
		}
		var typed *envelope.Error
		if !errors.As(err, &typed) || typed.Kind != kind || typed.Err != c.want {
			t.Errorf("%s: %#v is no *Error of %s", c.name, err, kind)
		}
	}
}

// seal makes the check of a 64-byte block hold.
func seal(block []byte) {
	binary.LittleEndian.PutUint32(block[60:], crc(block[:60]))
}

func TestReaderMustAskForWhatIsThere(t *testing.T) {
	var buf bytes.Buffer
	w := envelope.NewWriter(&buf, kind, 1, 0)
	envelope.Write(w, "a", []uint32{1, 2})
	w.WriteJSON("j", map[string]int{"x": 1, "y": 2})
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(*envelope.Reader){
		"other name":    func(r *envelope.Reader) { envelope.Read[uint32](r, "b") },
		"other type":    func(r *envelope.Reader) { envelope.Read[int32](r, "a") },
		"other size":    func(r *envelope.Reader) { envelope.Read[uint64](r, "a") },
		"strings":       func(r *envelope.Reader) { r.ReadStrings("a") },
		"other count":   func(r *envelope.Reader) { envelope.ReadN[uint32](r, "a", 3) },
		"negative":      func(r *envelope.Reader) { envelope.ReadN[uint32](r, "a", -1) },
		"one value":     func(r *envelope.Reader) { envelope.ReadValue[uint32](r, "a") },
		"too few":       func(r *envelope.Reader) { envelope.Read[uint32](r, "a") },
		"none":          func(*envelope.Reader) {},
		"unknown field": func(r *envelope.Reader) { envelope.Read[uint32](r, "a"); r.ReadJSON("j", &struct{ X int }{}) },
		"contradiction": func(r *envelope.Reader) {
			envelope.Read[uint32](r, "a")
			r.ReadJSON("j", &map[string]int{})
			r.Fail("a is not ascending")
		},
	} {
		r := envelope.NewReader(bytes.NewReader(buf.Bytes()), kind, 1)
		read(r)
		if _, err := r.Close(); !errors.Is(err, envelope.ErrCorrupt) {
			t.Errorf("%s: %v; want ErrCorrupt", name, err)
		}
	}
}

func TestFirstErrorStays(t *testing.T) {
	r := envelope.NewReader(strings.NewReader("no"), kind, 1)
	first := r.Err()
	if envelope.Read[uint32](r, "a") != nil || r.ReadStrings("b") != nil || envelope.ReadValue[int64](r, "c") != 0 {
		t.Error("a failed reader returns values")
	}
	r.Fail("later")
	r.CheckSchema(7)
	if n, err := r.Close(); err != first || n != 2 || r.Version() != 0 {
		t.Errorf("Close = %d, %v; want 2, %v", n, err, first)
	}
}

func TestWriterRefusesWhatCannotBeRead(t *testing.T) {
	long := strings.Repeat("n", 37)
	for name, write := range map[string]func(io.Writer) *envelope.Writer{
		"no kind":   func(w io.Writer) *envelope.Writer { return envelope.NewWriter(w, "", 1, 0) },
		"long kind": func(w io.Writer) *envelope.Writer { return envelope.NewWriter(w, long, 1, 0) },
		"zero byte": func(w io.Writer) *envelope.Writer { return envelope.NewWriter(w, "a\x00", 1, 0) },
		"version 0": func(w io.Writer) *envelope.Writer { return envelope.NewWriter(w, "a", 0, 0) },
		"no name": func(w io.Writer) *envelope.Writer {
			return section(w, func(w *envelope.Writer) { w.WriteStrings("", nil) })
		},
		"long name": func(w io.Writer) *envelope.Writer {
			return section(w, func(w *envelope.Writer) { envelope.Write(w, long, []byte{1}) })
		},
		"not in JSON": func(w io.Writer) *envelope.Writer {
			return section(w, func(w *envelope.Writer) { w.WriteJSON("j", math.NaN()) })
		},
	} {
		var buf bytes.Buffer
		w := write(&buf)
		if n, err := w.Close(); err == nil || n != int64(buf.Len()) {
			t.Errorf("%s: Close = %d, %v; want an error", name, n, err)
		}
	}
}

func section(w io.Writer, add func(*envelope.Writer)) *envelope.Writer {
	e := envelope.NewWriter(w, kind, 1, 0)
	add(e)
	return e
}

func TestErrorsOfTheStreamComeThrough(t *testing.T) {
	boom := errors.New("boom")
	file := encoded(t, sample(5))
	for n := range file {
		var got content
		src := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(boom))
		m, err := got.ReadFrom(src)
		if !errors.Is(err, boom) || m != int64(n) {
			t.Fatalf("after %d bytes: ReadFrom = %d, %v; want boom", n, m, err)
		}
		if errors.Is(err, envelope.ErrTruncated) || errors.Is(err, envelope.ErrCorrupt) {
			t.Fatalf("after %d bytes: %v blames the file", n, err)
		}
	}
	for _, n := range []int{0, 1, 1000, 70_000} {
		dst := &failing{left: n, err: boom}
		if m, err := sample(10_000).WriteTo(dst); !errors.Is(err, boom) || m != int64(n) {
			t.Errorf("WriteTo = %d, %v; want %d, boom", m, err, n)
		}
	}
}

// failing takes left bytes.
type failing struct {
	left int
	err  error
}

func (f *failing) Write(b []byte) (int, error) {
	if len(b) <= f.left {
		f.left -= len(b)
		return len(b), nil
	}
	n := f.left
	f.left = 0
	return n, f.err
}

func TestHugeLengthFieldsAllocateNothingHuge(t *testing.T) {
	file := encoded(t, sample(3))
	for name, typ := range map[string]byte{"ids": 0x18, "factors": 0x34, "names": 0x42, "config": 0x41} {
		for _, count := range []uint64{1 << 20, 1 << 32, 1 << 40, 1<<60 - 1, 1 << 60, 1<<61 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
			for _, size := range []uint64{count, 4 * count, 8 * count, 1<<63 - 1, 1<<64 - 1, 0, 3} {
				bad := append([]byte(nil), file...)
				at := findSection(t, bad, name)
				if bad[at] != typ {
					t.Fatalf("section %s has type %#x", name, bad[at])
				}
				binary.LittleEndian.PutUint64(bad[at+8:], count)
				binary.LittleEndian.PutUint64(bad[at+16:], size)
				seal(bad[at : at+64])
				var got content
				var err error
				used := allocated(func() { _, err = got.ReadFrom(struct{ io.Reader }{bytes.NewReader(bad)}) })
				if !errors.Is(err, envelope.ErrTruncated) && !errors.Is(err, envelope.ErrCorrupt) {
					t.Errorf("%s with %d elements in %d bytes: %v", name, count, size, err)
				}
				if used > 1<<20 {
					t.Errorf("%s with %d elements in %d bytes: allocated %d bytes for a file of %d", name, count, size, used, len(bad))
				}
			}
		}
	}
}

// findSection returns where the header of the section name starts.
func findSection(t testing.TB, file []byte, name string) int {
	t.Helper()
	for at := 64; at < len(file); at += 64 {
		if string(bytes.TrimRight(file[at+24:at+60], "\x00")) == name {
			return at
		}
	}
	t.Fatalf("no section %s", name)
	return 0
}

// allocated returns how many bytes f allocates, small objects roughly: the least of three calls.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 { // the runtime may count what other code allocated before at any time
		sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(sample)
		before := sample[0].Value.Uint64()
		f()
		metrics.Read(sample)
		least = min(least, sample[0].Value.Uint64()-before)
	}
	return least
}
