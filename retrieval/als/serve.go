package als

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// call is the memory of one call.
type call struct {
	workspace
	profile []profile.Entry
	user    []float32
	keys    []uint64
}

func (m *Model) acquire() *call  { return m.pool.Get().(*call) }
func (m *Model) release(c *call) { m.pool.Put(c) }

// Retrieve adds the items with the highest scores. It does not look at ctx.
func (m *Model) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	c := m.acquire()
	defer m.release(c)
	user, err := m.user(c, q)
	if user != nil {
		m.factors.Propose(user, q, out)
	}
	return err
}

// ScoreItems writes the score of each item for the request, 0 for items that the model does
// not know, and for all when nothing is known of the user.
func (m *Model) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	c := m.acquire()
	defer m.release(c)
	user, err := m.user(c, q)
	if user == nil {
		clear(dst[:len(items)])
		return err
	}
	m.factors.Score(user, items, dst)
	return nil
}

// UserVector appends the vector of the request's user to dst, nothing when nothing is known
// of the user, and returns it: as Config.Vectors of package nearest wants it.
func (m *Model) UserVector(dst []float32, q *recsys.Query) ([]float32, error) {
	c := m.acquire()
	defer m.release(c)
	user, err := m.user(c, q)
	return append(dst, user...), err
}

// user returns the vector of the request's user, nil when nothing is known of the user.
func (m *Model) user(c *call, q *recsys.Query) ([]float32, error) {
	c.profile = m.history.Read(c.profile, q, &m.factors.Items)
	if len(c.profile) > 0 {
		if err := m.Validate(); err != nil {
			return nil, err
		}
		c.user = c.vector(&c.user, m.factors.Dim())
		if err := m.users.foldIn(&c.workspace, m.profileRow(c), c.user); err != nil {
			return nil, fmt.Errorf("als: the history of user %d: %w", q.User, err)
		}
		if !zero(c.user) { // as it is when nobody took any item of the history
			return c.user, nil
		}
	}
	if at := m.factors.FindUser(q.User); at >= 0 {
		if v := m.factors.UserVectors.Row(at); !zero(v) {
			return v, nil
		}
	}
	return nil, nil
}

func zero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// profileRow returns the row of the profile.
func (m *Model) profileRow(c *call) row {
	c.grow(len(c.profile))
	for k, p := range c.profile {
		c.cols[k] = uint32(p.Item)
		c.confidence[k] = m.confidence(p.Weight)
	}
	return m.users.finish(&c.workspace, len(c.profile))
}

// confidence returns the confidence in an interaction of weight r, within its domain.
func (m *Model) confidence(r float32) float32 {
	x := m.curve(r)
	if x != x {
		x = 0
	}
	return min(max(x, float32(m.config.Unobserved)), maxConfidence)
}

// finish returns the row of n interactions whose columns and confidences are in w.
func (e *equations) finish(w *workspace, n int) row {
	r := row{cols: w.cols[:n], confidence: w.confidence[:n], excess: w.excess[:n]}
	for k, x := range r.confidence {
		if r.excess[k] = excess(x, e.config); e.unit {
			r.confidence[k] = float32(float64(x) / e.scale)
		}
	}
	return r
}

// foldIn writes the vector of a row of one interaction or more to x. Confidences that differ
// by more than float32 can tell apart may make the equations singular: the largest are then
// lowered until they are not.
func (e *equations) foldIn(w *workspace, r row, x []float32) error {
	limit := slices.Max(r.confidence)
	for {
		_, ok := e.exact(w, r, x)
		switch {
		case ok && factor.Bounded(x):
			return nil
		case e.unit || limit < 1:
			if ok {
				return errRange
			}
			return errSingular
		}
		limit /= 1 << 8
		for k, c := range r.confidence {
			r.confidence[k] = min(c, max(limit, float32(e.config.Unobserved)))
			r.excess[k] = excess(r.confidence[k], e.config)
		}
	}
}

// FoldInUser appends to dst the vector that a user with these interactions has, Factors
// values, and returns it: what training would give the user while all items stay as they are.
// weights is nil, which means 1, or has the length of items. Items that the model does not
// know and weights of 0 do not count; without any that counts the vector is 0. An item that
// is named twice counts as two interactions. It takes some ten microseconds for 100
// interactions at 64 factors, and allocates only to grow dst.
func (m *Model) FoldInUser(dst []float32, items []recsys.ItemID, weights []float32) ([]float32, error) {
	return foldIn(m, m.users, dst, items, weights, func(id recsys.ItemID) int { return int(m.factors.Items.Find(id)) })
}

// FoldInItem is FoldInUser for an item with these users. The first call computes the Gram
// matrix of all users.
func (m *Model) FoldInItem(dst []float32, users []recsys.UserID, weights []float32) ([]float32, error) {
	return foldIn(m, m.items(), dst, users, weights, m.factors.FindUser)
}

func foldIn[ID ~uint64](m *Model, e *equations, dst []float32, ids []ID, weights []float32, find func(ID) int) ([]float32, error) {
	if weights != nil && len(weights) != len(ids) {
		return dst, fmt.Errorf("als: %d weights of %d interactions; want as many, or nil", len(weights), len(ids))
	}
	if err := m.Validate(); err != nil {
		return dst, err
	}
	c := m.acquire()
	defer m.release(c)
	c.grow(len(ids))
	n := 0
	for k, id := range ids {
		weight := float32(1)
		if weights != nil {
			weight = weights[k]
		}
		if !(weight >= 0 && weight <= math.MaxFloat32) {
			return dst, fmt.Errorf("als: the weight of interaction %d, with %d, is %v; want a finite number >= 0", k, id, weight)
		}
		if at := find(id); at >= 0 && weight > 0 {
			c.cols[n], c.confidence[n] = uint32(at), m.confidence(weight)
			n++
		}
	}
	c.user = c.vector(&c.user, m.factors.Dim())
	if n == 0 {
		clear(c.user)
	} else if err := e.foldIn(&c.workspace, e.finish(&c.workspace, n), c.user); err != nil {
		return dst, fmt.Errorf("als: %w", err)
	}
	return append(dst, c.user...), nil
}

// Explain appends to dst what each item of the request's history adds to the score of an
// item, the largest first, ties by ID, and returns it. Together they make the score, but for
// rounding. Nothing is appended for an item that the model does not know, or a request
// whose history has none that it knows and that someone took: then the vector of the training
// says nothing about its origin. It solves the equations of the user once, in the form with a row for each
// factor, and allocates only to grow dst.
//
// Source: Hu, Koren and Volinsky, ICDM 2008, section 5: with A the matrix of the user's
// equations, item j of confidence c adds c yᵀ A⁻¹ y_j.
func (m *Model) Explain(dst []retrieval.Contribution, q *recsys.Query, item recsys.ItemID) ([]retrieval.Contribution, error) {
	at := m.factors.Items.Find(item)
	if at < 0 {
		return dst, nil
	}
	c := m.acquire()
	defer m.release(c)
	c.profile = m.history.Read(c.profile, q, &m.factors.Items)
	if len(c.profile) == 0 {
		return dst, nil
	}
	if err := m.Validate(); err != nil {
		return dst, err
	}
	r, d := m.profileRow(c), m.factors.Dim()
	a, b := c.square(d), c.vector(&c.b, d)
	m.users.assemble(&c.workspace, r, a, b)
	copy(b, m.factors.ItemVectors.Row(int(at)))
	if !simd.Posv(a, d, b) {
		return dst, fmt.Errorf("als: the history of user %d: %w", q.User, errSingular)
	}
	scores := c.vector(&c.s, len(r.cols))
	simd.DotGather(scores, b, m.factors.ItemVectors.Data, m.factors.ItemVectors.Stride, r.cols)
	simd.Mul(scores, r.confidence)
	if zero(scores) {
		return dst, nil
	}
	c.keys = c.keys[:0]
	for k, x := range scores {
		c.keys = append(c.keys, topk.Key(x, int32(r.cols[k])))
	}
	for _, key := range topk.Best(c.keys, len(c.keys)) {
		dst = append(dst, retrieval.Contribution{Item: m.Items()[topk.Position(key)], Score: topk.Score(key)})
	}
	return dst, nil
}
