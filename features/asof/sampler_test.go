package asof_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/internal/race"
)

func sampler(t *testing.T, cfg asof.SamplerConfig) *asof.Sampler {
	t.Helper()
	s, err := asof.NewSampler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chances is the definition: counts, at least 1, to the power, over those that are not excluded.
func chances(cfg asof.SamplerConfig, alpha float64, exclude []recsys.ItemID) map[recsys.ItemID]float64 {
	p, total := map[recsys.ItemID]float64{}, 0.0
	for i, item := range cfg.Items {
		if slices.Contains(exclude, item) {
			continue
		}
		n := 1.0
		if cfg.Counts != nil {
			n = max(float64(cfg.Counts[i]), 1)
		}
		p[item] = math.Pow(n, alpha)
		total += p[item]
	}
	for item := range p {
		p[item] /= total
	}
	return p
}

// catalogue has n items in no order, with counts that differ by orders of magnitude.
func catalogue(n int, seed uint64) asof.SamplerConfig {
	r := rand.New(rand.NewPCG(seed, 3))
	var cfg asof.SamplerConfig
	for _, i := range r.Perm(n) {
		cfg.Items = append(cfg.Items, recsys.ItemID(1000+7*i))
		cfg.Counts = append(cfg.Counts, int64(math.Exp(9*r.Float64()))-1)
	}
	return cfg
}

func TestDrawsComeAsOftenAsDeclared(t *testing.T) {
	for _, alpha := range []float64{0, 0.5, 0.75, 1} {
		for _, n := range []int{1, 2, 3, 17, 100} {
			cfg := catalogue(n, uint64(n))
			cfg.Alpha, cfg.Draws, cfg.Seed = alpha, 3, 9
			exclude := []recsys.ItemID{cfg.Items[0], 5, cfg.Items[0], cfg.Items[n/2], cfg.Items[n-1]}
			want := chances(cfg, alpha, exclude)
			s := sampler(t, cfg)
			const examples = 20_000
			drawn := map[recsys.ItemID]float64{}
			var list []asof.Negative
			for number := range uint64(examples) {
				list = s.Draw(list[:0], number, exclude)
				total := 0
				for i, d := range list {
					total += d.Draws
					drawn[d.Item] += float64(d.Draws)
					if i > 0 && list[i-1].Item >= d.Item {
						t.Fatalf("items %d and %d are out of order", list[i-1].Item, d.Item)
					}
					if p := want[d.Item]; math.Abs(d.Probability-p) > 1e-9*p+1e-11 || p == 0 {
						t.Fatalf("alpha %v, n %d: item %d has probability %v; want %v", alpha, n, d.Item, d.Probability, p)
					}
					if w := float64(d.Draws) / (3 * d.Probability); math.Abs(float64(d.Weight)-w) > 1e-6*w {
						t.Fatalf("weight %v; want %v", d.Weight, w)
					}
				}
				if total != 3 && len(want) > 0 || len(want) == 0 && total != 0 {
					t.Fatalf("n %d: %d draws", n, total)
				}
			}
			for item, p := range want {
				const m = 3 * examples
				if z := (drawn[item] - m*p) / math.Sqrt(m*p*(1-p)+1e-9); math.Abs(z) > 5 && p < 1 { // 488 items in all
					t.Errorf("alpha %v, n %d: item %d of probability %v came %v times, z = %.1f", alpha, n, item, p, drawn[item], z)
				}
			}
		}
	}
}

// Every number below the sum means the item that a walk over the weights finds, at each boundary.
func TestNumbersMeanItemsExactly(t *testing.T) {
	for _, n := range []int{1, 2, 3, 31, 32, 33, 500} {
		cfg := catalogue(n, uint64(n))
		cfg.Alpha = 1
		s := sampler(t, cfg)
		slices.Sort(cfg.Items)
		for _, exclude := range [][]recsys.ItemID{nil, cfg.Items[:n/2], cfg.Items[n/2+n%2:], {cfg.Items[n/3], cfg.Items[2*n/3]}} {
			from := uint64(0)
			for k, w := range s.Weights() {
				if item := cfg.Items[k]; !slices.Contains(exclude, item) {
					for _, u := range []uint64{from, from + w/2, from + w - 1} {
						if got := s.Place(u, exclude); got != item {
							t.Fatalf("n %d without %d items: %d means item %d; want %d", n, len(exclude), u, got, item)
						}
					}
					from += w
				}
			}
		}
	}
}

// The sum over the negatives, weighted, estimates the sum over the catalogue without bias, for any function.
func TestWeightsMakeTheSampleStandForTheCatalogue(t *testing.T) {
	cfg := catalogue(50, 1)
	cfg.Alpha, cfg.Draws = 0.75, 8
	s := sampler(t, cfg)
	exclude := cfg.Items[:10]
	value := func(item recsys.ItemID) float64 { return math.Exp(math.Sin(float64(item))) } // as exp of a logit
	truth := 0.0
	for _, item := range cfg.Items[10:] {
		truth += value(item)
	}
	r := rand.New(rand.NewPCG(1, 1))
	taken := chances(cfg, 1, nil) // what a batch is made of
	var cumulative []float64
	sum := 0.0
	for _, item := range cfg.Items {
		sum += taken[item]
		cumulative = append(cumulative, sum)
	}
	const examples = 20_000
	for name, draw := range map[string]func(dst []asof.Negative, number uint64) []asof.Negative{
		"drawn": func(dst []asof.Negative, number uint64) []asof.Negative { return s.Draw(dst, number, exclude) },
		"in batch": func(dst []asof.Negative, _ uint64) []asof.Negative {
			var batch []recsys.ItemID
			for range 64 {
				k, _ := slices.BinarySearch(cumulative, r.Float64())
				batch = append(batch, cfg.Items[min(k, len(cfg.Items)-1)])
			}
			dst, err := s.InBatch(dst, batch, exclude)
			if err != nil {
				t.Fatal(err)
			}
			return dst
		},
	} {
		var mean, square float64
		var list []asof.Negative
		for number := range uint64(examples) {
			estimate := 0.0
			list = draw(list[:0], number)
			for _, d := range list {
				if slices.Contains(exclude, d.Item) {
					t.Fatalf("%s: item %d is excluded", name, d.Item)
				}
				estimate += float64(d.Weight) * value(d.Item)
			}
			mean += estimate / examples
			square += estimate * estimate / examples
		}
		if z := (mean - truth) / math.Sqrt((square-mean*mean)/examples); math.Abs(z) > 4 {
			t.Errorf("%s: the estimates have mean %v; want %v (z = %.1f)", name, mean, truth, z)
		}
	}
}

func TestDrawsDependOnSeedAndNumberAlone(t *testing.T) {
	cfg := catalogue(1000, 2)
	cfg.Alpha, cfg.Draws, cfg.Seed = 0.5, 20, 4
	s := sampler(t, cfg)
	want := slices.Clone(s.Draw(nil, 17, cfg.Items[:5]))
	s.Draw(nil, 18, nil)
	if !slices.Equal(s.Draw(nil, 17, cfg.Items[:5]), want) {
		t.Error("what was drawn before matters")
	}
	slices.Reverse(cfg.Items)
	slices.Reverse(cfg.Counts)
	if !slices.Equal(sampler(t, cfg).Draw(nil, 17, cfg.Items[995:]), want) {
		t.Error("the order of the catalogue matters")
	}
	if slices.Equal(s.Draw(nil, 18, cfg.Items[995:]), want) {
		t.Error("two numbers give the same")
	}
	cfg.Seed++
	if slices.Equal(sampler(t, cfg).Draw(nil, 17, cfg.Items[995:]), want) {
		t.Error("two seeds give the same")
	}
	before := []asof.Negative{{Item: 1}}
	if got := s.Draw(before, 17, cfg.Items[995:]); got[0].Item != 1 || !slices.Equal(got[1:], want) {
		t.Error("dst is not appended to")
	}
}

// The draws for the first examples, which may never change: stored experiments depend on them.
func TestDrawsStayWhatTheyWere(t *testing.T) {
	s := sampler(t, asof.SamplerConfig{Items: []recsys.ItemID{10, 20, 30, 40, 50, 60}, Counts: []int64{100, 50, 0, 3, 1, 7}, Alpha: 0.75, Seed: 1})
	var got []recsys.ItemID
	for number := range uint64(4) {
		for _, d := range s.Draw(nil, number, []recsys.ItemID{20}) {
			for range d.Draws {
				got = append(got, d.Item)
			}
		}
	}
	want := []recsys.ItemID{10, 10, 30, 60, 10, 10, 10, 50, 10, 10, 10, 40, 10, 60, 60, 60}
	if !slices.Equal(got, want) {
		t.Errorf("drew %v; want %v", got, want)
	}
}

func TestBelowIsUint64N(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 1000, 1<<62 + 1, 1<<63 + 1, 3 << 62, math.MaxUint64} {
		ours, theirs := rand.NewPCG(n, 1), rand.New(rand.NewPCG(n, 1))
		for range 100 {
			if got, want := asof.Below(ours, n), theirs.Uint64N(n); got != want && n&(n-1) != 0 { // powers of two are masked there
				t.Fatalf("below %d: %d; want %d", n, got, want)
			} else if got >= n {
				t.Fatalf("below %d: %d", n, got)
			}
		}
	}
}

func TestDrawDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	cfg := catalogue(1000, 2)
	cfg.Draws = 16
	s := sampler(t, cfg)
	dst, exclude, number := make([]asof.Negative, 0, 16), cfg.Items[:30], uint64(0)
	if n := testing.AllocsPerRun(100, func() {
		dst = s.Draw(dst[:0], number, exclude)
		number++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSamplerNamesWhatIsWrong(t *testing.T) {
	for want, cfg := range map[string]asof.SamplerConfig{
		"Items has 0 items":     {},
		"item 7 twice":          {Items: []recsys.ItemID{7, 8, 7}},
		"Counts has 1 values":   {Items: []recsys.ItemID{7, 8}, Counts: []int64{1}},
		"Counts[1] is -2":       {Items: []recsys.ItemID{7, 8}, Counts: []int64{1, -2}},
		"the sum is":            {Items: []recsys.ItemID{7, 8, 9}, Counts: []int64{math.MaxInt64, math.MaxInt64, 2}},
		"Alpha is NaN":          {Items: []recsys.ItemID{7}, Alpha: math.NaN()},
		"Alpha is 1.5; want 0 ": {Items: []recsys.ItemID{7}, Alpha: 1.5},
		"Draws is -1":           {Items: []recsys.ItemID{7}, Draws: -1},
	} {
		if _, err := asof.NewSampler(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	s := sampler(t, asof.SamplerConfig{Items: []recsys.ItemID{7, 8}})
	if s.Len() != 2 {
		t.Errorf("Len is %d", s.Len())
	}
	if got, err := s.InBatch(nil, []recsys.ItemID{7, 9}, nil); err == nil || len(got) != 0 || !strings.Contains(err.Error(), "item 9") {
		t.Errorf("%v, %v; want an error for item 9", got, err)
	}
	if got, err := s.InBatch(nil, []recsys.ItemID{7, 8, 8}, []recsys.ItemID{7, 8}); err != nil || len(got) != 0 {
		t.Errorf("%v, %v; want nothing, all are excluded", got, err)
	}
}

func TestSeenKnowsWhatWasSeenByThen(t *testing.T) {
	var s asof.Seen
	if got := s.Items(nil, 1, math.MaxInt64); len(got) != 0 {
		t.Errorf("the zero Seen has %v", got)
	}
	r := rand.New(rand.NewPCG(1, 2))
	first := map[[2]uint64]int64{}
	for i := range 5000 {
		user, item, at := r.Uint64N(3), r.Uint64N(200), r.Int64N(1000)
		s.Add(recsys.UserID(user), recsys.ItemID(item), at)
		if old, ok := first[[2]uint64{user, item}]; !ok || at < old {
			first[[2]uint64{user, item}] = at
		}
		if i%97 != 0 {
			continue
		}
		until := r.Int64N(1000)
		var want []recsys.ItemID
		for k, at := range first {
			if k[0] == user && at <= until {
				want = append(want, recsys.ItemID(k[1]))
			}
		}
		slices.Sort(want)
		if got := s.Items(nil, recsys.UserID(user), until); !slices.Equal(got, want) {
			t.Fatalf("user %d until %d: %v; want %v", user, until, got, want)
		}
	}
}
