package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// KNN proposes what the sessions have that are most similar to the request's history; see
// [Config]. It is immutable and safe for concurrent use, and in steady state it allocates
// nothing.
//
// Items of the request's session are proposed like any other, since people go back: see
// Config.Repeat. Those that must not come stand in Request.Exclude.
//
// A request takes time O(items of the session × Sample + items of the neighbours), some tens
// of microseconds, and borrows 8 bytes per session and 16 per item of the model from a pool.
// Memory is 8 bytes per event of training and 16 per session.
//
// The zero KNN is good for ReadFrom alone.
type KNN struct {
	config   Config
	items    itemindex.Index
	sessions sequences // oldest first
	posting  postings
	age      []float32 // by session: what its age leaves of it; nil for all
	idf      []float32 // by item; nil for all 1
	length   []float32 // by number of items: what it makes of a similarity
	distance []float32 // by steps, of Config.Distance
	history  *profile.Reader
	pool     sync.Pool // of *scratch
	version  func() string
}

var (
	_ recsys.Retriever  = (*KNN)(nil)
	_ recsys.ItemScorer = (*KNN)(nil)
	_ recsys.Versioned  = (*KNN)(nil)
)

// TrainKNN returns the model of the sessions that the users of in are: their histories. With
// times, a session is as new as its newest event; without, sessions are in the order of
// their users' ids. The weights of the interactions play no part.
//
// It takes time linear in the events but for sorting. The errors are those of cfg, field by
// field, [retrieval.ErrNoTimes] when HalfLife is set and in has no times, and, when ctx has
// ended, one that wraps its cause.
func TrainKNN(ctx context.Context, in *retrieval.Interactions, cfg Config) (*KNN, error) {
	if in == nil {
		return nil, errors.New("session: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.HalfLife > 0 && !in.HasTimes() && in.NumRecords() > 0 {
		return nil, fmt.Errorf("session: Config.HalfLife is %v: %w", cfg.HalfLife, retrieval.ErrNoTimes)
	}
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	order, times := byTime(in)
	m := &KNN{config: cfg}
	if m.sessions, err = newSequences(ctx, in, order); err != nil {
		return nil, err
	}
	m.age = ages(&cfg, m.sessions.len(), times)
	if err := m.finish(in.Items()); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	return m, nil
}

// byTime returns the users who have events, the one with the oldest newest event first, and
// the times of these events, nil without times.
func byTime(in *retrieval.Interactions) (order []int, times []int64) {
	for u := range in.NumUsers() {
		if in.HistoryLen(u) > 0 {
			order = append(order, u)
		}
	}
	if order == nil {
		order = []int{}
	}
	if !in.HasTimes() {
		return order, nil
	}
	newest := make([]int64, in.NumUsers())
	for _, u := range order {
		newest[u] = slices.Max(in.Times(u))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(newest[a], newest[b]) })
	for _, u := range order {
		times = append(times, newest[u])
	}
	return order, times
}

// ages returns what the age of each of n sessions leaves of it, nil if age does not count.
func ages(cfg *Config, n int, times []int64) []float32 {
	if cfg.HalfLife == 0 && cfg.Recency == 0 {
		return nil
	}
	left := make([]float32, n)
	for s := range left {
		x := 0.0
		if cfg.Recency > 0 {
			x -= float64(n-1-s) / float64(n) / cfg.Recency
		}
		if cfg.HalfLife > 0 { // times ascend, and their difference may be more than an int64 holds
			x -= float64(math.Ln2 * (float64(uint64(times[n-1])-uint64(times[s])) / float64(cfg.HalfLife)))
		}
		left[s] = float32(fmath.Exp(x))
	}
	return left
}

// finish makes what follows from config, sessions, ages and items.
func (m *KNN) finish(items []recsys.ItemID) error {
	var err error
	if m.items, err = itemindex.New(items); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	m.config.History.Kinds = maps.Clone(m.config.History.Kinds) // the caller may change its own
	if m.history, err = profile.New(m.config.History); err != nil {
		return err
	}
	m.posting = newPostings(&m.sessions, len(items))
	longest := 0
	for s := range m.sessions.len() {
		longest = max(longest, len(m.sessions.at(s)))
	}
	m.length = make([]float32, longest+1)
	for n := 1; n <= longest; n++ {
		m.length[n] = float32(fmath.Pow(float64(n), -m.config.Length))
	}
	m.distance = m.config.Distance.table(longest)
	if m.config.IDF > 0 {
		m.idf = make([]float32, len(items))
		for i := range m.idf {
			if df := len(m.posting.of(int32(i))); df > 0 {
				m.idf[i] = float32(1 + float64(m.config.IDF*fmath.Log(float64(m.sessions.len())/float64(df))))
			}
		}
	}
	m.name()
	return nil
}

// name sets the version, which is computed when it is first asked for.
func (m *KNN) name() {
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
}

// postings lists for each item the sessions that have it, newest first, each once.
type postings struct {
	start    []int64
	sessions []int32
}

func newPostings(s *sequences, items int) postings {
	p := postings{start: make([]int64, items+1)}
	last := make([]int32, items) // the session, from 1, that an item was last seen in
	each := func(do func(session, item int32)) {
		clear(last)
		for i := s.len() - 1; i >= 0; i-- {
			for _, item := range s.at(i) {
				if last[item] != int32(i)+1 {
					last[item] = int32(i) + 1
					do(int32(i), item)
				}
			}
		}
	}
	each(func(_, item int32) { p.start[item+1]++ })
	for i := range items {
		p.start[i+1] += p.start[i]
	}
	p.sessions = make([]int32, p.start[items])
	next := append([]int64(nil), p.start[:items]...)
	each(func(session, item int32) {
		p.sessions[next[item]] = session
		next[item]++
	})
	return p
}

func (p *postings) of(item int32) []int32 {
	a, b := p.start[item], p.start[item+1]
	return p.sessions[a:b:b]
}

// Config returns the configuration, defaults filled in. Its map is the model's, not to be
// written to.
func (m *KNN) Config() Config { return m.config }

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *KNN) Version() string { return m.version() }

// Items returns the items that the model knows, ascending. The slice is the model's.
func (m *KNN) Items() []recsys.ItemID { return m.items.IDs() }

// NumSessions returns the number of sessions that the model holds.
func (m *KNN) NumSessions() int { return m.sessions.len() }

// Retrieve adds the items with the highest scores, all of them > 0. Scores are those of
// [Config] divided by their sum: shares that add up to 1 over all items. Without a history,
// the anchors of the request stand in for it; see [retrieval.History].
//
// A history without known items proposes nothing. Retrieve does not look at ctx.
func (m *KNN) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	if out.Room() <= 0 {
		return nil
	}
	s := m.acquire()
	defer m.release(s)
	total := s.run(q)
	n := min(out.Room(), len(s.touched))
	if q.Explain {
		n *= 2 // the pipeline keeps as many again, to tell why not
	}
	if len(q.Allow) == 0 {
		n += len(q.Exclude) // which take no room
	}
	ids := m.items.IDs()
	s.keys = s.keys[:0]
	for _, i := range s.touched {
		if score := share(s.scores[i], total); score > 0 && (len(q.Allow) == 0 || out.Accepts(ids[i])) {
			s.keys = append(s.keys, topk.Key(score, i))
		}
	}
	for _, key := range topk.Best(s.keys, n) {
		if !out.Add(ids[topk.Position(key)], topk.Score(key)) {
			break
		}
	}
	return nil
}

// ScoreItems writes the score of each item for the request, 0 for items that the model does
// not know or that no neighbour has.
func (m *KNN) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	s := m.acquire()
	defer m.release(s)
	total := s.run(q)
	for k, id := range items {
		dst[k] = 0
		if i := m.items.Find(id); i >= 0 {
			dst[k] = share(s.scores[i], total)
		}
	}
	return nil
}

func share(score float32, total float64) float32 {
	if !(score > 0) {
		return 0
	}
	return float32(float64(score) / total)
}
