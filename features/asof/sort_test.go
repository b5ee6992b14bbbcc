package asof_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/internal/hash"
)

// records returns n records: word 0 is drawn from so many moments, around 0, word 1 is the number.
func records(n, words int, moments int64, seed uint64) [][]uint64 {
	r := rand.New(rand.NewPCG(seed, 1))
	list := make([][]uint64, n)
	for i := range list {
		rec := make([]uint64, words)
		rec[0] = uint64(r.Int64N(moments) - moments/2)
		for w := 1; w < words; w++ {
			rec[w] = uint64(i) * uint64(w)
		}
		list[i] = rec
	}
	return list
}

func compareRecords(a, b []uint64) int {
	switch {
	case int64(a[0]) < int64(b[0]):
		return -1
	case int64(a[0]) > int64(b[0]):
		return 1
	}
	return 0
}

func TestSortIsTheStableSortAtEveryBudget(t *testing.T) {
	for _, n := range []int{0, 1, 2, 15, 16, 17, 1000, 5000} {
		for _, words := range []int{2, 9} {
			for _, budget := range []int64{1, 6000, 20_000, 100_000, 1 << 30} {
				for _, moments := range []int64{1, 7, math.MaxInt64} {
					if n == 5000 && budget == 1 { // 2,500 runs of 2: once is enough
						if words != 2 || moments != 7 {
							continue
						}
					}
					in := records(n, words, moments, uint64(n))
					temp := t.TempDir()
					spilled := false
					got, runs, width, err := asof.SortRecords(context.Background(), in, words, budget, temp, func(dir string) {
						spilled = dir != ""
						if files, _ := filepath.Glob(filepath.Join(dir, "*")); spilled && len(files) != 1 {
							t.Errorf("n=%d words=%d budget=%d: files %v; want one after all passes", n, words, budget, files)
						}
					})
					if err != nil {
						t.Fatalf("n=%d words=%d budget=%d: %v", n, words, budget, err)
					}
					slices.SortStableFunc(in, compareRecords)
					if !slices.EqualFunc(got, in, slices.Equal[[]uint64]) {
						t.Fatalf("n=%d words=%d budget=%d moments=%d: not the stable order", n, words, budget, moments)
					}
					// Records, their places, and a sixteenth or 4 KiB for writing; whole chunks of a sixteenth.
					need := int64(n)*(int64(words)*8+16) + 4<<10
					if spilled != (runs > 0) || spilled && budget > need*5/4 || !spilled && budget < need && n > 2 {
						t.Errorf("n=%d words=%d budget=%d: spilled %v with %d runs; the records need %d", n, words, budget, spilled, runs, need)
					}
					if most := max(2, int(budget/4096)-1); width > most || width > runs {
						t.Errorf("n=%d words=%d budget=%d: %d of %d runs are read at once; the budget is that of %d buffers", n, words, budget, width, runs, most)
					}
					empty(t, temp)
				}
			}
		}
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

// large is a join that does not fit into the least memory: its inputs are merged in several passes.
var large = sync.OnceValue(func() asof.Config {
	const n = 14_000
	r := rand.New(rand.NewPCG(5, 5))
	cfg := asof.Config{Labels: asof.Labels{Keys: []string{"user", "item"}, Heads: []string{"y"}, Columns: []string{"hour"}, IDColumns: []string{"place"}}}
	var labels []asof.Label
	for i := range n {
		labels = append(labels, asof.Label{
			Time: r.Int64N(20_000), Keys: []uint64{r.Uint64N(100), r.Uint64N(300)}, Values: []float32{float32(i)},
			Floats: []float32{r.Float32()}, IDs: []uint64{r.Uint64()}, Weight: r.Float32(), Group: uint64(i), Position: -1, Propensity: 0.5,
		})
	}
	cfg.Labels.Rows = asof.LabelRows(labels)
	for k := range 3 {
		var rows []asof.Row
		for range n {
			at := r.Int64N(20_000)
			rows = append(rows, asof.Row{
				Key: r.Uint64N(300), Time: at, Created: at + r.Int64N(50),
				Floats: []float32{r.Float32(), float32(at)}, IDs: []uint64{r.Uint64()}, Vectors: []float32{r.Float32(), 2, 3},
			})
		}
		name := string(rune('a' + k))
		cfg.Tables = append(cfg.Tables, asof.Table{
			Name: name, Key: "item", Rows: asof.Rows(rows), Arrival: k > 0, Strict: k == 2, TTL: time.Duration(k) * 200, Age: name + ".age",
			Columns: []recsys.Column{{Name: name + ".x"}, {Name: name + ".id", Kind: recsys.ID}, {Name: name + ".v", Kind: recsys.Vector, Dim: 3}, {Name: name + ".at"}},
		})
	}
	return cfg
})

// spilling returns the large join in a folder; its tables may be edited.
func spilling(temp string, memory int64) asof.Config {
	cfg := large()
	cfg.Tables = slices.Clone(cfg.Tables)
	cfg.Memory, cfg.Temp = memory, temp
	return cfg
}

// digest joins and returns a hash of all of the result in order, and the report.
func digest(t *testing.T, cfg asof.Config) (h uint64, report asof.Report) {
	t.Helper()
	j, err := asof.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range j.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		h = hash.Combine(h, uint64(row.Number), uint64(row.Time), row.Group, uint64(math.Float32bits(row.Weight)), row.Missing, row.Expired, row.Stale)
		h = hash.Combine(hash.Combine(h, row.Keys...), row.IDs...)
		for _, list := range [][]float32{row.Values, row.Floats, row.Vectors, row.Ages} {
			for _, v := range list {
				h = hash.Combine(h, uint64(math.Float32bits(v)))
			}
		}
	}
	return h, j.Report()
}

func TestMemoryDoesNotChangeTheJoin(t *testing.T) {
	temp := t.TempDir()
	want, roomy := digest(t, spilling(temp, 0))
	got, tight := digest(t, spilling(temp, 4*64<<10))
	if roomy.Runs != 0 || tight.Runs < 4*15+1 { // more than a merge of 64 KiB takes at once
		t.Errorf("runs on disk: %d with all memory, %d with little", roomy.Runs, tight.Runs)
	}
	if got != want {
		t.Error("the join depends on the memory that it has")
	}
	if m := tight.Tables[2]; m.Matched == 0 || m.Expired == 0 || m.Missing == 0 || m.Late == 0 || m.Superseded == 0 {
		t.Errorf("the case is too easy: %+v", m)
	}
	empty(t, temp)
}

func TestFilesAreGoneHoweverTheIterationEnds(t *testing.T) {
	broken := errors.New("broken")
	const memory = 4 * 64 << 10
	run := func(ctx context.Context, cfg asof.Config, each func()) error {
		j, err := asof.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for row, err := range j.All(ctx) {
			if err != nil {
				if row != nil {
					t.Error("a row beside an error")
				}
				return err
			}
			each()
		}
		return nil
	}
	busy := func(temp string) { // files are there while the join runs
		if left, _ := filepath.Glob(filepath.Join(temp, "asof-*", "runs-*")); len(left) == 0 {
			t.Error("nothing is on disk; the case proves nothing")
		}
	}
	t.Run("source fails", func(t *testing.T) {
		temp := t.TempDir()
		cfg := spilling(temp, memory)
		rows := cfg.Tables[1].Rows
		cfg.Tables[1].Rows = func(yield func(asof.Row, error) bool) {
			n := 0
			for row := range rows {
				if n++; n == 12_000 {
					busy(temp)
					yield(asof.Row{}, broken)
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
		err := run(context.Background(), cfg, func() {})
		bad := (*asof.InputError)(nil)
		if !errors.Is(err, broken) || !errors.As(err, &bad) || bad.Input != `table "b"` || bad.Row != 11_999 {
			t.Errorf("error %v; want one at row 11999 of table b", err)
		}
		empty(t, temp)
	})
	t.Run("cancelled while sorting", func(t *testing.T) {
		temp := t.TempDir()
		cfg := spilling(temp, memory)
		ctx, cancel := context.WithCancel(context.Background())
		rows := cfg.Tables[2].Rows
		cfg.Tables[2].Rows = func(yield func(asof.Row, error) bool) {
			n := 0
			for row := range rows {
				if n++; n == 12_000 {
					busy(temp)
					cancel()
				}
				if n > 12_000+512 {
					t.Error("rows are read long after the context was cancelled")
					return
				}
				if !yield(row, nil) {
					return
				}
			}
		}
		if err := run(ctx, cfg, func() {}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		empty(t, temp)
	})
	t.Run("cancelled while joining", func(t *testing.T) {
		temp := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		err := run(ctx, spilling(temp, memory), func() {
			if n++; n == 700 {
				busy(temp)
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || n > 700+512 {
			t.Errorf("error %v after %d rows", err, n)
		}
		empty(t, temp)
	})
	t.Run("cancelled before", func(t *testing.T) {
		temp := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := run(ctx, spilling(temp, memory), func() { t.Error("a row") }); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		empty(t, temp)
	})
	t.Run("break", func(t *testing.T) {
		temp := t.TempDir()
		j, err := asof.New(spilling(temp, memory))
		if err != nil {
			t.Fatal(err)
		}
		for range j.All(context.Background()) {
			busy(temp)
			break
		}
		empty(t, temp)
		for _, err := range j.All(context.Background()) {
			if !errors.Is(err, asof.ErrUsed) {
				t.Errorf("error %v", err)
			}
		}
	})
	t.Run("panic of the caller", func(t *testing.T) {
		temp := t.TempDir()
		j, err := asof.New(spilling(temp, memory))
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { _ = recover() }()
			for range j.All(context.Background()) {
				panic("caller")
			}
		}()
		empty(t, temp)
	})
	t.Run("no folder", func(t *testing.T) {
		temp := filepath.Join(t.TempDir(), "none")
		err := run(context.Background(), spilling(temp, memory), func() { t.Error("a row") })
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), temp) || !strings.Contains(err.Error(), `table "a"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("what was sorted is cut short", func(t *testing.T) {
		temp := t.TempDir()
		cut := false
		err := run(context.Background(), spilling(temp, memory), func() {
			if !cut {
				files, _ := filepath.Glob(filepath.Join(temp, "asof-*", "runs-*"))
				for _, f := range files {
					if err := os.Truncate(f, 100); err != nil {
						t.Fatal(err)
					}
				}
				cut = true
			}
		})
		if err == nil || !strings.Contains(err.Error(), "reading what was sorted") {
			t.Errorf("error %v", err)
		}
		empty(t, temp)
	})
}
