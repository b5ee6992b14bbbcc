package rerank_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/rerank"
)

func TestGoldenXQuAD(t *testing.T) {
	goldenCases(t, "p_aspect", func(t *testing.T, name string, raw json.RawMessage) {
		var c struct {
			Rel      []float64
			Aspects  []float64   `json:"p_aspect"`
			Coverage [][]float64 `json:"p_item_aspect"`
			Lam      float64
			K        int
			Order    []int32
			Scores   []float64
		}
		require.NoError(t, json.Unmarshal(raw, &c), name)
		order, scores, err := rerank.SelectXQuAD(c.Rel, c.Aspects, slices.Concat(c.Coverage...), c.Lam, c.K)
		require.NoError(t, err)
		require.Equal(t, c.Order, order, name)
		require.Len(t, c.Scores, len(scores), name)
		closeTo(t, name, c.Scores, scores, 1e-10)
	})
}

func TestGoldenCalibration(t *testing.T) {
	goldenCases(t, "genres", func(t *testing.T, name string, raw json.RawMessage) {
		var c struct {
			Rel        []float64
			Genres     [][]float64
			P          []float64
			Lam, Alpha float64
			K          int
			Order      []int32
			Scores     []float64
		}
		require.NoError(t, json.Unmarshal(raw, &c), name)
		order, scores, err := rerank.SelectCalibrated(c.Rel, c.P, slices.Concat(c.Genres...), c.Lam, c.Alpha, c.K)
		require.NoError(t, err)
		require.Equal(t, c.Order, order, name)
		require.Len(t, c.Scores, len(scores), name)
		closeTo(t, name, c.Scores, scores, 1e-10)
	})
}

// TestGoldenFair takes the uncorrected test, which is what the references hold.
func TestGoldenFair(t *testing.T) {
	goldenCases(t, "protected", func(t *testing.T, name string, raw json.RawMessage) {
		var c struct {
			Rel           []float64
			Protected     []int
			K             int
			P             float64
			Alpha         float64 `json:"alpha_unadjusted"`
			Table         []int   `json:"mtable"`
			Order         []int32
			Exposure      []float64 `json:"exposure_dcg"`
			ScoreExposure []float64 `json:"score_order_exposure"`
		}
		require.NoError(t, json.Unmarshal(raw, &c), name)
		table, err := rerank.FairTable(c.K, c.P, c.Alpha)
		require.NoError(t, err)
		require.Equal(t, c.Table, table, name)
		protected := make([]bool, len(c.Protected))
		for i, x := range c.Protected {
			protected[i] = x == 1
		}
		order, err := rerank.SelectFair(c.Rel, protected, table, c.K)
		require.NoError(t, err)
		require.Equal(t, c.Order, order, name)
		closeTo(t, name, c.Exposure, rerank.GroupExposure(order, c.Protected, 2), 1e-10)
		byScore, err := rerank.SelectFair(c.Rel, protected, make([]int, c.K), c.K)
		require.NoError(t, err)
		closeTo(t, name, c.ScoreExposure, rerank.GroupExposure(byScore, c.Protected, 2), 1e-10)
	})
}
