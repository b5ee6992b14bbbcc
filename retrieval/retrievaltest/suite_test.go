package retrievaltest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// sound proposes 40 items, whose scores tie in pairs and depend on the history.
type sound struct{}

func (sound) scores(q *recsys.Query) (ids []recsys.ItemID, scores []float32) {
	if len(q.History)+len(q.Items) == 0 {
		return nil, nil
	}
	shift := 0
	for _, e := range q.History {
		shift += int(e.Item % 5)
	}
	for i := range 40 {
		ids = append(ids, recsys.ItemID(i+1))
		scores = append(scores, 1-float32(i/2)/100+float32(shift))
	}
	return ids, scores
}

func (s sound) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	ids, scores := s.scores(q)
	for i, id := range ids {
		if !out.Add(id, scores[i]) {
			break
		}
	}
	return nil
}

func (s sound) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	ids, scores := s.scores(q)
	for i, id := range items {
		dst[i] = 0
		if at := slices.Index(ids, id); at >= 0 {
			dst[i] = scores[at]
		}
	}
	return nil
}

// faulty is a sound retriever that goes wrong as the fields say.
type faulty struct {
	sound
	retrieve func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error
	score    func(q *recsys.Query, items []recsys.ItemID, dst []float32) error
}

func (f *faulty) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	if f.retrieve != nil {
		return f.retrieve(ctx, q, out)
	}
	return f.sound.Retrieve(ctx, q, out)
}

func (f *faulty) ScoreItems(ctx context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	if f.score != nil {
		return f.score(q, items, dst)
	}
	return f.sound.ScoreItems(ctx, q, items, dst)
}

// filling returns a retriever that proposes what edit makes of a sound list.
func filling(edit func(q *recsys.Query, ids []recsys.ItemID, scores []float32) ([]recsys.ItemID, []float32)) *faulty {
	return &faulty{retrieve: func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		ids, scores := sound{}.scores(q)
		ids, scores = edit(q, ids, scores)
		for i, id := range ids {
			if !out.Add(id, scores[i]) {
				break
			}
		}
		return nil
	}}
}

func empty() recsys.Retriever {
	return recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })
}

func TestASoundRetrieverPasses(t *testing.T) {
	retrievaltest.Suite{Empty: empty}.Run(t, func(*testing.T) recsys.Retriever { return sound{} })
	if found := (retrievaltest.Suite{Empty: empty}).Check(func() recsys.Retriever { return sound{} }); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

// Each case must find the fault that it is there for.
func TestEachCaseFindsItsFault(t *testing.T) {
	faults := []struct {
		name string // of the case
		make func() recsys.Retriever
	}{
		{"answers", empty},
		{"answers", func() recsys.Retriever { return retrievaltest.Panicking{} }},
		{"answers", func() recsys.Retriever { return retrievaltest.Erroring{} }},
		{"best-first", func() recsys.Retriever { return retrievaltest.NaN{Every: 2} }},
		{"best-first", func() recsys.Retriever {
			return filling(func(_ *recsys.Query, ids []recsys.ItemID, s []float32) ([]recsys.ItemID, []float32) {
				slices.Reverse(s)
				return ids, s
			})
		}},
		{"ties-by-item", func() recsys.Retriever {
			return filling(func(_ *recsys.Query, ids []recsys.ItemID, s []float32) ([]recsys.ItemID, []float32) {
				if len(ids) > 0 {
					ids[0], ids[1] = ids[1], ids[0]
				}
				return ids, s
			})
		}},
		{"distinct", func() recsys.Retriever { return retrievaltest.Duplicating{} }},
		{"deterministic", func() recsys.Retriever {
			var mu sync.Mutex
			calls := 0
			return filling(func(_ *recsys.Query, ids []recsys.ItemID, s []float32) ([]recsys.ItemID, []float32) {
				mu.Lock()
				defer mu.Unlock()
				calls++
				return ids[:len(ids)*(calls%2)], s
			})
		}},
		{"until-full", func() recsys.Retriever {
			return &faulty{retrieve: func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
				inner := recsys.NewSink(out.Room() / 2)
				sound{}.Retrieve(ctx, q, inner)
				ids, scores := inner.Items()
				for i := range ids {
					out.Add(ids[i], scores[i])
				}
				return nil
			}}
		}},
		{"stops", func() recsys.Retriever {
			return &faulty{retrieve: func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
				ids, scores := sound{}.scores(q)
				for i := range ids {
					out.Add(ids[i], scores[i])
				}
				return nil
			}}
		}},
		{"exclusions-take-no-room", func() recsys.Retriever {
			return &faulty{retrieve: func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
				ids, scores := sound{}.scores(q)
				for i := range min(len(ids), out.Room()) {
					out.Add(ids[i], scores[i])
				}
				return nil
			}}
		}},
		{"unknown", func() recsys.Retriever {
			return &faulty{retrieve: func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
				if len(q.History)+len(q.Items) == 0 {
					return fmt.Errorf("unknown user %d", q.User)
				}
				return sound{}.Retrieve(ctx, q, out)
			}}
		}},
		{"query-is-read-only", func() recsys.Retriever {
			return filling(func(q *recsys.Query, ids []recsys.ItemID, s []float32) ([]recsys.ItemID, []float32) {
				for i := range q.History {
					q.History[i].Value++
				}
				return ids, s
			})
		}},
		{"keeps-nothing", func() recsys.Retriever { return new(remembering) }},
		{"keeps-nothing", func() recsys.Retriever { return new(late) }},
		{"concurrent", func() recsys.Retriever { return new(shared) }},
		{"cancelled", func() recsys.Retriever {
			return &faulty{retrieve: func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
				if ctx.Err() != nil {
					return fmt.Errorf("gave up")
				}
				return sound{}.Retrieve(ctx, q, out)
			}}
		}},
		{"cancelled", func() recsys.Retriever {
			return &faulty{retrieve: func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
				if ctx.Err() != nil {
					return nil // half an answer
				}
				return sound{}.Retrieve(ctx, q, out)
			}}
		}},
		{"scores-items", func() recsys.Retriever {
			return &faulty{score: func(_ *recsys.Query, items []recsys.ItemID, dst []float32) error {
				for i := range items {
					dst[i] = 1
				}
				return nil
			}}
		}},
		{"scores-items", func() recsys.Retriever {
			return &faulty{score: func(q *recsys.Query, items []recsys.ItemID, dst []float32) error {
				ids, scores := sound{}.scores(q)
				for i, id := range items {
					if at := slices.Index(ids, id); at >= 0 {
						dst[i] = scores[at]
					} // an unknown item keeps what dst held
				}
				return nil
			}}
		}},
		{"scores-items", func() recsys.Retriever {
			return &faulty{score: func(q *recsys.Query, items []recsys.ItemID, dst []float32) error {
				sound{}.ScoreItems(t.Context(), q, items, dst)
				slices.Sort(items)
				return nil
			}}
		}},
	}
	covered := []string{"empty-index"}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			covered = append(covered, f.name)
			found := retrievaltest.Suite{}.CheckCase(f.name, f.make())
			require.NotEmpty(t, found, "the case does not find a retriever that breaks its rule")
			require.Equal(t, f.name, found[0].Case)
			require.NotEmpty(t, found[0].Rule)
		})
	}
	require.Subset(t, covered, retrievaltest.CaseNames(), "a case without a fault")
	t.Run("empty-index", func(t *testing.T) {
		s := retrievaltest.Suite{Empty: func() recsys.Retriever { return sound{} }}
		found := s.Check(func() recsys.Retriever { return sound{} })
		require.NotEmpty(t, found)
		require.Equal(t, "empty-index", found[0].Case)
	})
	t.Run("waits", func(t *testing.T) {
		s := retrievaltest.Suite{Waits: true}
		found := s.Check(func() recsys.Retriever { return sound{} })
		require.NotEmpty(t, found)
		require.Equal(t, "cancelled", found[0].Case)
	})
}

// remembering caches answers by the address of the history.
type remembering struct {
	sound
	last   *recsys.Event
	seen   []recsys.ItemID
	scores []float32
}

func (r *remembering) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	if len(q.History) == 0 {
		return r.sound.Retrieve(ctx, q, out)
	}
	if r.last != &q.History[0] {
		r.last = &q.History[0]
		aside := recsys.NewSink(1000)
		r.sound.Retrieve(ctx, q, aside)
		r.seen, r.scores = aside.Items()
	}
	for i, id := range r.seen {
		if !out.Add(id, r.scores[i]) {
			break
		}
	}
	return nil
}

// late adds to the sink of the call before.
type late struct {
	sound
	out *recsys.Sink
}

func (r *late) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	if r.out != nil {
		r.out.Add(999, -1)
	}
	r.out = out
	return r.sound.Retrieve(ctx, q, out)
}

// shared keeps the scores of a call where concurrent calls keep theirs. Its accesses are
// locked, so that the fault is in the answers alone and the race detector has no say.
type shared struct {
	sound
	mu    sync.Mutex
	calls int
}

func (r *shared) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	r.mu.Lock()
	r.calls++
	busy := r.calls > 1
	r.mu.Unlock()
	for range 100 {
		runtime.Gosched() // the others come
	}
	defer func() {
		r.mu.Lock()
		r.calls--
		r.mu.Unlock()
	}()
	if busy {
		return nil
	}
	return r.sound.Retrieve(ctx, q, out)
}

func TestAHangingRetrieverIsFoundAndEndsTheSuite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		found := retrievaltest.Suite{Patience: time.Hour}.Check(func() recsys.Retriever {
			return retrievaltest.Hanging{Release: release}
		})
		close(release)
		require.Len(t, found, 1)
		require.Contains(t, found[0].Detail, "did not return within 1h")
	})
}

func TestASlowRetrieverThatMindsItsContextPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := retrievaltest.Suite{Waits: true}
		found := s.Check(func() recsys.Retriever { return retrievaltest.Slow{Retriever: sound{}, Delay: time.Millisecond} })
		require.Empty(t, found)
	})
}

// rowed reads a column of the request row, and has nothing to say without it.
type rowed struct {
	sound
	at int
}

func (r rowed) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	f, err := s.Float("age")
	return rowed{at: f.Index}, err
}

func (r rowed) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	if age := q.Floats()[r.at]; age == age {
		out.Add(recsys.ItemID(age), 1)
	}
	return nil
}

func TestTheRequestRowReachesABoundRetriever(t *testing.T) {
	s := retrievaltest.Suite{
		Columns: []recsys.Column{{Name: "age", Scope: recsys.PerRequest}},
		Fill:    func(q *recsys.Query, row *recsys.Block) { row.Float[0] = float32(q.User) },
	}
	found := retrievaltest.Suite{}.Check(func() recsys.Retriever { return rowed{} })
	require.NotEmpty(t, found)
	require.Contains(t, found[0].Detail, "cannot be built into a pipeline", "without the column")
	for _, v := range s.Check(func() recsys.Retriever { return rowed{} }) {
		// What it retrieves has nothing to do with the scores that it inherits.
		require.Equal(t, "scores-items", v.Case, v.String())
	}
}
