package metrics_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/metrics"
)

// tolerance is what reference outputs and oracles are met to, relative to
// values above 1. The files hold 12 decimals or full precision.
const tolerance = 1e-9

func near(a, b float64) bool { return math.Abs(a-b) <= tolerance*max(1, math.Abs(b)) }

// query is one query of a TREC run with its judgements.
type query struct {
	ranked []float64 // relevance by rank, -1 where not judged
	judged []float64 // relevance of all judged documents
}

// binary returns the gains by rank and the counts of relevant and other judged
// documents when relevance starts at level.
func (q query) binary(level float64) (gains []float64, relevant, other int) {
	for _, r := range q.ranked {
		switch {
		case r >= level:
			gains = append(gains, 1)
		case r >= 0:
			gains = append(gains, 0)
		default:
			gains = append(gains, -1)
		}
	}
	for _, r := range q.judged {
		switch {
		case r >= level:
			relevant++
		case r >= 0:
			other++
		}
	}
	return gains, relevant, other
}

// measure returns trec_eval's measure by its name.
func (q query) measure(t *testing.T, name string, level float64) float64 {
	t.Helper()
	gains, relevant, other := q.binary(level)
	family, param := name, ""
	if i := strings.LastIndexByte(name, '_'); i > 0 && name != "recip_rank" {
		family, param = name[:i], name[i+1:]
	}
	k, _ := strconv.Atoi(param)
	switch family {
	case "map":
		return metrics.AveragePrecision(gains, relevant, 0)
	case "map_cut":
		return metrics.AveragePrecision(gains, relevant, k)
	case "Rprec":
		return metrics.RPrecision(gains, relevant)
	case "bpref":
		return metrics.BPref(gains, relevant, other)
	case "recip_rank":
		return metrics.ReciprocalRank(gains, 0)
	case "P":
		return metrics.Precision(gains, k)
	case "recall":
		return metrics.Recall(gains, relevant, k)
	case "success":
		return metrics.HitRate(gains, k)
	case "ndcg_cut":
		return metrics.NDCG(q.ranked, q.judged, k)
	case "ndcg":
		if param != "" { // ndcg_1=1,2=3,3=7,4=15
			return metrics.NDCGExp(q.ranked, q.judged, 0)
		}
		return metrics.NDCG(q.ranked, q.judged, 0)
	case "iprec_at_recall":
		recall, err := strconv.ParseFloat(param, 64)
		if err != nil {
			t.Fatalf("measure %s: %v", name, err)
		}
		return metrics.InterpolatedPrecision(gains, relevant, recall)
	case "11pt": // 11pt_avg
		var sum float64
		for i := range 11 {
			sum += metrics.InterpolatedPrecision(gains, relevant, float64(i)/10)
		}
		return sum / 11
	}
	t.Fatalf("unknown measure %s", name)
	return 0
}

// fields returns the lines of a reference file, split.
func fields(t *testing.T, path ...string) [][]string {
	t.Helper()
	var lines [][]string
	sc := bufio.NewScanner(reference.Open(t, path...))
	for sc.Scan() {
		lines = append(lines, strings.Fields(sc.Text()))
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// readQueries returns the queries in both files, the first limit documents of
// each, and the number of queries with judgements.
func readQueries(t *testing.T, folder string, limit int) (map[string]query, int) {
	t.Helper()
	judged := map[string]map[string]float64{}
	for _, f := range fields(t, "golden/metrics", folder, "qrels.txt") {
		if judged[f[0]] == nil {
			judged[f[0]] = map[string]float64{}
		}
		rel, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		judged[f[0]][f[2]] = rel
	}
	type doc struct {
		name  string
		score float64
	}
	run := map[string][]doc{}
	for _, f := range fields(t, "golden/metrics", folder, "run.txt") {
		score, err := strconv.ParseFloat(f[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		run[f[0]] = append(run[f[0]], doc{f[2], score})
	}
	queries := map[string]query{}
	for id, docs := range run {
		rels, ok := judged[id]
		if !ok {
			continue
		}
		slices.SortFunc(docs, func(a, b doc) int {
			return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(b.name, a.name))
		})
		var q query
		for i, d := range docs {
			rel, ok := rels[d.name]
			if !ok {
				rel = -1
			}
			if limit == 0 || i < limit {
				q.ranked = append(q.ranked, rel)
			}
		}
		for _, rel := range rels {
			q.judged = append(q.judged, rel)
		}
		queries[id] = q
	}
	return queries, len(judged)
}

var expectedName = regexp.MustCompile(`^expected(_complete)?(?:_M(\d+))?(?:_l(\d+))?(?:_ndcg_expgain)?\.txt$`)

// notRanking are the lines of trec_eval that count, and no measure of a list.
var notRanking = []string{"num_q", "num_ret", "num_rel", "num_rel_ret", "gm_map"}

func TestGoldenTrecEval(t *testing.T) {
	root := reference.Dir(t, "golden/metrics")
	folders, err := filepath.Glob(filepath.Join(root, "*", "qrels.txt"))
	if err != nil || len(folders) == 0 {
		t.Skipf("no folder with qrels.txt in %s", root)
	}
	for _, path := range folders {
		folder := filepath.Base(filepath.Dir(path))
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			m := expectedName.FindStringSubmatch(file.Name())
			if m == nil {
				continue
			}
			t.Run(folder+"/"+file.Name(), func(t *testing.T) {
				limit, _ := strconv.Atoi(m[2])
				level, err := strconv.ParseFloat(m[3], 64)
				if err != nil {
					level = 1
				}
				queries, judged := readQueries(t, folder, limit)
				divisor := len(queries)
				if m[1] != "" {
					divisor = judged
				}
				compared := 0
				sums := map[string]float64{}
				for _, f := range fields(t, "golden/metrics", folder, file.Name()) {
					if slices.Contains(notRanking, f[0]) {
						continue
					}
					want, err := strconv.ParseFloat(f[2], 64)
					if err != nil {
						t.Fatal(err)
					}
					got := sums[f[0]] / float64(divisor)
					if f[1] != "all" {
						q, ok := queries[f[1]]
						if !ok {
							t.Fatalf("no query %s", f[1])
						}
						got = q.measure(t, f[0], level)
						sums[f[0]] += got
					}
					if !near(got, want) {
						t.Errorf("%s of %s = %.12f, want %.12f", f[0], f[1], got, want)
					}
					compared++
				}
				if compared == 0 {
					t.Error("nothing was compared")
				}
			})
		}
	}
}

// eachFile runs f on every .json file of a reference folder.
func eachFile(t *testing.T, folder string, f func(t *testing.T, r io.Reader)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(reference.Dir(t, folder), "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("no .json file in %s", folder)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) { f(t, reference.Open(t, folder, name)) })
	}
}

// pointwise is one case of a file of pointwise metrics.
type pointwise struct {
	Scores, Labels, Weights, Rel []float64
	AUC                          float64
	AUCWeighted                  float64 `json:"auc_weighted"`
	LogLoss, Brier, AP           float64
	ECE10, ECE15                 float64
	NDCG10                       float64 `json:"ndcg_linear_tieavg_10"`
	NDCG                         float64 `json:"ndcg_linear_tieavg"`
	NDCGExp10                    float64 `json:"ndcg_exp_tieavg_10"`
	ERR20                        float64 `json:"err20_maxrel4_stable"`
	RBP                          float64 `json:"rbp08_stable"`
}

func TestGoldenPointwise(t *testing.T) {
	eachFile(t, "golden/metrics", func(t *testing.T, r io.Reader) {
		var cases []pointwise
		if err := json.NewDecoder(r).Decode(&cases); err != nil {
			t.Fatal(err)
		}
		if len(cases) == 0 {
			t.Fatal("no case")
		}
		for i, c := range cases {
			c.compare(t, i)
		}
	})
}

func (c pointwise) compare(t *testing.T, i int) {
	// The list by score, ties in the order of the file.
	order := make([]int, len(c.Scores))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Scores[b], c.Scores[a]) })
	var grades, relevant []float64
	for _, j := range order {
		grades = append(grades, c.Rel[j])
		relevant = append(relevant, min(c.Rel[j], 1))
	}
	groups := metrics.TieGroups(nil, c.Scores, c.Rel)
	exp := metrics.ExpGains(nil, c.Rel)
	groupsExp := metrics.TieGroups(nil, c.Scores, exp)
	for _, m := range []struct {
		name      string
		got, want float64
	}{
		{"AUC", metrics.AUC(c.Scores, c.Labels, nil), c.AUC},
		{"weighted AUC", metrics.AUC(c.Scores, c.Labels, c.Weights), c.AUCWeighted},
		{"LogLoss", metrics.LogLoss(c.Scores, c.Labels, nil), c.LogLoss},
		{"Brier", metrics.Brier(c.Scores, c.Labels, nil), c.Brier},
		{"PRAUC", metrics.PRAUC(c.Scores, c.Labels, nil), c.AP},
		{"ECE 10", metrics.ECE(c.Scores, c.Labels, nil, 10), c.ECE10},
		{"ECE 15", metrics.ECE(c.Scores, c.Labels, nil, 15), c.ECE15},
		{"ExpectedNDCG 10", metrics.ExpectedNDCG(groups, c.Rel, 10), c.NDCG10},
		{"ExpectedNDCG", metrics.ExpectedNDCG(groups, c.Rel, 0), c.NDCG},
		{"ExpectedNDCG 10, exponential", metrics.ExpectedNDCG(groupsExp, exp, 10), c.NDCGExp10},
		{"ERR 20", metrics.ERR(grades, 4, 20), c.ERR20},
		{"RBP 0.8", metrics.RBP(relevant, 0.8), c.RBP},
	} {
		if !near(m.got, m.want) {
			t.Errorf("case %d: %s = %v, want %v", i, m.name, m.got, m.want)
		}
	}
}

// exposures is a file of exposure metrics; other keys are none of ours.
type exposures struct {
	Exposure map[string]exposure
	Gini     []struct {
		X    []float64
		Gini float64
	}
}

// exposure is the lists shown to all users, with what is expected of them.
type exposure struct {
	Items      int         `json:"n_items"`
	Recs       [][]int     `json:"recs"`
	Popularity []int       `json:"train_popularity"`
	Emb        [][]float64 `json:"item_emb"`
	Expected   struct {
		Gini     float64 `json:"gini_all_items"`
		Entropy  float64 `json:"entropy_bits"`
		Coverage float64 `json:"coverage"`
		Novelty  float64 `json:"novelty_self_info_bits"`
		ILD      float64 `json:"ild_mean_pairs_cosine"`
	}
}

func TestGoldenExposure(t *testing.T) {
	eachFile(t, "golden/monitor", func(t *testing.T, r io.Reader) {
		var file exposures
		if err := json.NewDecoder(r).Decode(&file); err != nil {
			t.Fatal(err)
		}
		if len(file.Exposure) == 0 && len(file.Gini) == 0 {
			t.Skip("a file of another kind")
		}
		for _, c := range file.Gini {
			if got := metrics.Gini(c.X); !near(got, c.Gini) {
				t.Errorf("Gini(%v) = %v, want %v", c.X, got, c.Gini)
			}
		}
		for name, c := range file.Exposure {
			c.compare(t, name)
		}
	})
}

func (c exposure) compare(t *testing.T, name string) {
	shown := make([]int, c.Items)
	interactions := 0
	for _, n := range c.Popularity {
		interactions += n
	}
	var popularity []int
	var diversity []float64
	for _, list := range c.Recs {
		var vectors [][]float64
		for _, item := range list {
			shown[item]++
			popularity = append(popularity, c.Popularity[item])
			vectors = append(vectors, c.Emb[item])
		}
		diversity = append(diversity, metrics.IntraListDiversity(vectors, metrics.CosineDistance))
	}
	for _, m := range []struct {
		name      string
		got, want float64
	}{
		{"Gini", metrics.Gini(shown), c.Expected.Gini},
		{"Entropy", metrics.Entropy(shown), c.Expected.Entropy},
		{"Coverage", metrics.Coverage(shown), c.Expected.Coverage},
		{"Novelty", metrics.Novelty(popularity, interactions), c.Expected.Novelty},
		{"IntraListDiversity", metrics.Summarize(diversity).Mean, c.Expected.ILD},
	} {
		if !near(m.got, m.want) {
			t.Errorf("%s: %s = %v, want %v", name, m.name, m.got, m.want)
		}
	}
}
