package gbdt

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

// MemoryError says that training would take more memory than Config.MaxBytes.
type MemoryError = ranking.MemoryError

// idBytes is what a different ID of a column takes at most: while IDs are counted, in the vocabulary, and in the
// table that finds it there.
const idBytes = 128

// checkMemory reports when what training will allocate is more than it may, vocabularies aside:
// how large those get is seen while IDs are counted. v may be nil, and need not be valid.
func (t *trainer) checkMemory(v *ranking.Dataset) error {
	if t.cfg.MaxBytes == 0 {
		return nil
	}
	if t.need = t.bytes(v); t.need > t.cfg.MaxBytes {
		return t.tooMuch(t.need)
	}
	return nil
}

// leftForIDs returns how many IDs that differ there is memory for.
func (t *trainer) leftForIDs() int {
	if t.cfg.MaxBytes == 0 {
		return math.MaxInt
	}
	return int((t.cfg.MaxBytes - t.need) / idBytes)
}

// tooManyIDs is the error when there are more: with the bytes that are enough if all IDs differ.
func (t *trainer) tooManyIDs() error {
	return t.tooMuch(whole(float64(t.need) + idBytes*float64(len(t.data.IDs))))
}

func (t *trainer) tooMuch(need int64) error {
	return fmt.Errorf("gbdt: %w", &MemoryError{
		Need: need, Most: t.cfg.MaxBytes, Remedy: "take fewer rows, features, classes or IDs that differ",
	})
}

// bytes returns about how many bytes training allocates, without vocabularies.
func (t *trainer) bytes(v *ranking.Dataset) int64 {
	d := t.data
	rows, ids := d.Len(), len(d.IDColumns)
	width := len(d.Columns) + ids
	n := float64(rows)
	outputs, most, ranks := 0, 0, false
	for h, name := range d.Heads {
		o := t.cfg.objective(name)
		k := o.outputs(d, h)
		outputs, most = outputs+k, max(most, k)
		ranks = ranks || lossKinds[o.Loss].Ranks() || metricOf[o.metric()].Groups()
	}
	growing := t.cfg.grow(t.features)
	// In float64: the terms are each below 2^63, their sum need not be.
	need := float64(bins.Memory(rows, width)) + float64(growing.Memory(rows, width))
	need += n * float64(8*outputs+8*most)  // scores; gradients and hessians
	need += n * float64(4+12*len(d.Heads)) // rows of leaves; rows, labels, weights of heads
	if t.cfg.Boosting == RandomForest {
		need += 8 * n * float64(outputs)
	}
	perRow := 0.0 // of either dataset
	if ids > 0 {
		perRow += 4 * float64(width)
	}
	if ranks {
		perRow += float64(40 + 16*len(d.Heads)) // rows by group; gains, and rows that count
	}
	need += n * perRow
	if v != nil {
		m := float64(v.Len())
		need += m*(perRow+float64(8*outputs+8*len(d.Heads))) + float64(bins.Memory(v.Len(), width))
		if !sameColumns(v, d) {
			need += m * float64(4*len(d.Columns)+8*ids)
		}
	}
	return whole(need)
}

// whole returns bytes as an integer, the largest one if they are more.
func whole(bytes float64) int64 {
	if bytes >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(bytes)
}

// outputs returns the number of raw scores of a row; labels need not be valid.
func (o *Objective) outputs(d *ranking.Dataset, head int) int {
	switch {
	case o.Loss != Softmax:
		return 1
	case o.Classes > 0:
		return o.Classes
	}
	most := float32(0)
	for at := head; at < len(d.Labels); at += len(d.Heads) {
		if y := d.Labels[at]; y > most { // and not NaN
			most = y
		}
	}
	return min(int(min(most, loss.MaxClasses))+1, loss.MaxClasses)
}
