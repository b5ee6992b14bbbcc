package itemknn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Update returns the model m, which Train made, with the similarities of some items, new ones
// too, computed afresh from in: all interactions up to now, old and new. m stays as it is and
// may be in use. It is for the hours between two trainings.
//
// Similarities between two items that are not listed stay as they are. With [Cosine] weights
// and no cut to Neighbors the model is that of a new training, when all items with new
// interactions are listed; other weights depend on the users' other items too, and are then
// as near as those have changed little. A listed item has its exact list of neighbours, and
// joins the lists of those others where it would be among the best, which may leave such a
// list one longer than Neighbors. Items of in that m does not know and that are not listed
// play no part.
//
// It takes time in proportion to the items of the listed items' users, to the interactions and
// to the model, of which the last two are some milliseconds per million.
//
// The error says that m is of another trainer, which item is not in the interactions or has
// weights whose squares overflow, or, when ctx ends first, wraps its cause.
func Update(ctx context.Context, m *itemsim.Model, in *retrieval.Interactions, items ...recsys.ItemID) (*itemsim.Model, error) {
	if in == nil {
		return nil, errors.New("itemknn: interactions are nil")
	}
	if m.Trainer() != "itemknn" {
		return nil, fmt.Errorf("itemknn: the model is of trainer %q; want itemknn", m.Trainer())
	}
	var cfg Config
	err := json.Unmarshal(m.Config(), &cfg)
	if err == nil {
		cfg, err = cfg.withDefaults()
	}
	if err != nil {
		return nil, fmt.Errorf("itemknn: configuration of the model: %w", err)
	}
	u, err := newUpdater(cfg, m, in)
	if err != nil {
		return nil, err
	}
	for _, id := range items {
		if err := u.list(id); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("itemknn: update stopped: %w", context.Cause(ctx))
		}
	}
	next, err := m.WithItems(u.updates()...)
	if err != nil {
		return nil, fmt.Errorf("itemknn: %w", err)
	}
	return next, nil
}

// updater computes lists of neighbours: of an item's proposers with PerTarget, of those that it
// proposes with PerSource. Items are rows of in.
type updater struct {
	cfg     Config
	model   *itemsim.Model
	in      *retrieval.Interactions
	weigher *weigher
	product itemitem.Product
	listed  map[int32]*listed
}

// listed is an item that is computed afresh.
type listed struct {
	others []int32   // the items that share users with it
	dots   []float32 // their products
	best   map[int32]float32
}

func newUpdater(cfg Config, m *itemsim.Model, in *retrieval.Interactions) (*updater, error) {
	u := &updater{cfg: cfg, model: m, in: in, weigher: newWeigher(&cfg, in.ByItem()), listed: map[int32]*listed{}}
	byUser, byItem := u.weigher.matrices(in)
	if err := check(byItem, in.Items()); err != nil {
		return nil, err
	}
	u.product = itemitem.Product{Left: byItem, Right: byUser, Scale: similarity(&cfg, byItem)}
	return u, nil
}

// list computes the list of an item.
func (u *updater) list(id recsys.ItemID) error {
	at, ok := u.in.ItemRow(id)
	if !ok {
		return fmt.Errorf("itemknn: item %d is not in the interactions", id)
	}
	row := int32(at)
	l := &listed{best: map[int32]float32{}}
	l.others, l.dots = u.product.Row(row)
	var keys []uint64
	for k, j := range l.others {
		if s := u.product.Scale(row, j, l.dots[k]); s > 0 {
			keys = append(keys, topk.Key(min(s, math.MaxFloat32), j))
		}
	}
	for _, key := range topk.Select(keys, u.cfg.Neighbors) {
		l.best[topk.Position(key)] = topk.Score(key)
	}
	u.listed[row] = l
	return nil
}

// updates returns what has changed, by ascending item.
func (u *updater) updates() []itemsim.Update {
	weakest := u.weakest()
	var updates []itemsim.Update
	for _, row := range slices.Sorted(maps.Keys(u.listed)) {
		l := u.listed[row]
		var own, joined []itemsim.Neighbor
		for k, j := range l.others {
			id := u.in.Items()[j]
			other := u.listed[j]
			bar, known := weakest[id]
			if other == nil && !known {
				continue
			}
			if s, is := l.best[j]; is {
				own = append(own, itemsim.Neighbor{Item: id, Weight: s})
			}
			s := min(u.product.Scale(j, row, l.dots[k]), math.MaxFloat32)
			if other != nil {
				s = other.best[row]
			} else if !(s > bar) {
				continue
			}
			joined = append(joined, itemsim.Neighbor{Item: id, Weight: s})
		}
		update := itemsim.Update{Item: u.in.Items()[row], Proposes: joined, ProposedBy: own}
		if u.cfg.Keep == PerSource {
			update.Proposes, update.ProposedBy = own, joined
		}
		if u.weigher.length != nil {
			update.Saturation = u.weigher.length[row]
		}
		updates = append(updates, update)
	}
	return updates
}

// weakest returns for each item of the model what a similarity must exceed to join its list:
// the smallest of a list that is full without the listed items, else 0.
func (u *updater) weakest() map[recsys.ItemID]float32 {
	weights := u.model.Weights()
	if u.cfg.Keep == PerTarget {
		weights = weights.Transpose()
	}
	ids := u.model.Items()
	fresh := make([]bool, len(ids))
	for i, id := range ids {
		if row, ok := u.in.ItemRow(id); ok {
			fresh[i] = u.listed[int32(row)] != nil
		}
	}
	bars := make(map[recsys.ItemID]float32, len(ids))
	for i, id := range ids {
		others, similarities := weights.Row(i)
		n, least := 0, float32(math.MaxFloat32)
		for k, j := range others {
			if !fresh[j] {
				n, least = n+1, min(least, similarities[k])
			}
		}
		bars[id] = 0
		if n >= u.cfg.Neighbors {
			bars[id] = least
		}
	}
	return bars
}
