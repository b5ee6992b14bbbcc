package ope

import (
	"fmt"
	"math/rand/v2"
)

// Folds divides decisions into parts of about one size, by chance under a seed.
type Folds struct {
	// K is the number of folds, at least 2; default 5.
	K int
	// Seed seeds the division; every value is a seed.
	Seed uint64
	// Group holds a number per decision; decisions of one group, such as those of one user,
	// come into one fold. nil means that each decision is a group of its own.
	Group []int64
}

// Split returns the fold of each of n decisions, in [0, K). The groups are shuffled and dealt
// out in turn, so that folds differ by at most one group. A [*FieldError] says that K is below 2
// or above the number of groups, or that Group has another length.
func (f Folds) Split(n int) ([]int32, error) {
	if f.K == 0 {
		f.K = 5
	}
	if f.Group != nil && len(f.Group) != n {
		return nil, &FieldError{"Folds.Group", fmt.Sprintf("of length %d", len(f.Group)), fmt.Sprintf("of length %d", n)}
	}
	group := make([]int32, n)
	groups := n
	if f.Group == nil {
		for i := range group {
			group[i] = int32(i)
		}
	} else {
		number := map[int64]int32{}
		for i, g := range f.Group {
			k, ok := number[g]
			if !ok {
				k = int32(len(number))
				number[g] = k
			}
			group[i] = k
		}
		groups = len(number)
	}
	if f.K < 2 || f.K > groups {
		return nil, &FieldError{"Folds.K", fmt.Sprint(f.K), fmt.Sprintf("in [2, %d], the number of groups (0 means 5)", groups)}
	}
	fold := make([]int32, groups)
	for i, g := range rand.New(rand.NewPCG(f.Seed, 0x6f7065)).Perm(groups) {
		fold[g] = int32(i % f.K)
	}
	for i, g := range group {
		group[i] = fold[g]
	}
	return group, nil
}

// CrossFit returns a reward model for [Log.Model], n x actions, in which no decision has been
// seen by the model that predicts for it: for each fold, fit gets the decisions of all others,
// in ascending order, and returns a function that writes q̂(x, a) of a decision for all actions
// into dst. Without it, DR with a flexible model takes noise for signal, and its interval is too
// narrow.
//
// fit is called K times, one after the other, and its result for every decision of the fold in
// ascending order. An error of fit is returned with the number of the fold; a prediction that is
// not finite is a [*RowError]. Log.Context must be nil for the table to fit.
//
// Source: Chernozhukov et al., The Econometrics Journal 21 (2018), section 3; Narita, Yasui and Yata 2020.
func CrossFit[F Float](n, actions int, folds Folds, fit func(train []int) (predict func(row int, dst []F), err error)) ([]F, error) {
	if actions < 1 {
		return nil, &FieldError{"actions", fmt.Sprint(actions), "at least 1"}
	}
	fold, err := folds.Split(n)
	if err != nil {
		return nil, err
	}
	model := make([]F, n*actions)
	train := make([]int, 0, n)
	for k := int32(0); ; k++ {
		train = train[:0]
		for i, f := range fold {
			if f != k {
				train = append(train, i)
			}
		}
		if len(train) == n { // past the last fold
			return model, nil
		}
		predict, err := fit(train)
		if err != nil {
			return nil, fmt.Errorf("ope: fitting without fold %d: %w", k, err)
		}
		for i, f := range fold {
			if f != k {
				continue
			}
			row := model[i*actions : (i+1)*actions : (i+1)*actions]
			predict(i, row)
			for _, q := range row {
				if !finite(float64(q)) {
					return nil, &RowError{i, "Model", float64(q), wantFinite}
				}
			}
		}
	}
}

// MRDRWeights writes into dst the weights with which a reward model is fitted so as to make the
// variance of [DR] small, instead of its own error: w²·(1-p) = π(a|x)²(1-p)/p². dst may be nil;
// its first n elements are overwritten and returned. Errors are those of [Evaluate].
//
// The weighted squared error is the variance that the choice of actions adds to DR when the
// target policy is deterministic. For others it leaves out the products of errors of different
// actions. Open Bandit Pipeline takes π instead of π², which is the same for a deterministic
// target.
//
// Source: Farajtabar, Chow and Ghavamzadeh, ICML 2018, section 4.
func MRDRWeights[F Float](dst []F, log Log[F]) ([]F, error) {
	dst, err := weightsFor(dst, &log)
	if err != nil {
		return nil, err
	}
	for i := range dst {
		w, p := float64(dst[i]), float64(log.Propensity[i])
		if dst[i] = F(w * w * (1 - p)); !finite(float64(dst[i])) {
			return nil, &RowError{i, "Propensity", p, wantRatio}
		}
	}
	return dst, nil
}

// weightsFor writes the weights of a log into dst.
func weightsFor[F Float](dst []F, log *Log[F]) ([]F, error) {
	if err := log.check(nil); err != nil {
		return nil, err
	}
	src := newSource(log, needs{})
	var b block
	dst = dst[:0]
	for lo := 0; lo < len(log.Reward); lo += blockRows {
		if err := src.fill(&b, lo, min(lo+blockRows, len(log.Reward))); err != nil {
			return nil, err
		}
		for _, w := range b.weight[:b.n] {
			dst = append(dst, F(w))
		}
	}
	if err := src.checkTargets(); err != nil {
		return nil, err
	}
	return dst, nil
}
