package main

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/metrics"
)

// query is a query with judgements and results, as the measures take it.
type query struct {
	gains       []float64 // by rank: 1 relevant, 0 judged and not relevant, -1 not judged
	relevant    int       // judged documents at the level of relevance or above
	nonrelevant int       // judged documents below it
	grades      []float64 // relevance by rank, -1 where not judged
	ideal       []float64 // relevance of all judged documents
	iprec       [11]float64
}

// kind says how a measure is summarised.
type kind int

const (
	mean          kind = iota
	count              // an integer; the summary is the sum
	geometricMean      // printed in the summary alone
)

// measure is one line of output per query.
type measure struct {
	name string
	kind kind
	of   func(q *query) float64
}

// measures returns the measures in the order of trec_eval. levels are the
// relevance levels of the judgements.
func measures(exp bool, levels []int) []measure {
	list := []measure{
		{"num_ret", count, func(q *query) float64 { return float64(len(q.gains)) }},
		{"num_rel", count, func(q *query) float64 { return float64(q.relevant) }},
		{"num_rel_ret", count, func(q *query) float64 { return retrieved(q) }},
		{"map", mean, func(q *query) float64 { return metrics.AveragePrecision(q.gains, q.relevant, 0) }},
		{"gm_map", geometricMean, func(q *query) float64 { return metrics.AveragePrecision(q.gains, q.relevant, 0) }},
		{"Rprec", mean, func(q *query) float64 { return metrics.RPrecision(q.gains, q.relevant) }},
		{"bpref", mean, func(q *query) float64 { return metrics.BPref(q.gains, q.relevant, q.nonrelevant) }},
		{"recip_rank", mean, func(q *query) float64 { return metrics.ReciprocalRank(q.gains, 0) }},
	}
	cuts := func(name string, of func(q *query, k int) float64, ks ...int) {
		for _, k := range ks {
			list = append(list, measure{name + strconv.Itoa(k), mean, func(q *query) float64 { return of(q, k) }})
		}
	}
	ndcg := metrics.NDCG[float64]
	if exp {
		ndcg = metrics.NDCGExp[float64]
	}
	ndcgOf := func(q *query, k int) float64 { return ndcg(q.grades, q.ideal, k) }

	for i := range 11 {
		name := "iprec_at_recall_" + strconv.FormatFloat(float64(i)/10, 'f', 2, 64)
		list = append(list, measure{name, mean, func(q *query) float64 { return q.iprec[i] }})
	}
	cuts("P_", func(q *query, k int) float64 { return metrics.Precision(q.gains, k) }, 1, 3, 5, 10, 20, 100)
	cuts("recall_", func(q *query, k int) float64 { return metrics.Recall(q.gains, q.relevant, k) }, 5, 10, 20, 100)
	list = append(list, measure{"11pt_avg", mean, func(q *query) float64 { return average(q.iprec[:]) }})
	list = append(list, measure{"ndcg", mean, func(q *query) float64 { return ndcgOf(q, 0) }})
	if exp {
		list = append(list, measure{expName(levels), mean, func(q *query) float64 { return ndcgOf(q, 0) }})
	}
	cuts("ndcg_cut_", ndcgOf, 1, 3, 5, 10, 20, 100)
	cuts("map_cut_", func(q *query, k int) float64 { return metrics.AveragePrecision(q.gains, q.relevant, k) }, 5, 10, 20, 100)
	cuts("success_", func(q *query, k int) float64 { return metrics.HitRate(q.gains, k) }, 1, 5, 10)
	return list
}

// expName returns trec_eval's name of ndcg with gains 2^g-1. It lists the gains
// of levels 1 to 4 and of those above that occur.
func expName(levels []int) string {
	listed := map[int]bool{1: true, 2: true, 3: true, 4: true}
	for _, level := range levels {
		if level > 4 {
			listed[level] = true
		}
	}
	var gains []string
	for _, level := range slices.Sorted(maps.Keys(listed)) {
		gain := strconv.FormatFloat(math.Exp2(float64(level))-1, 'g', 17, 64)
		gains = append(gains, strconv.Itoa(level)+"="+gain)
	}
	return "ndcg_" + strings.Join(gains, ",")
}

func retrieved(q *query) float64 {
	n := 0
	for _, g := range q.gains {
		if g > 0 {
			n++
		}
	}
	return float64(n)
}

func average(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
