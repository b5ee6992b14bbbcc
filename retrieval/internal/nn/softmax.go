package nn

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// CrossEntropy turns the logits of one example into the gradient of its loss,
//
//	loss = -ln p[target],  dlogits = scale (p - e_target),  p = softmax(logits)
//
// and returns the loss. A logit of -Inf takes no part; the target's must be finite. The loss
// is NaN if a logit is NaN or +Inf.
//
// For a sampled softmax the logits are those of the target and of the sampled classes, each
// less the logarithm of the expected number of its draws (Jean et al., ACL 2015, section 3.2;
// Yi et al., RecSys 2019, section 4.1, call that the logQ correction): see [CorrectedRows].
func CrossEntropy(logits []float32, target int, scale float32) float64 {
	top := simd.ArgMax(logits)
	lead := float64(logits[top]) - float64(logits[target])
	simd.Softmax(logits, logits)
	loss := lead - fmath.Log(float64(logits[top])) // p[top] = 1/Σ e^(x - max), which does not vanish
	if scale != 1 {
		simd.Scale(scale, logits)
	}
	logits[target] -= scale
	return loss
}

// CorrectedRows is [CrossEntropy] of rows of logits, row r with targets[r], after logq was
// subtracted from each; nil stands for zeros. It returns the sum of the losses in the order
// of the rows.
func CorrectedRows(logits, logq []float32, targets []int32, scale float32) float64 {
	if len(targets) == 0 {
		return 0
	}
	n, sum := len(logits)/len(targets), 0.0
	for r, target := range targets {
		row := logits[r*n : (r+1)*n]
		if logq != nil {
			simd.Sub(row, logq)
		}
		sum += CrossEntropy(row, int(target), scale)
	}
	return sum
}

// Finite reports whether x is neither NaN nor infinite.
func Finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
