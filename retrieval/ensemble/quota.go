package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// absent is the rank of an answer that a source does not propose.
const absent = math.MaxInt32

// answers holds, for every case, where each source proposes its answers.
type answers [][]int32 // by case: answers x sources, from 0

// learnQuotas sets the quotas of the sources, and what the report says of recall.
func (l *learner) learnQuotas(ctx context.Context) error {
	S := len(l.sources)
	ranks := make(answers, len(l.cases))
	deep := slices.Clone(l.sources)
	for i := range deep {
		deep[i].Quota = l.Budget
	}
	err := l.each(ctx, func(i int, q *recsys.Query, s *scratch) error {
		relevant := l.cases[i].Relevant
		rank := make([]int32, len(relevant)*S)
		for k := range rank {
			rank[k] = absent
		}
		for j := range deep {
			if err := s.ask(ctx, &deep[j], s.sinks[j], q); err != nil {
				return err
			}
			ids, _ := s.sinks[j].Items()
			for r := len(ids) - 1; r >= 0; r-- { // of doubles the first counts
				if at, is := slices.BinarySearch(relevant, ids[r]); is {
					rank[at*S+j] = int32(r)
				}
			}
		}
		ranks[i] = rank
		return nil
	})
	if err != nil {
		return err
	}
	equal := make([]int, S)
	for j := range equal {
		equal[j] = l.Budget / S
	}
	all := l.all()
	learned := l.bestQuotas(ranks, all, equal)
	if slices.Max(learned) == 0 {
		return fmt.Errorf("%w: of %d cases no source proposes an answer among its best %d", ErrNoCases, len(all), l.Budget)
	}
	parts := make([][]int, len(l.folds)) // quotas learned without each fold
	for f := range parts {
		if parts[f] = l.bestQuotas(ranks, l.without(f), equal); ctx.Err() != nil {
			return fmt.Errorf("ensemble: learning stopped: %w", context.Cause(ctx))
		}
	}
	r := l.report
	r.Recall, r.RecallEqual = l.foldRecall(ranks, parts, -1), ranks.recall(all, equal)
	r.QuotasKept = "learned"
	if r.RecallEqual > r.Recall {
		r.QuotasKept, r.Recall, learned = "equal", r.RecallEqual, equal
		for f := range parts {
			parts[f] = equal
		}
	}
	for j := range l.sources {
		l.sources[j].Quota = learned[j]
		alone := make([]int, S)
		alone[j] = l.Budget
		s := &r.Sources[j]
		s.Quota = learned[j]
		s.Recall = ranks.recall(all, alone)
		s.Added = r.Recall - l.foldRecall(ranks, parts, j)
	}
	return nil
}

// foldRecall is the recall of every case with the quotas that were learned without its fold, less
// those of one source if that is not -1.
func (l *learner) foldRecall(ranks answers, parts [][]int, without int) float64 {
	sum := 0.0
	for f, fold := range l.folds {
		quotas := slices.Clone(parts[f])
		if without >= 0 {
			quotas[without] = 0
		}
		sum += float64(ranks.recall(fold, quotas) * float64(len(fold)))
	}
	return sum / float64(len(l.cases))
}

// recall is the mean over cases of the share of answers that are in the pool.
func (a answers) recall(cases, quotas []int) float64 {
	sum := 0.0
	for _, i := range cases {
		hits := 0
		for rank := a[i]; len(rank) > 0; rank = rank[len(quotas):] {
			if found(rank, quotas) {
				hits++
			}
		}
		sum += float64(hits) / float64(len(a[i])/len(quotas))
	}
	return sum / float64(len(cases))
}

// bestQuotas returns the quotas within the budget that find the most: what the greedy choice
// gives, one source alone or equal quotas, improved by moving candidates from one source to
// another, and without those that find nothing.
//
// Greedy alone can be caught: a source that finds much deep in its list and repeats the others at
// the top is never begun. The better one of greedy and one source alone is what the guarantee of
// Khuller, Moss and Naor asks for.
func (l *learner) bestQuotas(ranks answers, cases, equal []int) []int {
	starts := [][]int{l.greedy(ranks, cases)}
	for j := range equal {
		alone := make([]int, len(equal))
		alone[j] = l.Budget
		starts = append(starts, alone)
	}
	var best []int
	top := -1.0
	for _, quotas := range append(starts, slices.Clone(equal)) {
		if x := l.move(ranks, cases, quotas); x > top+least {
			best, top = quotas, x
		}
	}
	return l.trim(ranks, cases, best)
}

// move moves candidates from one source to another as long as that finds more, first many, then
// few, and returns the recall.
func (l *learner) move(ranks answers, cases, quotas []int) float64 {
	value := ranks.recall(cases, quotas)
	spent := 0
	for _, q := range quotas {
		spent += q
	}
	for step := l.Budget / 2; step >= max(1, l.Budget/100); step /= 2 {
		for better := true; better; {
			better = false
			for to := range quotas {
				for from := -1; from < len(quotas); from++ {
					// From the rest of the budget, or from another source.
					n := min(step, l.Budget-spent)
					if from >= 0 {
						n = min(step, quotas[from])
					}
					if from == to || n == 0 {
						continue
					}
					if quotas[to] += n; from >= 0 {
						quotas[from] -= n
					}
					if x := ranks.recall(cases, quotas); x > value+least {
						value, better = x, true
						if from < 0 {
							spent += n
						}
						continue
					}
					if quotas[to] -= n; from >= 0 {
						quotas[from] += n
					}
				}
			}
		}
	}
	return value
}

// trim cuts each quota behind the last answer that no other source finds.
func (l *learner) trim(ranks answers, cases, quotas []int) []int {
	for j := range quotas {
		own := quotas[j]
		quotas[j] = 0
		need := 0
		for _, i := range cases {
			for rank := ranks[i]; len(rank) > 0; rank = rank[len(quotas):] {
				if r := int(rank[j]); r < own && r >= need && !found(rank[:len(quotas)], quotas) {
					need = r + 1
				}
			}
		}
		quotas[j] = need
	}
	return quotas
}

// greedy spends the budget: each step goes to the source, and is as long, as gives the most
// recall per candidate, but no shorter than a hundredth of the budget. It ends when nothing more
// is found.
func (l *learner) greedy(ranks answers, cases []int) []int {
	S := len(l.sources)
	quotas := make([]int, S)
	gain := make([]float64, l.Budget+1)
	shortest := max(1, l.Budget/100)
	for left := l.Budget; left > 0; {
		source, step, best := -1, 0, 0.0
		for j := range S {
			// gain[n] is what the next n candidates of the source find that no other has.
			gain := gain[:left+1]
			clear(gain)
			for _, i := range cases {
				worth := 1 / float64(len(ranks[i])/S)
				for rank := ranks[i]; len(rank) > 0; rank = rank[S:] {
					if ahead := int(rank[j]) - quotas[j]; ahead >= 0 && ahead < left && !found(rank[:S], quotas) {
						gain[ahead+1] += worth
					}
				}
			}
			sum := 0.0
			for n := 1; n <= left; n++ {
				sum += gain[n]
				if n < min(shortest, left) {
					continue
				}
				if rate := sum / float64(n); rate > best*(1+1e-9) {
					source, step, best = j, n, rate
				}
			}
		}
		if source < 0 {
			break
		}
		quotas[source] += step
		left -= step
	}
	return quotas
}

// found reports whether an answer with these ranks is in the pool.
func found(rank []int32, quotas []int) bool {
	for j, q := range quotas {
		if int(rank[j]) < q {
			return true
		}
	}
	return false
}
