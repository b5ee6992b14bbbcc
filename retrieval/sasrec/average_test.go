package sasrec

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAverageIsAMovingMean(t *testing.T) {
	a := Architecture{Dim: 2, Heads: 1, Layers: 1, Hidden: 1, Length: 1, Epsilon: 1e-8}
	weights, vectors := make([]float32, a.parameters()), make([]float32, 3*averageSpan)
	mean := average{net: a.network(make([]float32, len(weights))), vectors: make([]float32, len(vectors))}
	mean.over(2, 3*averageEvery) // six updates
	require.Equal(t, 6.0, mean.window)
	want := 0.0
	for i := range 40 {
		now := float64(i*i%13) - 4
		for k := range weights {
			weights[k] = float32(now)
		}
		for k := range vectors {
			vectors[k] = float32(2 * now)
		}
		mean.update(1+i%3, weights, vectors)
		share := max(1.0/6, 1/float64(1+(i+1)/2))
		want += share * (now - want)
		require.InDelta(t, want, mean.net.all[len(weights)-1], 1e-5)
		require.InDelta(t, 2*want, mean.vectors[0], 1e-5)
		require.Equal(t, mean.vectors[0], mean.vectors[len(vectors)-1])
	}
	mean.over(-1, 100)
	mean.update(2, weights, vectors)
	require.Equal(t, weights, mean.net.all, "no window: the weights as they are")
	require.Equal(t, vectors, mean.vectors)
}
