package retrieval

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// TrendingConfig says what [NewTrending] compares. The zero value compares the last seven
// days with everything before them.
type TrendingConfig struct {
	// Window is the length of the recent past; 0 means seven days.
	Window time.Duration

	// Baseline is how far the long run reaches back, from the start of the window; 0 means
	// to the oldest interaction.
	Baseline time.Duration

	// Reference is the end of the window, after which nothing counts; zero means the time of
	// the newest interaction.
	Reference time.Time

	// Prior is what the long run is worth against the window, > 0: for the lift in
	// interactions, so that an item that was expected Prior times is believed half; for the
	// rate in windows, so that 1 means as much as the window. 0 means the value that fits
	// the spread of all items, by their moments, in [0.001, 1e6].
	Prior float64

	// Rate ranks by how often an item is taken now, in place of how much more often than
	// before: the list for a user of whom nothing is known, and for a fallback.
	Rate bool
}

// NewTrending returns a list of the items that are taken more often than in the long run.
//
// Of an item with b records in the baseline and c in the window, as many are expected in the
// window as its share in the baseline says, by Laplace's rule:
//
//	e = total of c × (b + 1) / (total of b + number of items)
//
// so that growth or a holiday that all items share is no trend. The count is Poisson
// distributed with the mean λ e, and λ, the lift, has a Gamma prior of mean 1 and shape Prior,
// so that it has, given the count, the shape Prior + c and the mean
//
//	(Prior + c) / (Prior + e)
//
// (Clayton and Kaldor, Biometrics 1987, section 2, with moments for the prior). The score is
// the lift that the item exceeds with a probability of 95 %: few records prove little
// (DuMouchel and Pregibon, KDD 2001, EB05; the quantile is that of Wilson and Hilferty,
// 1931). An item that nobody took in the window is not proposed.
//
// With [TrendingConfig].Rate the score is the number of records that a window like this one is
// expected to have. The rate has a Gamma prior of mean e and rate Prior, and the mean, given
// the count,
//
//	(Prior × e + c) / (Prior + 1)
//
// so that what is new is worth its count, and what has no count yet what it was before. Every
// item is proposed.
//
// Records count one each; those of weight 0 do not count. NewTrending keeps no part of in but
// the slice of items, and takes time linear in its records. The error names the field that is
// out of its domain; it wraps [ErrNoTimes] when there are no times.
func NewTrending(in *Interactions, cfg TrendingConfig) (*Popular, error) {
	if in == nil {
		return nil, errors.New("retrieval: NewTrending: interactions are nil")
	}
	if err := cfg.validate(in); err != nil {
		return nil, err
	}
	items, err := itemindex.New(in.Items())
	if err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	window, expected := cfg.count(in)
	if cfg.Prior == 0 {
		cfg.Prior = priorByMoments(window, expected, cfg.Rate)
	}
	scores := make([]float32, len(window))
	for i, c := range window {
		switch {
		case cfg.Rate:
			scores[i] = float32((float64(cfg.Prior*expected[i]) + c) / (cfg.Prior + 1))
		case c > 0:
			scores[i] = float32(lowerQuantile(cfg.Prior+c) / (cfg.Prior + expected[i]))
		}
	}
	return newPopular(items, rankingOf(scores)), nil
}

func (c *TrendingConfig) validate(in *Interactions) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("retrieval: TrendingConfig."+format, args...))
	}
	if c.Window < 0 {
		bad("Window is %v; want > 0 (0 means seven days)", c.Window)
	}
	if c.Baseline < 0 {
		bad("Baseline is %v; want > 0 (0 means all that is older than the window)", c.Baseline)
	}
	if !(c.Prior >= 0 && c.Prior <= math.MaxFloat32) {
		bad("Prior is %v; want a finite number > 0 (0 means one that fits the data)", c.Prior)
	}
	if in.NumRecords() > 0 && !in.HasTimes() {
		errs = append(errs, fmt.Errorf("%w; NewTrending needs them", ErrNoTimes))
	}
	if c.Window == 0 {
		c.Window = 7 * 24 * time.Hour
	}
	if c.Reference.IsZero() {
		c.Reference = newest(in)
	}
	return errors.Join(errs...)
}

// count returns the records of each item in the window, and as many as are expected.
func (c *TrendingConfig) count(in *Interactions) (window, expected []float64) {
	window, expected = make([]float64, in.NumItems()), make([]float64, in.NumItems())
	inWindow, inBaseline := 0.0, 0.0
	var rows []int32
	for u := range in.NumUsers() {
		rows = in.AppendItemRows(rows[:0], u)
		for k, i := range rows {
			weight, nano := in.record(in.histStart[u] + int64(k))
			age := c.Reference.Sub(time.Unix(0, nano)) // saturates
			switch {
			case weight == 0 || age < 0:
			case age < c.Window:
				window[i]++
				inWindow++
			case c.Baseline == 0 || age-c.Window < c.Baseline:
				expected[i]++
				inBaseline++
			}
		}
	}
	for i, b := range expected {
		expected[i] = inWindow * ((b + 1) / (inBaseline + float64(len(expected))))
	}
	return window, expected
}

// priorByMoments returns the prior p under which the squares of the differences are as large as
// they are: in the mean e + e²/p for the lift, and e + e/p for the rate.
func priorByMoments(window, expected []float64, rate bool) float64 {
	excess, spread := 0.0, 0.0
	for i, e := range expected {
		d := window[i] - e
		excess += float64(d*d) - e
		if rate {
			spread += e
		} else {
			spread += float64(e * e)
		}
	}
	if spread == 0 {
		return 1
	}
	return min(max(spread/max(excess, 1e-6*spread), 1e-3), 1e6)
}

// lowerQuantile returns the 5 % quantile of the Gamma distribution of a shape and rate 1, in
// the approximation of Wilson and Hilferty (PNAS 1931): its cube root is nearly normal. For
// shapes from 1 up it is off by 0.012 at most.
func lowerQuantile(shape float64) float64 {
	const z = -1.6448536269514722
	root := 1 - 1/float64(9*shape) + z/float64(3*math.Sqrt(shape))
	return shape * float64(max(root, 0)*max(root, 0)) * max(root, 0)
}
