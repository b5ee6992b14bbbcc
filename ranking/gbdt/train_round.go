package gbdt

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// round grows the trees of a round, from 0. It returns how many it grew: none if no split gains anything, which ends
// the head.
func (h *headTrainer) round(ctx context.Context, r int) (grown int, err error) {
	t, n, number := h.t, h.t.x.rows, h.earlier+r
	dropped := h.drop(number)
	grad, hess := t.grad[:h.outputs*n], t.hess[:h.outputs*n]
	h.obj.Gradients(number, h.at, grad, hess)
	rows := t.sampler.rows(h.rows, number, grad, hess)
	weight := t.cfg.learningRate() / float64(len(dropped)+1)
	splits, before := 0, len(h.trees)
	for k := range h.outputs {
		// Each tree has a number of its own for draws, whatever was grown before.
		t.grower.StartAt(number*h.outputs + k)
		features := t.sampler.features(t.usable, number, k)
		one, err := t.grower.Grow(ctx, outputOf(h.outputs, grad, k), outputOf(h.outputs, hess, k), rows, features)
		if err == nil {
			err = h.finish(one, k)
		}
		if err == nil {
			splits += len(one.Nodes)
			h.trees = append(h.trees, *one)
			err = h.add(ctx, one, k, weight, len(rows) < len(h.rows))
		}
		if err != nil {
			h.trees = h.trees[:before]
			h.restore(dropped, 1)
			return 0, err
		}
	}
	if splits == 0 && !t.cfg.sampled() {
		h.trees = h.trees[:before]
		h.restore(dropped, 1)
		h.done = true
		return 0, nil
	}
	h.restore(dropped, float64(len(dropped))/float64(len(dropped)+1))
	h.weights = append(h.weights, weight)
	return h.outputs, nil
}

// add adds the last tree that was grown, times weight, to the scores of training and validation rows. sampled
// tells that the tree was not grown on all of the head's rows.
func (h *headTrainer) add(ctx context.Context, one *tree.Tree, output int, weight float64, sampled bool) error {
	if len(one.Nodes) == 0 && one.Leaves[0] == 0 {
		return nil
	}
	t, leaves := h.t, scaled(one.Leaves, weight)
	dst := outputOf(h.outputs, h.raw, output)
	if sampled {
		at := t.leafOf[:len(h.rows)]
		if err := t.grower.Assign(ctx, at, t.table, h.rows); err != nil {
			return err
		}
		for i, r := range h.rows {
			dst[r] += leaves[at[i]]
		}
	} else {
		parallel.Do(t.cfg.workers(), len(leaves), func(l int) {
			for _, r := range t.grower.LeafRows(l) {
				dst[r] += leaves[l]
			}
		})
	}
	if h.checked == nil {
		return nil
	}
	dst = outputOf(h.outputs, h.checked, output)
	at := t.leafOf[:len(dst)]
	if err := t.grower.Assign(ctx, at, t.validTable, nil); err != nil {
		return err
	}
	for i, l := range at {
		dst[i] += leaves[l]
	}
	return nil
}

// finish sets what the grower does not know of a tree: leaves that the loss computes anew, the base of a random
// forest. A tree without a split adds nothing.
func (h *headTrainer) finish(t *tree.Tree, output int) error {
	t.Output = output
	switch {
	case len(t.Nodes) == 0:
		t.Leaves[0] = 0
	case h.renew != nil:
		n := h.t.x.rows
		parallel.Do(h.t.cfg.workers(), len(t.Leaves), func(l int) {
			lo, hi := h.t.grower.LeafBounds(l)
			s := h.t.scratch.Get().(*loss.Scratch)
			t.Leaves[l] = max(lo, min(h.renew.Renew(h.at[:n], h.t.grower.LeafRows(l), s), hi))
			h.t.scratch.Put(s)
		})
	}
	rate := h.t.cfg.learningRate()
	for l, v := range t.Leaves {
		if h.forest() {
			t.Leaves[l] += h.base[output]
		}
		if !(math.Abs(v*rate) <= largestLeaf) {
			return fmt.Errorf("%w: leaf %d is %v; take a smaller LearningRate, or larger L2", ranking.ErrDiverged, l, v)
		}
	}
	return nil
}

// largestLeaf is what a leaf may weigh: sums of as many as there are trees stay finite.
const largestLeaf = 1e300

// drop takes the trees that DART drops in a round out of the scores, and returns their rounds.
func (h *headTrainer) drop(number int) []int {
	if h.t.cfg.Boosting != DART {
		return nil
	}
	dropped := h.t.cfg.drops(number, h.weights)
	if len(dropped) == len(h.weights) {
		// Nothing is left but what training began with, and not some 1e-17 more or less: ranking
		// losses ask whether scores are equal.
		copy(h.at, h.scores(h.t.x))
		return dropped
	}
	for _, r := range dropped {
		h.eachTree(r, func(k int, t *tree.Tree) {
			h.t.x.add(outputOf(h.outputs, h.at, k), t, -h.weights[r])
		})
	}
	return dropped
}

// restore puts dropped trees back with kept of their weight, 1 to undo the drop.
func (h *headTrainer) restore(dropped []int, kept float64) {
	for _, r := range dropped {
		old := h.weights[r]
		h.weights[r] = old * kept
		h.eachTree(r, func(k int, t *tree.Tree) {
			h.t.x.add(outputOf(h.outputs, h.at, k), t, h.weights[r])
			if h.checked != nil && kept != 1 {
				h.t.valid.add(outputOf(h.outputs, h.checked, k), t, h.weights[r]-old)
			}
		})
	}
}

// eachTree calls f with the trees of a round.
func (h *headTrainer) eachTree(round int, f func(k int, t *tree.Tree)) {
	for k := range h.outputs {
		f(k, &h.trees[round*h.outputs+k])
	}
}

// outputOf returns output k of s, output-major of so many.
func outputOf[T any](outputs int, s []T, k int) []T {
	n := len(s) / outputs
	return s[k*n : (k+1)*n]
}
