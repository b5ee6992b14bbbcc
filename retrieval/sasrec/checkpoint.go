package sasrec

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/npy"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// What the arrays of a checkpoint may unfold to: so many times the size of the file, and as
// many bytes more. Weights hardly compress: deflate leaves nine tenths of them.
const (
	mostUnfolded = 16
	moreUnfolded = 1 << 20
)

// LoadCheckpoint returns the model whose weights a .npz archive holds under the names that
// S3-Rec, ICLRec and their kin give them: item_embeddings.weight, position_embeddings.weight,
// LayerNorm, and item_encoder.layer.N with attention.{query,key,value,dense,LayerNorm} and
// intermediate.{dense_1,dense_2,LayerNorm}, each .weight and .bias. In Python
//
//	numpy.savez_compressed(path, **{k: v.numpy() for k, v in model.state_dict().items()})
//
// writes one. Dimensions and layers are those of the arrays; norms stand behind the sums, the
// activation is GELU, epsilon 1e-12. The number of heads cannot be seen in the weights: 0 means
// 2, as those programs have by default.
//
// Row 0 of the item embeddings stands for padding and the last one for the mask; the rows
// between them are the items 1, 2, ….
//
// The error names the file, the array and what is wrong with it. Memory grows with what the
// arrays unfold to; more than 16 times the size of the file and a mebibyte is refused, which
// trained weights never take.
//
// Source: Zhou et al., "S3-Rec", CIKM 2020; Chen et al., "Intent Contrastive Learning", WWW
// 2022, whose released checkpoints have these names.
func LoadCheckpoint(path string, heads int) (*Model, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	arrays, err := npy.Open(path, mostUnfolded*min(st.Size(), math.MaxInt64/(2*mostUnfolded))+moreUnfolded)
	if err != nil {
		return nil, err
	}
	m, err := fromArrays(arrays, heads)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// checkpoint takes arrays by name and keeps the first error.
type checkpoint struct {
	arrays map[string]npy.Array
	err    error
}

func (c *checkpoint) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("sasrec: "+format, args...)
	}
}

// take returns an array of the shape, in which -1 stands for any size, and removes it.
func (c *checkpoint) take(name string, shape ...int) npy.Array {
	a, ok := c.arrays[name]
	delete(c.arrays, name)
	fits := len(a.Shape) == len(shape)
	for i := range a.Shape {
		fits = fits && (a.Shape[i] == shape[i] || shape[i] < 0)
	}
	switch {
	case !ok:
		c.fail("array %q is missing", name)
	case !fits:
		c.fail("array %q has the shape %v; want %v", name, a.Shape, shape)
	case !vector.Finite(a.Data):
		c.fail("array %q has a value that is not finite", name)
	}
	return a
}

// dense copies a layer whose matrix is stored by output to columns from, from+1, … of d.
func (c *checkpoint) dense(d *nn.Dense, name string, from, out int) {
	w, b := c.take(name+".weight", out, d.In), c.take(name+".bias", out)
	if c.err != nil {
		return
	}
	for o := range out {
		for i, x := range w.Data[o*d.In : (o+1)*d.In] {
			d.W[i*d.Out+from+o] = x
		}
	}
	copy(d.B[from:], b.Data)
}

func (c *checkpoint) norm(l *nn.LayerNorm, name string) {
	copy(l.Gain, c.take(name+".weight", l.Dim).Data)
	copy(l.Bias, c.take(name+".bias", l.Dim).Data)
}

const layerName = "item_encoder.layer."

// fromArrays returns the model of a checkpoint. It uses up the map.
func fromArrays(arrays map[string]npy.Array, heads int) (*Model, error) {
	c := &checkpoint{arrays: arrays}
	items := c.take("item_embeddings.weight", -1, -1)
	positions := c.take("position_embeddings.weight", -1, -1)
	if c.err != nil {
		return nil, c.err
	}
	a := Architecture{
		Dim: items.Shape[1], Heads: heads, Length: positions.Shape[0],
		Norm: PostNorm, Activation: GELU, InputNorm: true, Epsilon: 1e-12,
	}
	for c.arrays[layerName+fmt.Sprint(a.Layers)+".attention.query.weight"].Shape != nil {
		a.Layers++
	}
	if inner := c.arrays[layerName+"0.intermediate.dense_1.bias"].Shape; len(inner) == 1 {
		a.Hidden = inner[0]
	}
	switch {
	case items.Shape[0] < 2:
		return nil, fmt.Errorf("sasrec: array %q has %d rows; want one for padding, the items, and one for the mask", "item_embeddings.weight", items.Shape[0])
	case a.Dim == 0 || a.Length == 0 || a.Layers == 0 || a.Hidden == 0:
		return nil, errors.New("sasrec: the checkpoint has no dimensions, positions, layers or hidden units")
	case positions.Shape[1] != a.Dim:
		return nil, fmt.Errorf("sasrec: array %q has rows of %d values; want %d as items have", "position_embeddings.weight", positions.Shape[1], a.Dim)
	}
	a, err := a.withDefaults()
	if err != nil {
		return nil, err
	}
	if !c.holds(&a) {
		return nil, c.err
	}
	net := a.network(make([]float32, a.parameters()))
	copy(net.positions, positions.Data)
	c.norm(net.inputNorm, "LayerNorm")
	for k := range net.layers {
		l, name := &net.layers[k], layerName+fmt.Sprint(k)
		c.dense(l.query, name+".attention.query", 0, a.Dim)
		c.dense(l.memory, name+".attention.key", 0, a.Dim)
		c.dense(l.memory, name+".attention.value", a.Dim, a.Dim)
		c.dense(l.output, name+".attention.dense", 0, a.Dim)
		c.norm(l.attentionNorm, name+".attention.LayerNorm")
		c.dense(l.inner, name+".intermediate.dense_1", 0, a.Hidden)
		c.dense(l.outer, name+".intermediate.dense_2", 0, a.Dim)
		c.norm(l.feedNorm, name+".intermediate.LayerNorm")
	}
	for _, name := range slices.Sorted(maps.Keys(c.arrays)) {
		if strings.HasPrefix(name, layerName) {
			c.fail("array %q is none of the %d layers'", name, a.Layers)
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	rows := items.Shape[0] - 2
	ids := make([]recsys.ItemID, rows)
	for i := range ids {
		ids[i] = recsys.ItemID(i + 1)
	}
	cfg := Config{Architecture: a}
	return newModel(cfg, ids, slices.Clone(items.Data[a.Dim:(rows+1)*a.Dim]), net.all)
}

// holds reports whether the arrays have about as many values as a network needs, before it is
// allocated; what is missing in particular shows later.
func (c *checkpoint) holds(a *Architecture) bool {
	have := a.Length * a.Dim
	for _, x := range c.arrays {
		have += len(x.Data)
	}
	if need := a.parameters(); need > 2*have+1<<16 {
		c.fail("the arrays have %d values for a network of %d", have, need)
	}
	return c.err == nil
}
