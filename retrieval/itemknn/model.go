package itemknn

import (
	"context"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// Model proposes the items most similar to those of the request's history. It is
// immutable and safe for concurrent use, and in steady state it allocates nothing.
//
// The user's ID plays no part: a user of whom nothing is known but two events is served as
// well as one that was there in training. Items of the history are proposed like any
// other; those that must not come stand in Request.Exclude.
//
// A request takes time in proportion to the stored similarities of its history's items, and
// borrows 4 bytes per item of the model from a pool.
//
// The zero Model is good for ReadFrom alone.
type Model struct {
	config  Config
	matrix  *itemitem.Matrix
	weigher *weigher
	history *profile.Reader
	version func() string
}

var (
	_ recsys.Retriever  = (*Model)(nil)
	_ recsys.ItemScorer = (*Model)(nil)
	_ recsys.Versioned  = (*Model)(nil)
)

// Config returns the configuration, defaults filled in, Workers and Progress left out. Its map
// is the model's, not to be written to.
func (m *Model) Config() Config { return m.config }

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// NumItems returns the number of items that the model knows.
func (m *Model) NumItems() int { return m.matrix.Items.Len() }

// Retrieve adds the items with the highest scores, all of them > 0. The score of an item
// is the sum over the history of the event's weight times the similarity. Without a
// history, the anchors of the request stand in for it; see [retrieval.History].
//
// A history without known items proposes nothing. Retrieve does not look at ctx.
func (m *Model) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	s := m.matrix.Acquire()
	defer m.matrix.Release(s)
	m.read(s, q)
	m.matrix.Propose(s, q, out)
	return nil
}

// ScoreItems writes the score of each item for the request, 0 for items that the model does
// not know or that nothing in the history speaks for.
func (m *Model) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	s := m.matrix.Acquire()
	defer m.matrix.Release(s)
	m.read(s, q)
	m.matrix.Score(s, items, dst)
	return nil
}

func (m *Model) read(s *itemitem.Scratch, q *recsys.Query) {
	s.Profile = m.history.Read(s.Profile, q, &m.matrix.Items)
	m.weigher.history(s.Profile)
}

// Neighbors appends to items and similarities what an item proposes, best first, at most
// n, and returns both. Nothing is appended for an item that the model does not know.
//
// With [PerSource] these are the item's nearest neighbours. With [PerTarget] they are the
// items that count it among theirs, and the nearest ones may be missing.
func (m *Model) Neighbors(items []recsys.ItemID, similarities []float32, item recsys.ItemID, n int) ([]recsys.ItemID, []float32) {
	at := m.matrix.Items.Find(item)
	if at < 0 || n <= 0 {
		return items, similarities
	}
	index, weight := m.matrix.Row(at)
	n = min(n, len(index))
	ids := m.matrix.Items.IDs()
	for _, c := range index[:n] {
		items = append(items, ids[c])
	}
	return items, append(similarities, weight[:n]...)
}

// WithHistory returns a model that reads histories in another way. It shares the memory of
// m. The error is that of h.Validate.
func (m *Model) WithHistory(h retrieval.History) (*Model, error) {
	cfg := m.config
	cfg.History = h
	return newModel(cfg, m.matrix, m.weigher)
}
