package ranking

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/idtable"
)

// Linear is a multi-head logistic regression: for each head,
//
//	p = sigmoid(intercept + Σ_j w_j (x_j - mean_j)/scale_j + Σ_k w_k[id_k])
//
// over the float columns j and the ID columns k. Means and scales are those of the
// training rows. A value that is missing (NaN, or infinite) counts as the mean,
// which adds nothing, or adds a weight of its own if the model was trained with
// indicators. An ID that was not learned adds nothing.
//
// [TrainLinear] makes one, [LoadLinear] reads one from a file. It is immutable and
// safe for concurrent use. Bind it, by placing it into a pipeline, before Rank.
type Linear struct {
	heads, columns, idColumns []string

	bias        []float64 // H
	weights     []float64 // H x d, on standardised values
	absent      []float64 // H x d: what a missing value adds; empty: nothing
	mean, scale []float64 // d
	importance  []float64 // H x (d+c)
	ids         [][]uint64
	idWeights   []float32 // one row of H for each of ids, column by column
	views       []recsys.FeatureView

	// What follows from the above; see finish.
	tables  []idtable.Table // of ids
	firsts  []int           // row of idWeights at which an ID column starts
	careful bool            // float32 is not enough for the product with raw values
	version string

	bound *binding // nil until Bind
}

var (
	_ recsys.Ranker                = (*Linear)(nil)
	_ recsys.HeadWriter            = (*Linear)(nil)
	_ recsys.HeadKinder            = (*Linear)(nil)
	_ recsys.Versioned             = (*Linear)(nil)
	_ recsys.ViewUser              = (*Linear)(nil)
	_ recsys.Binder[recsys.Ranker] = (*Linear)(nil)
)

// Within these bounds the log odds of any row are no NaN: the product of a weight and
// a standardised float32 stays finite. The scale of float32 values is far inside.
const (
	maxWeight = 1e100
	maxScale  = 1e60
)

// ErrUnbound is returned by a ranker that reads columns by name and is asked to rank before Bind.
var ErrUnbound = errors.New("ranking: ranker is not bound to a schema; use recsys.Bind or a pipeline")

// Heads returns the names of the heads, in the order of training. The slice is the model's.
func (m *Linear) Heads() []string { return m.heads }

// HeadKinds says that every head is a probability.
func (m *Linear) HeadKinds() []recsys.HeadKind {
	kinds := make([]recsys.HeadKind, len(m.heads))
	for h := range kinds {
		kinds[h] = recsys.HeadProbability
	}
	return kinds
}

// Columns returns the names of the float columns, in the order of training. The slice is the model's.
func (m *Linear) Columns() []string { return m.columns }

// IDColumns returns the names of the ID columns, in the order of training. The slice is the model's.
func (m *Linear) IDColumns() []string { return m.idColumns }

// Version returns a hash of all that the model's scores depend on.
func (m *Linear) Version() string { return m.version }

// String prints version and size.
func (m *Linear) String() string {
	return fmt.Sprintf("linear model %s: %d float and %d id columns, %d ids, heads %s",
		m.version, len(m.columns), len(m.idColumns), m.idCount(), list(m.heads))
}

func (m *Linear) idCount() int {
	n := 0
	for _, ids := range m.ids {
		n += len(ids)
	}
	return n
}

// model makes the model of what was learned.
func (t *linearTrainer) model() *Linear {
	d, x := t.x.data, t.x
	m := &Linear{
		heads: slices.Clone(d.Heads), columns: slices.Clone(d.Columns), idColumns: slices.Clone(d.IDColumns),
		mean: x.mean, scale: x.scale, views: slices.Clone(d.Views),
	}
	width := len(d.Columns)
	if len(x.flags) > 0 {
		m.absent = make([]float64, len(t.heads)*width)
	}
	var results [][]float64
	for h, head := range t.heads {
		w := head.result()
		results = append(results, w)
		m.bias = append(m.bias, w[0])
		m.weights = append(m.weights, w[1:1+width]...)
		for k, j := range x.flags {
			m.absent[h*width+int(j)] = w[1+width+k]
		}
		m.importance = x.importance(m.importance, w)
	}
	for _, v := range x.vocab {
		var kept []uint64
		for k, id := range v.ids {
			row, any := make([]float32, len(results)), false
			for h, w := range results {
				row[h] = float32(w[v.first+k])
				any = any || row[h] != 0
			}
			if any {
				kept, m.idWeights = append(kept, id), append(m.idWeights, row...)
			}
		}
		m.ids = append(m.ids, kept)
	}
	m.finish()
	return m
}

// importance appends, for each column, the standard deviation of what it adds to
// the log odds over the training rows: of the float columns, whose values have
// variance 1 where they are there, in closed form.
func (x *design) importance(dst, w []float64) []float64 {
	d := x.data
	for j, miss := range x.missing {
		absent := 0.0
		if k := slices.Index(x.flags, int32(j)); k >= 0 {
			absent = w[1+len(d.Columns)+k]
		}
		dst = append(dst, math.Sqrt((1-miss)*(float64(w[1+j]*w[1+j])+float64(miss*absent)*absent)))
	}
	for j := range x.vocab {
		total, sum, square := 0.0, 0.0, 0.0
		for i := range d.Len() {
			c, v := float64(d.Weight(i)), 0.0
			if k := x.active(i)[j]; k >= 0 {
				v = w[k]
			}
			total += c
			sum += float64(c * v)
			square += float64(c * float64(v*v))
		}
		mean := sum / total
		dst = append(dst, math.Sqrt(max(0, square/total-float64(mean*mean))))
	}
	return dst
}

// finish computes what follows from the stored fields.
func (m *Linear) finish() {
	m.tables, m.firsts = nil, nil
	first := 0
	for _, ids := range m.ids {
		m.tables, m.firsts = append(m.tables, idtable.New(ids)), append(m.firsts, first)
		first += len(ids)
	}
	// Folding the standardisation into the weights adds terms w*mean/scale that cancel;
	// each addition in float32 then errs by up to 6e-8 of their sum: 1.5e-5 log odds at 256.
	d := len(m.columns)
	for h := range m.heads {
		sum := 0.0
		for j, w := range m.weights[h*d : (h+1)*d] {
			slope := w / m.scale[j]
			sum += math.Abs(float64(slope * m.mean[j]))
			if math.Abs(slope) > math.MaxFloat32 {
				sum = math.Inf(1)
			}
		}
		m.careful = m.careful || !(sum < 256)
	}
	m.version = fmt.Sprintf("linear-%016x", m.hash())
}

// schemaHash identifies the names that the model reads and writes.
func (m *Linear) schemaHash() uint64 {
	h := uint64(0)
	for _, names := range [][]string{m.columns, m.idColumns, m.heads} {
		h = hash.Combine(h, uint64(len(names)))
		for _, name := range names {
			h = hash.String(h, name)
		}
	}
	return h
}

// hash identifies the model.
func (m *Linear) hash() uint64 {
	h := m.schemaHash()
	for _, values := range [][]float64{m.bias, m.weights, m.absent, m.mean, m.scale} {
		h = hash.Combine(h, uint64(len(values)))
		for _, v := range values {
			h = hash.Combine(h, math.Float64bits(v))
		}
	}
	for _, ids := range m.ids {
		h = hash.Combine(hash.Combine(h, uint64(len(ids))), ids...)
	}
	for _, v := range m.idWeights {
		h = hash.Combine(h, uint64(math.Float32bits(v)))
	}
	return h
}

// TrainedOn returns the feature views of the data that the model was trained on, nil where they are not known. The slice
// is the model's.
func (m *Linear) TrainedOn() []recsys.FeatureView { return m.views }
