package main

import (
	"cmp"
	"math"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// cutoffs of NDCG.
var cutoffs = []int{1, 3, 5, 10}

// evaluate returns the metrics of a model that fit its loss and the data. Rows without a label do not count.
func evaluate(m *gbdt.Model, d *ranking.Dataset, loss gbdt.Loss) ([]cli.Field, error) {
	d = labelled(d)
	predicted, err := m.Predict(nil, d)
	if err != nil {
		return nil, err
	}
	var fields []cli.Field
	labels, weights := widened(d.Labels), widened(d.Weights)
	switch loss {
	case gbdt.Softmax:
		fields = append(fields, ofClasses(predicted, labels, len(m.Heads()))...)
		return fields, nil
	case gbdt.LogLoss, gbdt.CrossEntropy:
		p := widened(predicted)
		fields = append(fields, cli.F("auc", metrics.AUC(p, labels, weights)), cli.F("logloss", metrics.LogLoss(p, labels, weights)))
	case gbdt.LambdaMART, gbdt.Pairwise, gbdt.XENDCG:
	default:
		fields = append(fields, cli.F("rmse", metrics.RMSE(widened(predicted), labels, weights)))
	}
	if len(d.Groups) > 0 {
		for i, v := range ndcg(predicted, d) {
			fields = append(fields, cli.F([]string{"ndcg@1", "ndcg@3", "ndcg@5", "ndcg@10"}[i], v))
		}
	}
	return fields, nil
}

// labelled returns the rows of d that have a label, d itself if all have.
func labelled(d *ranking.Dataset) *ranking.Dataset {
	rows := make([]int32, 0, d.Len())
	for i, y := range d.Labels {
		if y == y {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) == d.Len() {
		return d
	}
	out := d.Rows(rows)
	if len(d.Groups) == 0 {
		out.Groups = nil // and not a group for each row
	}
	return out
}

func widened(values []float32) []float64 {
	if len(values) == 0 {
		return nil
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// ndcg returns the mean NDCG of the groups at each cutoff, with gains 2^label-1; a group without a
// label above 0 counts as 1, as in LightGBM and XGBoost.
func ndcg(scores []float32, d *ranking.Dataset) []float64 {
	order, starts := d.GroupRows()
	sums := make([]float64, len(cutoffs))
	for g := range len(starts) - 1 {
		rows := slices.Clone(order[starts[g]:starts[g+1]])
		slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(scores[b], scores[a]) })
		grades, most := make([]float64, len(rows)), 0.0
		for i, r := range rows {
			grades[i] = float64(d.Labels[r])
			most = max(most, grades[i])
		}
		for i, k := range cutoffs {
			if most > 0 {
				sums[i] += metrics.NDCGExp(grades, slices.Clone(grades), k)
			} else {
				sums[i]++
			}
		}
	}
	for i := range sums {
		sums[i] /= float64(len(starts) - 1)
	}
	return sums
}

// ofClasses returns log loss and accuracy of class probabilities.
func ofClasses(p []float32, labels []float64, classes int) []cli.Field {
	loss, hits := 0.0, 0.0
	for i, y := range labels {
		row := p[i*classes : (i+1)*classes]
		known := 0.0 // what the model gives a class that it has never seen
		if y >= 0 && y < float64(classes) {
			known = float64(row[int(y)])
		}
		loss -= math.Log(max(known, 1e-15))
		best := 0
		for k, v := range row {
			if v > row[best] {
				best = k
			}
		}
		if float64(best) == y {
			hits++
		}
	}
	n := float64(len(labels))
	return []cli.Field{cli.F("logloss", loss/n), cli.F("accuracy", hits/n)}
}
