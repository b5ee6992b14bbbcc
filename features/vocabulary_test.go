package features_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/envelope"
)

// vocabularyWords returns n different strings of many lengths, some not UTF-8.
func vocabularyWords(n int) []string {
	rng := rand.New(rand.NewPCG(1, 2))
	out := []string{"", "\x00", "\xff", "a\x00", "ü"}
	for len(out) < n {
		b := make([]byte, rng.IntN(40))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		if len(out)%1000 == 7 {
			b = bytes.Repeat(b, 1000) // longer than what shares memory
		}
		out = append(out, fmt.Sprintf("%s-%d", b, len(out)))
	}
	return out[:n]
}

func filledVocabulary(t testing.TB, names []string) *features.Vocabulary {
	t.Helper()
	var v features.Vocabulary
	for i, s := range names {
		if id, err := v.Add(s); err != nil || id != uint64(i) {
			t.Fatalf("Add(%q) = %d, %v; want %d", s, id, err, i)
		}
	}
	return &v
}

func checkVocabulary(t *testing.T, v *features.Vocabulary, names []string) {
	t.Helper()
	if v.Len() != len(names) {
		t.Fatalf("Len is %d; want %d", v.Len(), len(names))
	}
	for i, s := range names {
		if id, ok := v.ID(s); !ok || id != uint64(i) {
			t.Fatalf("ID(%q) = %d, %v; want %d", s, id, ok, i)
		}
		if id, ok := v.IDBytes([]byte(s)); !ok || id != uint64(i) {
			t.Fatalf("IDBytes(%q) = %d, %v; want %d", s, id, ok, i)
		}
		if name, ok := v.Name(uint64(i)); !ok || name != s {
			t.Fatalf("Name(%d) = %q, %v; want %q", i, name, ok, s)
		}
	}
	for _, s := range []string{"never added", "\x01", strings.Join(names[max(len(names)-1, 0):], "") + "x"} {
		if id, ok := v.ID(s); ok && !slices.Contains(names, s) {
			t.Errorf("ID(%q) = %d; want none", s, id)
		}
	}
	for _, id := range []uint64{uint64(len(names)), 1 << 31, 1 << 32, 1<<64 - 1} {
		if name, ok := v.Name(id); ok {
			t.Errorf("Name(%d) = %q; want none", id, name)
		}
	}
}

func TestVocabularyGivesDenseIDsInTheOrderOfFirstSight(t *testing.T) {
	// Sizes around the blocks of names and the growth of the table.
	for _, n := range []int{0, 1, 2, 5, 16, 17, 31, 32, 33, 63, 64, 65, 191, 192, 193, 448, 449, 5000, 20_000} {
		names := vocabularyWords(n)
		v := filledVocabulary(t, names)
		checkVocabulary(t, v, names)
		for i, s := range names {
			if id, err := v.Add(s); err != nil || id != uint64(i) {
				t.Fatalf("Add(%q) again = %d, %v; want %d", s, id, err, i)
			}
		}
		checkVocabulary(t, v, names)
	}
}

func TestVocabularyKeepsACopy(t *testing.T) {
	key := []byte("key")
	v := filledVocabulary(t, []string{string(key)})
	name, _ := v.Name(0)
	copy(key, "yek")
	if again, _ := v.Name(0); name != "key" || again != "key" {
		t.Errorf("the name is %q", again)
	}
}

func TestFullVocabularyRefusesNewStringsOnly(t *testing.T) {
	v := features.Vocabulary{MaxSize: 2}
	for i, s := range []string{"a", "b"} {
		if id, err := v.Add(s); err != nil || id != uint64(i) {
			t.Fatalf("Add(%q) = %d, %v", s, id, err)
		}
	}
	_, err := v.Add("c")
	if !errors.Is(err, features.ErrVocabularyFull) || err.Error() != "features: vocabulary is full: it has 2 strings" {
		t.Errorf("Add = %v; want ErrVocabularyFull", err)
	}
	if id, err := v.Add("b"); err != nil || id != 1 {
		t.Errorf("Add of a known string = %d, %v; want 1", id, err)
	}
	checkVocabulary(t, &v, []string{"a", "b"})
	sizes := []int{-1}
	if largest := math.MaxInt32; math.MaxInt > largest {
		sizes = append(sizes, largest+1)
	}
	for _, size := range sizes {
		v := features.Vocabulary{MaxSize: size}
		want := fmt.Sprintf("features: Vocabulary.MaxSize is %d; want 0 to 2147483647 (0 means the latter)", size)
		if _, err := v.Add("a"); err == nil || err.Error() != want {
			t.Errorf("Add = %v; want %s", err, want)
		}
		if _, err := v.ReadFrom(strings.NewReader("")); err == nil || err.Error() != want {
			t.Errorf("ReadFrom = %v; want %s", err, want)
		}
	}
}

func TestVocabularyLookupDoesNotAllocate(t *testing.T) {
	names := vocabularyWords(1000)
	v := filledVocabulary(t, names)
	key, unknown := []byte(names[77]), []byte("unknown")
	if n := testing.AllocsPerRun(100, func() {
		v.ID(names[500])
		v.IDBytes(key)
		v.IDBytes(unknown)
		v.Name(500)
		v.Add(names[500])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// While some add, others read: an id that was found has its name, a string that
// was added is found, and an id stays what it was.
func TestVocabularyConcurrentSafe(t *testing.T) {
	names := vocabularyWords(5000)
	var v features.Vocabulary
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(3, uint64(g)))
			mine := map[string]uint64{}
			for _, i := range rng.Perm(len(names)) {
				s := names[i]
				id, err := v.Add(s)
				if err != nil {
					t.Errorf("Add(%q): %v", s, err)
					return
				}
				mine[s] = id
				other := names[rng.IntN(len(names))]
				if id, ok := v.IDBytes([]byte(other)); ok {
					if name, ok := v.Name(id); !ok || name != other || id >= uint64(v.Len()) {
						t.Errorf("id %d of %q has the name %q, %v", id, other, name, ok)
					}
				} else if _, added := mine[other]; added {
					t.Errorf("%q was added and is not found", other)
				}
			}
			for s, id := range mine {
				if now, ok := v.ID(s); !ok || now != id {
					t.Errorf("ID(%q) = %d, %v; was %d", s, now, ok, id)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			var file bytes.Buffer
			if _, err := v.WriteTo(&file); err != nil {
				t.Error(err)
			}
			var back features.Vocabulary
			if _, err := back.ReadFrom(&file); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	seen := map[string]bool{}
	for id := range v.Len() {
		name, _ := v.Name(uint64(id))
		seen[name] = true
	}
	if v.Len() != len(names) || len(seen) != len(names) {
		t.Errorf("%d ids of %d strings; want %d", v.Len(), len(seen), len(names))
	}
}

func savedVocabulary(t testing.TB, v *features.Vocabulary) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := v.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo = %d, %v; wrote %d", n, err, b.Len())
	}
	return b.Bytes()
}

func TestVocabularyReadsWhatItWrote(t *testing.T) {
	for _, n := range []int{0, 1, 64, 10_000} {
		names := vocabularyWords(n)
		file := savedVocabulary(t, filledVocabulary(t, names))
		v := filledVocabulary(t, []string{"old", "", "older"})
		stream := io.MultiReader(bytes.NewReader(file), strings.NewReader("rest"))
		if m, err := v.ReadFrom(stream); err != nil || m != int64(len(file)) {
			t.Fatalf("ReadFrom = %d, %v; want %d", m, err, len(file))
		}
		if rest, _ := io.ReadAll(stream); string(rest) != "rest" {
			t.Errorf("%q is left of the stream; want \"rest\"", rest)
		}
		checkVocabulary(t, v, names)
		if !bytes.Equal(savedVocabulary(t, v), file) {
			t.Errorf("n=%d: written again, the bytes differ", n)
		}
		if id, err := v.Add("one more"); err != nil || id != uint64(n) {
			t.Errorf("Add after ReadFrom = %d, %v; want %d", id, err, n)
		}
		if name, _ := v.Name(uint64(n)); name != "one more" {
			t.Errorf("the name added after ReadFrom is %q", name)
		}
	}
}

func TestVocabularyLoadsWhatItSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items")
	names := vocabularyWords(100)
	if err := filledVocabulary(t, names).Save(path); err != nil {
		t.Fatal(err)
	}
	v, err := features.LoadVocabulary(path)
	if err != nil {
		t.Fatal(err)
	}
	checkVocabulary(t, v, names)
	if err := os.WriteFile(path, []byte("a,b\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if v, err := features.LoadVocabulary(path); v != nil || !errors.Is(err, envelope.ErrKind) || !strings.HasPrefix(err.Error(), path) {
		t.Errorf("LoadVocabulary = %v, %v; want ErrKind and the path", v, err)
	}
}

func TestFailedReadLeavesTheVocabularyAsItWas(t *testing.T) {
	old := []string{"x", "y"}
	file := savedVocabulary(t, filledVocabulary(t, vocabularyWords(10)))
	twice := func() []byte {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, "features.vocabulary", 1, 0)
		w.WriteStrings("names", []string{"a", "b", "a"})
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}()
	empty := func(kind string, version uint32) []byte {
		var b bytes.Buffer
		if _, err := envelope.NewWriter(&b, kind, version, 0).Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	flipped := bytes.Clone(file)
	flipped[200] ^= 4
	for _, c := range []struct {
		name string
		file []byte
		max  int
		want error
	}{
		{"truncated", file[:len(file)-1], 0, envelope.ErrTruncated},
		{"flipped", flipped, 0, envelope.ErrCorrupt},
		{"a string twice", twice, 0, envelope.ErrCorrupt},
		{"another kind", empty("als", 1), 0, envelope.ErrKind},
		{"newer", empty("features.vocabulary", 2), 0, envelope.ErrNewer},
		{"no file of ours", []byte("a,b\n"), 0, envelope.ErrKind},
		{"too many", file, 9, features.ErrVocabularyFull},
		{"twice and too many", twice, 2, features.ErrVocabularyFull},
	} {
		v := filledVocabulary(t, old)
		v.MaxSize = c.max
		n, err := v.ReadFrom(bytes.NewReader(c.file))
		if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "features: ") || n > int64(len(c.file)) {
			t.Errorf("%s: ReadFrom = %d, %v; want %v", c.name, n, err, c.want)
		}
		checkVocabulary(t, v, old)
	}
}

func FuzzVocabularyReadFrom(f *testing.F) {
	f.Add(savedVocabulary(f, filledVocabulary(f, vocabularyWords(5))), true)
	f.Add([]byte("a\nb\n\nü"), false)
	f.Add([]byte("a\nb\na"), false)
	f.Fuzz(func(t *testing.T, data []byte, file bool) {
		want := []string{}
		if !file { // else the checksums stop nearly all of them
			for line := range strings.SplitSeq(string(data), "\n") {
				want = append(want, line)
			}
			var b bytes.Buffer
			w := envelope.NewWriter(&b, "features.vocabulary", 1, 0)
			w.WriteStrings("names", want)
			if _, err := w.Close(); err != nil {
				t.Fatal(err)
			}
			data = b.Bytes()
		}
		var v features.Vocabulary
		_, err := v.ReadFrom(bytes.NewReader(data))
		different := map[string]bool{}
		for _, s := range want {
			different[s] = true
		}
		if !file && (err == nil) != (len(different) == len(want)) {
			t.Errorf("%q: %v", want, err)
		}
		if err != nil {
			if v.Len() != 0 {
				t.Error("something was loaded")
			}
			return
		}
		if !file {
			checkVocabulary(t, &v, want)
		}
		if again := savedVocabulary(t, &v); !bytes.HasPrefix(data, again) {
			t.Error("decode and encode give other bytes")
		}
	})
}
