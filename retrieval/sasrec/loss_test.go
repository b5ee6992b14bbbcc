package sasrec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// naiveLoss is the mean loss over all sequences against all items but the target, in float64.
func (t *trainer) naiveLoss(row func(positive float64, negatives []float64) float64) float64 {
	sum, events := 0.0, 0
	for i := range t.learn.len() {
		items, d := t.learn.at(i), t.cfg.Dim
		out := t.pass(items...)
		for r, target := range items[1:] {
			var positive float64
			var negatives []float64
			for k := range t.table.Rows {
				dot := 0.0
				for j, x := range t.table.Row(int32(k)) {
					dot += float64(x) * float64(out[r*d+j])
				}
				if k == int(target) {
					positive = dot
				} else {
					negatives = append(negatives, dot)
				}
			}
			sum += row(positive, negatives)
			events++
		}
	}
	return sum / float64(events)
}

func logSigmoid(x float64) float64 { return -math.Log1p(math.Exp(-x)) }

// Against all items each loss is its definition, so that sampling is all that may differ.
//
// Source: Kang and McAuley 2018, section III.E; Petrov and Macdonald 2023, equations 13 and 17.
func TestLossesAreTheirDefinitions(t *testing.T) {
	definitions := map[Loss]func(positive float64, negatives []float64) float64{
		Softmax: func(positive float64, negatives []float64) float64 {
			sum := math.Exp(positive)
			for _, x := range negatives {
				sum += math.Exp(x)
			}
			return math.Log(sum) - positive
		},
		BCE: func(positive float64, negatives []float64) float64 {
			loss := -logSigmoid(positive)
			for _, x := range negatives {
				loss -= logSigmoid(-x) / float64(len(negatives))
			}
			return loss
		},
		// All are drawn: alpha is 1, and so is the power.
		GBCE: func(positive float64, negatives []float64) float64 {
			loss := -logSigmoid(positive)
			for _, x := range negatives {
				loss -= logSigmoid(-x)
			}
			return loss
		},
	}
	for loss, definition := range definitions {
		tr := newTestTrainer(t, architectures[0])
		tr.cfg.Loss = loss
		tr.judge = newCandidates(&tr.cfg, tr.table.Rows)
		got, _, _ := tr.lossOf(false)
		require.InEpsilon(t, tr.naiveLoss(definition), got, 1e-5, "%v", loss)
	}
}

// The power of gBCE is 1 without calibration and the sampling rate with all of it.
func TestCalibrationMovesThePower(t *testing.T) {
	for calibration, want := range map[float64]float64{1e-12: 1, 1: 0.1, 0.75: 0.1 * (0.75*(1-10) + 10)} {
		c := newCandidates(&Config{Architecture: Architecture{Dim: 1}, Loss: GBCE, Negatives: 10, Calibration: calibration}, 101)
		require.InDelta(t, want, c.exponent, 1e-9)
		require.Equal(t, 10.0, c.stand)
	}
}

// On average over draws a sampled loss is the loss against all items: exactly so for the binary
// ones; for the softmax up to the bias of a logarithm, which the number of draws makes small.
func TestSampledLossesAreRightOnAverage(t *testing.T) {
	for _, loss := range []Loss{Softmax, BCE} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			tr := newTestTrainer(t, architectures[0])
			tr.cfg.Loss = loss
			tr.judge = newCandidates(&tr.cfg, tr.table.Rows)
			want, _, _ := tr.lossOf(false)
			tr.cfg.Negatives = 16
			tr.judge = newCandidates(&tr.cfg, tr.table.Rows)
			require.False(t, tr.judge.all)
			rng := rand.New(rand.NewPCG(1, 2))
			sum, squares := 0.0, 0.0
			const draws = 300
			for range draws {
				got, _, _ := tr.lossWith(rng, false)
				sum, squares = sum+got, squares+got*got
			}
			mean := sum / draws
			noise := math.Sqrt((squares/draws - mean*mean) / draws)
			bias := 0.0
			if loss == Softmax {
				bias = 0.03 * want
			}
			require.InDelta(t, want, mean, 4*noise+bias)
		})
	}
}

// What the candidates of a draw stand for is the whole catalogue.
func TestCandidatesStandForTheCatalogue(t *testing.T) {
	tr := newTestTrainer(t, architectures[0])
	tr.cfg.Negatives = 9
	c := newCandidates(&tr.cfg, tr.table.Rows)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		c.draw(tr.table, 2, rng)
		sum := 0.0
		seen := map[int32]bool{}
		for i, id := range c.ids {
			require.False(t, seen[id])
			seen[id] = true
			require.EqualValues(t, i+1, c.slot[id])
			sum += math.Exp(float64(c.logw[i]))
		}
		require.InEpsilon(t, float64(tr.table.Rows), sum, 1e-5)
	}
}
