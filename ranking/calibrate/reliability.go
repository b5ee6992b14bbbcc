package calibrate

import (
	"fmt"
	"math"
	"strings"

	"github.com/recsyskit/recsys/internal/fmath"
)

// Bin is a point of a reliability curve: rows of similar predictions.
type Bin struct {
	Rows      int
	Weight    float64
	Low, High float64 // smallest and largest prediction
	Predicted float64 // mean prediction
	Observed  float64 // mean label
	// From and To are the ends of a 95 % interval of the probability behind Observed:
	// Wilson's, for as many rows as the weights are worth, (Σw)²/Σw².
	From, To float64
	// Deviation is the standard deviation that Observed has by chance if the predictions are true.
	Deviation float64
}

// Binning is how a reliability curve groups predictions.
type Binning uint8

// The binnings.
const (
	// EqualMass has about the same weight in each bin; equal predictions stay together.
	EqualMass Binning = iota
	// EqualWidth divides [0, 1]: bin b has the predictions in (b/n, (b+1)/n], 0 in the first. Bins
	// without a row are left out.
	EqualWidth
)

// Curve returns the reliability curve of probabilities: up to n bins, by rising
// prediction. The slices are as for [Fit], the probabilities in [0, 1]. It is an error
// when n < 1, and the errors are those of Fit.
func Curve(probs, labels, weights []float32, by Binning, n int) ([]Bin, error) {
	if n < 1 || by > EqualWidth {
		return nil, fmt.Errorf("calibrate: Curve: binning %d into %d bins; want EqualMass or EqualWidth, and at least 1", by, n)
	}
	rows, err := collect("probabilities", unit, probs, labels, weights)
	if err != nil {
		return nil, err
	}
	byScore(rows)
	return curve(rows, by, n), nil
}

// curve is Curve of sorted rows.
func curve(rows []row, by Binning, n int) (all []Bin) {
	add := func(from, to int) { all = append(all, binOf(rows[from:to])) }
	if by == EqualMass {
		divide(rows, n, add)
		return all
	}
	from := 0
	bin := func(i int) int { return max(int(math.Ceil(rows[i].score*float64(n)))-1, 0) }
	for i := range rows {
		if i+1 == len(rows) || bin(i) != bin(i+1) {
			add(from, i+1)
			from = i + 1
		}
	}
	return all
}

func binOf(rows []row) Bin {
	b := Bin{Rows: len(rows), Low: rows[0].score, High: rows[len(rows)-1].score}
	square, variance := 0.0, 0.0
	for _, r := range rows {
		b.Weight += r.weight
		variance += float64(float64(r.weight*r.weight) * float64(r.score*(1-r.score)))
		square += float64(r.weight * r.weight)
		b.Predicted += float64(r.weight * r.score)
		b.Observed += float64(r.weight * r.label)
	}
	b.Predicted /= b.Weight
	b.Observed /= b.Weight
	b.Deviation = math.Sqrt(variance) / b.Weight
	b.From, b.To = wilson(b.Observed, b.Weight*b.Weight/square)
	return b
}

// wilson returns the 95 % score interval of a share p of n rows. Source: Wilson, JASA 22, 1927.
func wilson(p, n float64) (from, to float64) {
	const z = 1.959963984540054
	center := (p + z*z/(2*n)) / (1 + z*z/n)
	half := float64(z / (1 + z*z/n) * math.Sqrt(max(float64(p*(1-p))/n+z*z/(4*n*n), 0)))
	return max(center-half, 0), min(center+half, 1)
}

// ECE returns the expected calibration error of a reliability curve:
//
//	Σ_b w_b/w · |Observed_b - Predicted_b|
//
// in [0, 1]; NaN for no bins. It is above 0 for true predictions too; see [ECENoise].
//
// Source: Naeini, Cooper, Hauskrecht, AAAI 2015; equal mass: Nguyen, O'Connor, EMNLP 2015.
func ECE(curve []Bin) float64 {
	sum, weight := 0.0, 0.0
	for _, b := range curve {
		sum += float64(b.Weight * math.Abs(b.Observed-b.Predicted))
		weight += b.Weight
	}
	return sum / weight
}

// ECENoise returns what [ECE] is expected to be if the predictions are true and labels 0 or 1, since
// shares of few rows scatter: Σ_b w_b/w · sqrt(2/π) Deviation_b, from the normal
// distribution. An ECE near it is no sign of miscalibration. NaN for no bins.
func ECENoise(curve []Bin) float64 {
	sum, weight := 0.0, 0.0
	for _, b := range curve {
		sum += float64(b.Weight * b.Deviation)
		weight += b.Weight
	}
	return math.Sqrt(2/math.Pi) * sum / weight
}

// MCE returns the largest difference between Observed and Predicted on a reliability
// curve; NaN for no bins. Source: Naeini et al., AAAI 2015.
func MCE(curve []Bin) float64 {
	largest := math.NaN()
	for _, b := range curve {
		if d := math.Abs(b.Observed - b.Predicted); !(d <= largest) {
			largest = d
		}
	}
	return largest
}

// Decomposition divides a mean score, lower is better, into three parts that are
// never negative: Score = Miscalibration - Discrimination + Uncertainty.
//
// Miscalibration is what the best map that does not fall would gain, Discrimination what
// predictions that it has mapped are better than one constant, Uncertainty the
// score of that constant, the mean label. No bins are involved. Of n rows with true
// predictions Miscalibration is a little above 0, since labels scatter.
//
// Source: Dimitriadis, Gneiting, Jordan, PNAS 118, 2021, equation 4 (CORP).
type Decomposition struct{ Score, Miscalibration, Discrimination, Uncertainty float64 }

// String prints the parts.
func (d Decomposition) String() string {
	return fmt.Sprintf("%.4f = %.4f miscalibration - %.4f discrimination + %.4f uncertainty",
		d.Score, d.Miscalibration, d.Discrimination, d.Uncertainty)
}

// decompose divides the mean of loss over sorted rows.
func decompose(rows []row, loss func(p, y float64) float64) (d Decomposition) {
	var label, weight []float64 // of distinct predictions
	total, base := 0.0, 0.0
	for i, r := range rows {
		if i == 0 || r.score != rows[i-1].score {
			label, weight = append(label, 0), append(weight, 0)
		}
		k := len(label) - 1
		label[k] += float64(r.weight * r.label)
		weight[k] += r.weight
		total += r.weight
		base += float64(r.weight * r.label)
	}
	for k := range label {
		label[k] /= weight[k]
	}
	fitted := Pool(label, label, weight)
	base /= total
	pooled, k := 0.0, -1
	for i, r := range rows {
		if i == 0 || r.score != rows[i-1].score {
			k++
		}
		share := r.weight / total
		d.Score += float64(share * loss(r.score, r.label))
		pooled += float64(share * loss(fitted[k], r.label))
		d.Uncertainty += float64(share * loss(base, r.label))
	}
	d.Miscalibration, d.Discrimination = d.Score-pooled, d.Uncertainty-pooled
	return d
}

func squared(p, y float64) float64 { return (p - y) * (p - y) }

// logLoss keeps p 1e-15 off 0 and 1, as package metrics does.
func logLoss(p, y float64) float64 {
	p = min(max(p, 1e-15), 1-1e-15)
	return -(float64(y*fmath.Log(p)) + float64((1-y)*fmath.Log1p(-p)))
}

// Report says how true probabilities are. [Judge] makes one.
type Report struct {
	Rows      int     // that counted
	Weight    float64 // of them
	Predicted float64 // mean prediction
	Observed  float64 // mean label

	LogLoss Decomposition // in nats; probabilities are kept 1e-15 off 0 and 1
	Brier   Decomposition

	EqualWidth, EqualMass []Bin   // reliability curves
	ECEWidth, ECEMass     float64 // expected calibration errors of them
}

// Judge measures probabilities against labels, with reliability curves of up to n
// bins; 0 means 15. The slices are as for [Fit], and so are the errors. It costs O(n log n).
func Judge(probs, labels, weights []float32, n int) (*Report, error) {
	if n < 0 {
		return nil, fmt.Errorf("calibrate: Judge: %d bins; want >= 1 (0 means 15)", n)
	}
	if n == 0 {
		n = 15
	}
	rows, err := collect("probabilities", unit, probs, labels, weights)
	if err != nil {
		return nil, err
	}
	byScore(rows)
	all := binOf(rows)
	r := &Report{
		Rows: all.Rows, Weight: all.Weight, Predicted: all.Predicted, Observed: all.Observed,
		LogLoss: decompose(rows, logLoss), Brier: decompose(rows, squared),
		EqualWidth: curve(rows, EqualWidth, n), EqualMass: curve(rows, EqualMass, n),
	}
	r.ECEWidth, r.ECEMass = ECE(r.EqualWidth), ECE(r.EqualMass)
	return r, nil
}

// String prints the figures and the curve of equal mass, a line for each bin: its
// mean prediction, the share seen, and a bar with | at the prediction and o at the share.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, mean prediction %.4f, mean label %.4f\n", r.Rows, r.Predicted, r.Observed)
	fmt.Fprintf(&b, "ECE %.4f (%.4f by chance alone; equal width %.4f)\nlog loss %v\nBrier %v\n", r.ECEMass, ECENoise(r.EqualMass), r.ECEWidth, r.LogLoss, r.Brier)
	const width = 40
	top := 0.0
	for _, bin := range r.EqualMass {
		top = max(top, bin.Predicted, bin.Observed)
	}
	for _, bin := range r.EqualMass {
		line := []byte(strings.Repeat(".", width+1))
		if top > 0 {
			line[int(float64(bin.Predicted/top*width)+0.5)] = '|'
			line[int(float64(bin.Observed/top*width)+0.5)] = 'o'
		}
		fmt.Fprintf(&b, "%.4f %.4f %s\n", bin.Predicted, bin.Observed, line)
	}
	return b.String()
}
