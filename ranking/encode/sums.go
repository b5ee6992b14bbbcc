package encode

// sum is what rows come to: their number, and for each head the sum of the labels and
// the number of those that are known, all by weight.
type sum struct {
	rows        int
	count       float64
	sum, weight []float64
}

// sums has a sum for each fold that has rows. Clearing it costs as much as there are such folds, since
// most keys have few rows.
type sums struct {
	folds []sum
	used  []int32     // folds with rows, in the order they came
	rest  sum         // scratch of outside
	made  [][]float32 // by fold: what its rows are given
}

func newSums(folds, heads int) *sums {
	s := &sums{folds: make([]sum, folds), made: make([][]float32, folds), rest: newSum(heads)}
	for i := range s.folds {
		s.folds[i] = newSum(heads)
	}
	return s
}

func newSum(heads int) sum { return sum{sum: make([]float64, heads), weight: make([]float64, heads)} }

// of returns the sum of a fold, to add to.
func (s *sums) of(fold int32) *sum {
	one := &s.folds[fold]
	if one.rows == 0 {
		s.used = append(s.used, fold)
	}
	return one
}

// outside returns the sum over all folds but one; -1: over all. Nothing is subtracted, so that nothing
// is left of a row that was left out. The result holds until the next call.
func (s *sums) outside(fold int32) *sum {
	r := &s.rest
	r.clear()
	for _, g := range s.used {
		if g == fold {
			continue
		}
		one := &s.folds[g]
		r.count += one.count
		for h := range r.sum {
			r.sum[h] += one.sum[h]
			r.weight[h] += one.weight[h]
		}
	}
	return r
}

// keep remembers what the rows of a fold are given, and cached returns it, nil before.
func (s *sums) keep(fold int32, values []float32) { s.made[fold] = append(s.made[fold][:0], values...) }

func (s *sums) cached(fold int32) []float32 {
	if len(s.made[fold]) == 0 {
		return nil
	}
	return s.made[fold]
}

func (s *sums) clear() {
	for _, g := range s.used {
		s.folds[g].clear()
		s.made[g] = s.made[g][:0]
	}
	s.used = s.used[:0]
}

func (s *sum) clear() {
	s.rows, s.count = 0, 0
	clear(s.sum)
	clear(s.weight)
}
