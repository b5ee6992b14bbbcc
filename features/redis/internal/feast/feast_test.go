package feast_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/features/redis/internal/feast"
)

// lines returns the words of each line of testdata/feast.txt that starts with kind.
func lines(t *testing.T, kind string) (all [][]string) {
	t.Helper()
	f, err := os.Open("testdata/feast.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for scan := bufio.NewScanner(f); scan.Scan(); {
		if words := strings.Fields(scan.Text()); len(words) > 0 && words[0] == kind {
			all = append(all, words[1:])
		}
	}
	if len(all) == 0 {
		t.Fatalf("no line %s", kind)
	}
	return all
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Trim(s, "-"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeysAreThoseOfFeast(t *testing.T) {
	for _, w := range lines(t, "key") {
		version, _ := strconv.Atoi(w[0])
		k := feast.Key{Version: version, Join: w[1], Project: "test"}
		var got []byte
		if w[2] == "string" {
			got = k.AppendString(nil, w[3])
		} else {
			n, _ := strconv.ParseInt(w[3], 10, 64)
			got = k.AppendInt(nil, map[string]feast.Type{"int32": feast.Int32, "int64": feast.Int64}[w[2]], n)
		}
		if want := append(unhex(t, w[4]), "test"...); !bytes.Equal(got, want) {
			t.Errorf("%v: %x; want %x", w[:4], got, want)
		}
	}
}

// Source: test_generate_entity_redis_keys, test_generate_hset_keys_for_features and
// test_generate_hset_keys_for_features_with_requested_features of sdk/python/tests/unit/infra/online_store/test_redis.py.
func TestKeysAndFieldsAreThoseOfFeastsOwnTests(t *testing.T) {
	key := feast.Key{Version: 3, Join: "entity", Project: "test"}.AppendInt(nil, feast.Int32, 1)
	if want := "\x01\x00\x00\x00\x02\x00\x00\x00\x06\x00\x00\x00entity\x03\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00test"; string(key) != want {
		t.Errorf("key %q; want %q", key, want)
	}
	for _, c := range []struct{ view, feature, want string }{
		{"feature_view_1", "feature_10", "&m_9"},
		{"feature_view_1", "feature_11", "\xc37\x9a\xbf"},
		{"feature_view_1", "feature_12", "wr\xb5d"},
		{"feature_view_1", "my-feature-view:feature1", "Si\x86J"},
	} {
		if got := feast.Field(c.view, c.feature); got != c.want {
			t.Errorf("field of %s:%s is %q; want %q", c.view, c.feature, got, c.want)
		}
	}
	if got := feast.TimeField("feature_view_1"); got != "_ts:feature_view_1" {
		t.Errorf("the field of the time is %q", got)
	}
}

// Source: the published values of MurmurHash3_x86_32 with seed 0, for every length of the tail.
func TestMurmur3(t *testing.T) {
	for s, want := range map[string]uint32{
		"": 0, "a": 0x3c2569b2, "ab": 0x9bbfd75f, "abc": 0xb3dd93fa, "test": 0xba6bd213, "Hello, world!": 0xc0363e43,
		"The quick brown fox jumps over the lazy dog": 0x2e4ff723,
	} {
		if got := feast.Murmur3(s); got != want {
			t.Errorf("%q: %#x; want %#x", s, got, want)
		}
	}
}

func TestValuesAreThoseOfFeast(t *testing.T) {
	hash := func(s string) uint64 { return uint64(len(s)) + 1000 }
	for _, w := range lines(t, "value") {
		kind, text := w[0], w[1]
		v, err := feast.Parse(unhex(t, w[2]))
		if err != nil {
			t.Errorf("%v: %v", w, err)
			continue
		}
		float, floatErr := v.Float()
		id, idErr := v.ID(hash)
		switch kind {
		case "float", "double", "int32", "int64", "unix_timestamp":
			want, _ := strconv.ParseFloat(text, 64)
			if floatErr != nil || float != float32(want) {
				t.Errorf("%v: float %v, %v", w, float, floatErr)
			}
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && kind != "float" && kind != "double" && (idErr != nil || id != uint64(n)) {
				t.Errorf("%v: id %d, %v", w, id, idErr)
			}
		case "bool":
			if want := map[string]float32{"True": 1, "False": 0}[text]; floatErr != nil || float != want {
				t.Errorf("%v: float %v, %v", w, float, floatErr)
			}
		case "string", "uuid":
			if floatErr == nil || idErr != nil || id != hash(text) {
				t.Errorf("%v: float error %v, id %d, %v", w, floatErr, id, idErr)
			}
		case "null", "none":
			if !v.Null() {
				t.Errorf("%v: it is not null", w)
			}
		case "float_list", "double_list", "int32_list", "int64_list":
			var want []float32
			for _, x := range strings.Split(strings.Trim(text, "-"), ",") {
				if f, err := strconv.ParseFloat(x, 64); err == nil {
					want = append(want, float32(f))
				}
			}
			got := make([]float32, len(want))
			if err := v.Vector(got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v: vector %v, %v; want %v", w, got, err, want)
			}
			if err := v.Vector(make([]float32, len(want)+1)); err == nil {
				t.Errorf("%v: a vector of another length is no error", w)
			}
		case "string_list":
			if err := v.Vector(nil); err == nil || floatErr == nil || idErr == nil || v.Null() {
				t.Errorf("%v: it is null, a vector or a number", w)
			}
		}
	}
	for _, w := range lines(t, "time") {
		seconds, nanos, err := feast.ParseTime(unhex(t, w[2]))
		if err != nil || strconv.FormatInt(seconds, 10) != w[0] || strconv.Itoa(int(nanos)) != w[1] {
			t.Errorf("%v: %d, %d, %v", w, seconds, nanos, err)
		}
	}
}

func TestListsThatAreNotPackedAreRead(t *testing.T) {
	v, err := feast.Parse([]byte{16<<3&0x7f | 2 | 0x80, 1, 10, 1<<3 | 5, 0, 0, 0x80, 0x3f, 1<<3 | 5, 0, 0, 0, 0x40})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 2)
	if err := v.Vector(got); err != nil || got[0] != 1 || got[1] != 2 {
		t.Fatalf("%v, %v; want 1, 2", got, err)
	}
}

func TestForeignBytesAreErrors(t *testing.T) {
	for _, b := range []string{
		"\x35\x00\x00", // a float of two bytes
		"\x12\x05abc",  // text longer than the message
		"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", // a varint of more than 64 bits
		"\x30\x01", // a float as a varint
		"\x07",     // wire type 7
		"\x00\x00", // field 0
		"hello, this is no protobuf",
	} {
		if v, err := feast.Parse([]byte(b)); err == nil && !v.Null() {
			t.Errorf("%q is the value %+v", b, v)
		}
	}
	if _, _, err := feast.ParseTime([]byte{0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03}); err == nil {
		t.Error("a billion nanoseconds are a time")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x35, 0, 0, 0xc0, 0x3f})
	f.Add([]byte{0x82, 0x01, 4, 0x0a, 2, 1, 2})
	f.Add([]byte{0x08, 0xe8, 0x07, 0x10, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := feast.Parse(b); err == nil {
			dst := make([]float32, 4)
			_ = v.Vector(dst)
			if x, err := v.Float(); err == nil && v.Null() {
				t.Fatalf("null is the number %v", x)
			}
			_, _ = v.ID(func(s string) uint64 { return uint64(len(s)) })
		}
		if _, nanos, err := feast.ParseTime(b); err == nil && (nanos < 0 || float64(nanos) >= math.Pow10(9)) {
			t.Fatalf("%d nanoseconds", nanos)
		}
	})
}
