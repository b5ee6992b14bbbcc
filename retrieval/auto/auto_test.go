package auto_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/auto"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// clustered returns n vectors around centres, with norms that differ by skew, and queries near
// them.
func clustered(n, dim int, skew float64, seed uint64) ([]recsys.ItemID, vector.Matrix, vector.Matrix) {
	r := rand.New(rand.NewPCG(seed, 1))
	centres := vector.NewMatrix(64, dim)
	for i := range centres.Data {
		centres.Data[i] = float32(r.NormFloat64())
	}
	draw := func(rows int, skew float64) vector.Matrix {
		m := vector.NewMatrix(rows, dim)
		for i := range rows {
			c, size := centres.Row(r.IntN(centres.Rows)), math.Exp(skew*r.NormFloat64())
			for j := range m.Row(i) {
				m.Row(i)[j] = float32(size * (float64(c[j]) + 0.4*r.NormFloat64()))
			}
		}
		return m
	}
	items := make([]recsys.ItemID, n)
	for i := range items {
		items[i] = recsys.ItemID(7*i + 3)
	}
	return items, draw(n, skew), draw(200, 0)
}

func TestWhatIsTakenHasTheRecall(t *testing.T) {
	race.SkipSequential(t)
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2} {
		t.Run(metric.String(), func(t *testing.T) {
			items, vectors, queries := clustered(3000, 24, 0.3, 1)
			const k = 10
			choice, err := auto.Build(context.Background(), auto.Config{Metric: metric, K: k, Recall: 0.95, Queries: queries, Samples: 100}, items, vectors)
			if err != nil {
				t.Fatal(err)
			}
			exact, err := auto.Build(context.Background(), auto.Config{Metric: metric, K: k, Candidates: []string{"flat"}}, items, vectors)
			if err != nil {
				t.Fatal(err)
			}
			hits, total := 0, 0
			for i := range queries.Rows {
				got, err := choice.Index.Search(nil, queries.Row(i), k, retrieval.SearchOptions{})
				if err != nil {
					t.Fatal(err)
				}
				want, _ := exact.Index.Search(nil, queries.Row(i), k, retrieval.SearchOptions{})
				total += len(want)
				for _, n := range got {
					if slices.Contains(want, n) {
						hits++
					}
				}
			}
			if recall := float64(hits) / float64(total); recall < 0.93 {
				t.Errorf("recall is %.3f; want >= 0.93\n%s", recall, choice.Why())
			}
			if got := choice.Trials[choice.Taken].Verdict; got != "taken" {
				t.Errorf("the verdict of the index that was taken is %q", got)
			}
		})
	}
}

func TestRecallOneIsExactSearch(t *testing.T) {
	race.SkipSequential(t)
	items, vectors, queries := clustered(2000, 16, 0.5, 2)
	choice, err := auto.Build(context.Background(), auto.Config{K: 10, Recall: 1, Queries: queries}, items, vectors)
	if err != nil {
		t.Fatal(err)
	}
	if got := choice.Trials[choice.Taken]; got.Index != "flat" || got.Recall != 1 || got.Filtered != 1 {
		t.Errorf("%s has recall %v, under filters %v; want flat, 1 and 1", got.Index, got.Recall, got.Filtered)
	}
	for _, trial := range choice.Trials {
		if trial.Index != "flat" && (trial.Verdict != "not exact" || trial.Build != 0) {
			t.Errorf("%s: %q, built in %v; want it not built", trial.Index, trial.Verdict, trial.Build)
		}
	}
	_, err = auto.Build(context.Background(), auto.Config{K: 10, Recall: 1, Candidates: []string{"hnsw"}}, items, vectors)
	if !errors.Is(err, auto.ErrNoneFits) || !strings.Contains(err.Error(), "not exact") {
		t.Errorf("a graph for recall 1: %v; want ErrNoneFits", err)
	}
}

// TestMemoryIsABound asks for less and less memory, just below what the smallest index before
// takes.
func TestMemoryIsABound(t *testing.T) {
	race.SkipSequential(t)
	items, vectors, queries := clustered(8000, 16, 0, 3)
	free, err := auto.Build(context.Background(), auto.Config{K: 10, Recall: 0.8, Queries: queries, Candidates: []string{"flat", "ivf"}}, items, vectors)
	if err != nil {
		t.Fatal(err)
	}
	least := min(free.Trials[0].Bytes, free.Trials[1].Bytes) // of so few dimensions, flat keeps floats
	cfg := auto.Config{K: 10, Recall: 0.8, Queries: queries, MaxBytes: least}
	for _, want := range []string{"ivf", "ivf-pq"} {
		choice, err := auto.Build(context.Background(), cfg, items, vectors)
		if err != nil {
			t.Fatalf("%d bytes: %v", cfg.MaxBytes, err)
		}
		got := choice.Trials[choice.Taken]
		resident := int64(choice.Index.(interface{ Resident() int }).Resident())
		if got.Index != want || got.Bytes != resident || resident > cfg.MaxBytes {
			t.Errorf("%d bytes: %s says that it takes %d, takes %d; want %s", cfg.MaxBytes, got.Index, got.Bytes, resident, want)
		}
		for _, trial := range choice.Trials {
			if trial.Index == "hnsw" && (trial.Build != 0 || trial.Verdict != "too large") {
				t.Errorf("%d bytes: hnsw is %q, built in %v; want it not built", cfg.MaxBytes, trial.Verdict, trial.Build)
			}
		}
		cfg.MaxBytes = resident - 1
	}
	_, err = auto.Build(context.Background(), cfg, items, vectors)
	if !errors.Is(err, auto.ErrNoneFits) || strings.Count(err.Error(), "too large") != 4 {
		t.Errorf("%d bytes: %v; want ErrNoneFits with four trials that are too large", cfg.MaxBytes, err)
	}
}

// TestASingleCandidateIsFixed takes the name for an order, whatever the times.
func TestASingleCandidateIsFixed(t *testing.T) {
	race.SkipSequential(t)
	items, vectors, _ := clustered(1500, 12, 0.2, 9)
	for _, name := range []string{"flat", "ivf", "hnsw", "ivf-pq"} {
		choice, err := auto.Build(context.Background(), auto.Config{K: 5, Recall: 0.7, Candidates: []string{name}}, items, vectors)
		if err != nil {
			t.Fatal(err)
		}
		if len(choice.Trials) != 1 || choice.Trials[0].Index != name || choice.Trials[0].Verdict != "taken" {
			t.Errorf("%s: trials %+v", name, choice.Trials)
		}
		if kind := strings.TrimSuffix(name, "-pq"); !strings.Contains(fmt.Sprintf("%T", choice.Index), kind+".") {
			t.Errorf("%s: the index is a %T", name, choice.Index)
		}
	}
}

func TestWhyNamesEveryCandidate(t *testing.T) {
	race.SkipSequential(t)
	items, vectors, _ := clustered(500, 8, 0, 4)
	choice, err := auto.Build(context.Background(), auto.Config{K: 5}, items, vectors)
	if err != nil {
		t.Fatal(err)
	}
	why := choice.Why()
	for _, want := range []string{"flat", "ivf", "hnsw", "made up", "taken"} {
		if !strings.Contains(why, want) {
			t.Errorf("Why lacks %q:\n%s", want, why)
		}
	}
}

func TestFewItems(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		items, vectors, _ := clustered(n, 4, 0, 5)
		choice, err := auto.Build(context.Background(), auto.Config{}, items, vectors)
		if err != nil {
			t.Fatalf("%d items: %v", n, err)
		}
		got, err := choice.Index.Search(nil, []float32{1, 2, 3, 4}, 10, retrieval.SearchOptions{})
		if err != nil || len(got) != n {
			t.Errorf("%d items: found %d, %v", n, len(got), err)
		}
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	items, vectors, _ := clustered(10, 4, 0, 6)
	bad := vector.NewMatrix(1, 4)
	bad.Data[2] = float32(math.NaN())
	for _, c := range []struct {
		cfg  auto.Config
		want string
	}{
		{auto.Config{K: -1}, "auto: Config.K is -1; want >= 0"},
		{auto.Config{Recall: 1.5}, "auto: Config.Recall is 1.5; want"},
		{auto.Config{Recall: math.NaN()}, "auto: Config.Recall is NaN; want"},
		{auto.Config{MaxBytes: -2}, "auto: Config.MaxBytes is -2; want"},
		{auto.Config{Samples: -2}, "auto: Config.Samples is -2; want"},
		{auto.Config{Workers: -2}, "auto: Config.Workers is -2; want"},
		{auto.Config{Metric: 9}, "auto: Config.Metric is Metric(9); want"},
		{auto.Config{Candidates: []string{}}, "auto: Config.Candidates is empty; want"},
		{auto.Config{Candidates: []string{"kd-tree"}}, `auto: Config.Candidates is "kd-tree"; want names of [flat ivf hnsw ivf-pq]`},
		{auto.Config{Queries: vector.NewMatrix(1, 5)}, "auto: Config.Queries.Dim is 5; want 4, as the items"},
		{auto.Config{Queries: bad}, "auto: Config.Queries: "},
	} {
		if _, err := auto.Build(context.Background(), c.cfg, items, vectors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v; want %q", err, c.want)
		}
	}
}

func TestCancelledBuild(t *testing.T) {
	items, vectors, _ := clustered(1000, 8, 0, 7)
	for stop := range 12 {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stage := 0
		cfg := auto.Config{K: 5, Progress: func(string, int, int) {
			if stage == stop {
				cancel()
			}
			stage++
		}}
		if _, err := auto.Build(ctx, cfg, items, vectors); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at stage %d: %v; want context.Canceled", stop, err)
		}
	}
}

func TestOpenFindsTheKind(t *testing.T) {
	items, vectors, queries := clustered(800, 12, 0.2, 8)
	for _, name := range []string{"flat", "ivf", "hnsw", "ivf-pq"} {
		choice, err := auto.Build(context.Background(), auto.Config{K: 10, Recall: 0.5, Queries: queries, Candidates: []string{name}}, items, vectors)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "index")
		if err := choice.Save(path); err != nil {
			t.Fatal(err)
		}
		opened, err := auto.Open(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range queries.Rows {
			want, _ := choice.Index.Search(nil, queries.Row(i), 10, retrieval.SearchOptions{})
			got, err := opened.Search(nil, queries.Row(i), 10, retrieval.SearchOptions{})
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s: query %d: %v, %v; want %v", name, i, got, err, want)
			}
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	check := func(want string, is error) {
		t.Helper()
		if x, err := auto.Open(path); x != nil || !errors.Is(err, is) || !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("Open is %v, %v; want %s", x, err, want)
		}
	}
	check("auto: open "+path+": ", fs.ErrNotExist)
	if err := os.WriteFile(path, []byte("user,item,time\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("auto: "+path+" holds none of [flat ivf hnsw ivf-pq]", envelope.ErrKind)
	items, vectors, _ := clustered(50, 4, 0.2, 8)
	choice, err := auto.Build(context.Background(), auto.Config{Candidates: []string{"flat"}}, items, vectors)
	if err != nil {
		t.Fatal(err)
	}
	if err := choice.Save(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 200); err != nil {
		t.Fatal(err)
	}
	check("auto: flat: "+path+": ", envelope.ErrTruncated)
}

func TestWhyMakesNoBoundOfFewQueries(t *testing.T) {
	items, vectors, queries := clustered(300, 8, 0.2, 8)
	choice, err := auto.Build(context.Background(), auto.Config{K: 5, Recall: 0.5, Queries: queries.Slice(0, 4), Candidates: []string{"hnsw"}}, items, vectors)
	if err != nil {
		t.Fatal(err)
	}
	if why := choice.Why(); !strings.Contains(why, " on 4 queries, too few to say more") || strings.Contains(why, "bad luck") {
		t.Error(why)
	}
}
