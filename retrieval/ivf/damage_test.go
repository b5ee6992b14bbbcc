package ivf_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
)

// damages are what may befall the bytes of a section.
var damages = map[string]func(r *rand.Rand, b []byte){
	"bits": func(r *rand.Rand, b []byte) {
		for range 1 + r.IntN(20) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
	},
	"noise": func(r *rand.Rand, b []byte) {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	},
	"ones": func(_ *rand.Rand, b []byte) {
		for i := range b {
			b[i] = 0xff
		}
	},
	"zeros":   func(_ *rand.Rand, b []byte) { clear(b) },
	"shuffle": func(r *rand.Rand, b []byte) { r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] }) },
}

// bytesOf returns the memory of a section.
func bytesOf(section any) []byte {
	switch s := section.(type) {
	case []uint64:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 8*len(s))
	case []uint32:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
	case []float32:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
	}
	return section.([]byte)
}

// used opens a file and calls all methods; what they return does not matter.
func used(t *testing.T, file []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	ix, err := ivf.Open(path)
	if err != nil {
		return
	}
	defer ix.Close()
	_, queries := clustered(31, 3, ix.Dim())
	even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	named := []recsys.ItemID{3, 10, 17, 1e6}
	search := func() {
		for i := range queries.Rows {
			for _, opt := range []retrieval.SearchOptions{
				{}, {Effort: 1 << 62}, {Filter: even}, {Filter: retrieval.AllowItems(named...)}, {Allow: named}, {Exclude: named},
			} {
				ix.Search(nil, queries.Row(i), 1+200*i, opt)
			}
			ix.Score(make([]float32, len(named)), queries.Row(i), named)
			ix.Vector(nil, named[i])
		}
	}
	search()
	for i := range 40 {
		ix.Insert(recsys.ItemID(2e6+i), queries.Row(i%3))
		ix.Delete(recsys.ItemID(21*i + 3))
		ix.Update(recsys.ItemID(14*i+10), queries.Row(i%3))
	}
	search()
	ix.Verify()
	ix.WriteTo(io.Discard)
	ix.Compact(context.Background())
	search()
	ix.WriteTo(io.Discard)
}

// Open looks at little of a file. Whatever the rest holds, nothing panics.
func TestNothingPanicsOnADamagedFile(t *testing.T) {
	race.SkipSequential(t)
	r := rand.New(rand.NewPCG(31, 31))
	for _, c := range []struct {
		m     retrieval.Metric
		codes ivf.Codes
	}{{retrieval.L2, ivf.Int8}, {retrieval.InnerProduct, ivf.PQ}} {
		file := written(t, small(t, c.m, c.codes))
		for i, s := range parse(t, file).sections() {
			if len(bytesOf(*s.value)) == 0 {
				continue
			}
			t.Run(fmt.Sprint(c.m, c.codes, s.name), func(t *testing.T) {
				for _, name := range []string{"bits", "noise", "ones", "zeros", "shuffle"} {
					bad := parse(t, file)
					damages[name](r, bytesOf(*bad.sections()[i].value))
					used(t, bad.file(t))
				}
			})
		}
		t.Run(fmt.Sprint(c.m, c.codes, "live"), func(t *testing.T) {
			for range 5 { // which rows have items, and the table that finds them
				bad := parse(t, file)
				words := bad.items.([]uint64)[4096:]
				for range 10 {
					words[r.IntN(5)] ^= 1 << r.IntN(64)
					words[64+r.IntN(len(words)-64)] = words[64+r.IntN(len(words)-64)]
				}
				used(t, bad.file(t))
			}
		})
	}
}
