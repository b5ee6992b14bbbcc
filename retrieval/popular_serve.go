package retrieval

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Version returns 16 hex digits that name the lists by their contents. The first call reads
// them all.
func (p *Popular) Version() string { return p.version() }

// Bind returns a Popular that knows where PopularConfig.Column stands in the request row; p
// itself when there are no segments.
func (p *Popular) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	if p.column == "" {
		return p, nil
	}
	f, err := s.ID(p.column)
	if err != nil {
		return nil, err
	}
	if f.Scope != recsys.PerRequest {
		return nil, fmt.Errorf("retrieval: column %q of Popular is one of items; want one of the request", f.Name)
	}
	bound := *p
	bound.field, bound.bound = f, true
	return &bound, nil
}

// errUnbound says that Retrieve came before Bind.
var errUnbound = errors.New("retrieval: a Popular with segments is not bound: a pipeline binds it, or recsys.Bind")

// on returns the part that a request belongs to, nil for everyone.
func (p *Popular) on(q *recsys.Query) (*part, error) {
	if p.column != "" {
		if !p.bound {
			return nil, errUnbound
		}
		if !q.Missing(p.field.Group) {
			if s := p.segments[q.IDs()[p.field.Index]]; s != nil {
				return s, nil
			}
		}
	}
	return p.surfaces[q.Surface], nil
}

// find returns the place in s.items of an item of everyone, -1 when it is not there. A nil s
// has no items.
func (s *part) find(at int32) int {
	if s == nil {
		return -1
	}
	if k, ok := slices.BinarySearch(s.items, at); ok {
		return k
	}
	return -1
}

// score returns the score of an item, by position, in a part.
func (p *Popular) score(s *part, at int32) float32 {
	if k := s.find(at); k >= 0 {
		return s.score[k]
	}
	return p.everyone.score[at]
}

// Retrieve adds the most popular items of the request's segment, else of its surface, most
// popular first. It fails when there are segments and nobody has called Bind. It does not
// look at ctx.
func (p *Popular) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	s, err := p.on(q)
	if err != nil {
		return err
	}
	switch n := len(q.Allow); {
	case n > 0 && n < len(p.everyone.order)/16:
		p.allowed(s, q, out)
	case s == nil:
		ids := p.items.IDs()
		for _, at := range p.everyone.order {
			if !out.Add(ids[at], p.everyone.score[at]) {
				break
			}
		}
	default:
		p.merge(s, out)
	}
	return nil
}

// merge walks down the items of a part and the others, which are both sorted, together.
func (p *Popular) merge(s *part, out *recsys.Sink) {
	ids, own, rest := p.items.IDs(), s.order, p.everyone.order
	for {
		for len(rest) > 0 && s.find(rest[0]) >= 0 {
			rest = rest[1:]
		}
		best := ^uint64(0)
		if len(rest) > 0 {
			best = topk.Key(p.everyone.score[rest[0]], rest[0])
		}
		if len(own) > 0 {
			if key := topk.Key(s.score[own[0]], s.items[own[0]]); key < best {
				best, own = key, own[1:]
			} else {
				rest = rest[1:]
			}
		} else if len(rest) > 0 {
			rest = rest[1:]
		} else {
			return
		}
		if !out.Add(ids[topk.Position(best)], topk.Score(best)) {
			return
		}
	}
}

// allowed sorts the few items that the request allows, in place of a walk down the list
// past all others.
func (p *Popular) allowed(s *part, q *recsys.Query, out *recsys.Sink) {
	keys, ok := p.pool.Get().(*[]uint64)
	if !ok {
		keys = new([]uint64)
	}
	defer p.pool.Put(keys)
	*keys = (*keys)[:0]
	for _, id := range q.Allow {
		if at := p.items.Find(id); at >= 0 {
			if score := p.score(s, at); score > 0 {
				*keys = append(*keys, topk.Key(score, at))
			}
		}
	}
	slices.Sort(*keys)
	last := ^uint64(0)
	for _, key := range *keys {
		if key == last {
			continue // allowed twice
		}
		last = key
		if !out.Add(p.items.IDs()[topk.Position(key)], topk.Score(key)) {
			return
		}
	}
}

// ScoreItems writes the score of each item for the request's segment, else for its surface,
// 0 for items without interactions. It fails as Retrieve does.
func (p *Popular) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	s, err := p.on(q)
	if err != nil {
		return err
	}
	for i, id := range items {
		dst[i] = 0
		if at := p.items.Find(id); at >= 0 {
			dst[i] = p.score(s, at)
		}
	}
	return nil
}
