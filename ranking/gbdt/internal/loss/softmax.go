package loss

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// softmax is the multinomial log loss over classes 0 to k-1.
type softmax struct {
	Data
	classes int
	base    []float64
}

var _ Objective = (*softmax)(nil)

// MaxClasses bounds the number of classes, each of which costs a tree per round.
const MaxClasses = 1 << 14

// rare is the base probability of a class that does not occur, as in LightGBM.
const rare = 1e-15

func newSoftmax(p Params, d Data) (Objective, error) {
	o := &softmax{Data: d, classes: p.Classes}
	most := float64(MaxClasses)
	if p.Classes > 0 {
		most = float64(p.Classes)
	}
	want := fmt.Sprintf("a class: 0, 1, … below %v", most)
	if err := d.check(want, func(y float64) bool { return y >= 0 && y < most && y == math.Trunc(y) }); err != nil {
		return nil, err
	}
	if o.classes == 0 {
		for i, y := range d.Labels {
			if d.known(i) {
				o.classes = max(o.classes, int(y)+1)
			}
		}
	}
	o.base = make([]float64, o.classes)
	total, seen := 0.0, 0
	for i, y := range d.Labels {
		if d.known(i) {
			if o.base[int(y)] == 0 {
				seen++
			}
			w := d.weight(i)
			o.base[int(y)] += w
			total += w
		}
	}
	if seen < 2 {
		return nil, fmt.Errorf("%w: %d classes occur", ErrOneClass, seen)
	}
	for k, w := range o.base {
		o.base[k] = fmath.Log(max(w/total, rare))
	}
	return o, nil
}

func (o *softmax) Outputs() int    { return o.classes }
func (o *softmax) Base() []float64 { return o.base }
func (o *softmax) Link() tree.Link { return tree.Link{Kind: tree.Softmax} }
func (o *softmax) Text() string    { return fmt.Sprintf("multiclass num_class:%d", o.classes) }

// Gradients gives p-1 or p, and k/(k-1) p (1-p), Friedman's factor, which makes up for the
// off-diagonal of the hessian.
func (o *softmax) Gradients(_ int, score []float64, grad, hess []float32) {
	n := len(o.Labels)
	factor := float64(o.classes) / float64(o.classes-1)
	o.overRows(n, func(from, to int) {
		p := make([]float64, o.classes)
		for i := from; i < to; i++ {
			w := 0.0
			if o.known(i) {
				w = o.weight(i)
				o.probabilities(p, score, i)
			}
			for k := range p {
				at := k*n + i
				if w == 0 {
					grad[at], hess[at] = 0, 0
					continue
				}
				g := p[k]
				if int(o.Labels[i]) == k {
					g--
				}
				grad[at], hess[at] = clamp(w*g), clamp(w*factor*p[k]*(1-p[k]))
			}
		}
	})
}

// probabilities writes those of row i.
func (o *softmax) probabilities(p, score []float64, i int) {
	for k := range p {
		p[k] = score[k*len(o.Labels)+i]
	}
	tree.Link{Kind: tree.Softmax}.Apply(p)
}
