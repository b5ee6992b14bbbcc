package sasrec

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// average is a moving mean of the weights over the steps: what the noise of single steps adds
// falls away, as it would by a falling rate, without a plan for how long training lasts.
//
// Source: Polyak and Juditsky, SIAM J. Control and Optimization 1992; in the exponential form
// of Tarvainen and Valpola, NIPS 2017, which is shorter where training began a moment ago.
type average struct {
	window  float64 // in updates; below 1 for the weights as they are
	updates int
	net     *network
	vectors []float32
}

// averageEvery is after how many steps the mean is updated.
const averageEvery = 8

// averageSpan is how many weights a goroutine takes at a time.
const averageSpan = 1 << 15

// update takes the weights into the mean.
func (a *average) update(workers int, weights, vectors []float32) {
	a.updates++
	share := 1.0
	if a.window > 1 {
		share = max(1/a.window, 1/float64(1+a.updates/2))
	}
	for _, x := range []struct{ mean, now []float32 }{{a.net.all, weights}, {a.vectors, vectors}} {
		n := (len(x.now) + averageSpan - 1) / averageSpan
		nn.Each(workers, n, func(i int) {
			from, to := i*averageSpan, min((i+1)*averageSpan, len(x.now))
			if share == 1 {
				copy(x.mean[from:to], x.now[from:to])
				return
			}
			simd.Scale(float32(1-share), x.mean[from:to])
			simd.Axpy(float32(share), x.now[from:to], x.mean[from:to])
		})
	}
}

// over sets the window for an epoch of a number of steps.
func (a *average) over(epochs float64, steps int) {
	a.window = epochs * math.Ceil(float64(steps)/averageEvery)
}
