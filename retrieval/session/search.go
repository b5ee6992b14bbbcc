package session

import (
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// scratch is the memory of one call. What is indexed by item or session is all zero between
// calls.
type scratch struct {
	*KNN
	session  []event
	events   int       // that count in the request
	step     []int32   // by item: 1 + the events after its last one in the request; 0 for none
	shared   []float32 // by session: the sum over the items shared
	sessions []int32   // with shared != 0
	scores   []float32 // by item
	touched  []int32   // items with scores != 0
	said     []float32 // by item: what the neighbour at hand says
	keys     []uint64
}

// event is an item of the request's session.
type event struct {
	item   int32
	weight float32
}

func (m *KNN) acquire() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	n := m.items.Len()
	return &scratch{
		KNN: m, step: make([]int32, n), shared: make([]float32, m.sessions.len()),
		scores: make([]float32, n), said: make([]float32, n),
	}
}

func (m *KNN) release(s *scratch) {
	for _, i := range s.touched {
		s.scores[i] = 0
	}
	s.touched = s.touched[:0]
	m.pool.Put(s)
}

// run scores the items and returns the sum of the scores.
func (s *scratch) run(q *recsys.Query) float64 {
	s.read(q)
	for _, key := range s.neighbors() {
		n := int32(len(s.shared)-1) - topk.Position(key)
		s.hear(n, topk.Score(key))
	}
	total := 0.0
	for _, i := range s.touched {
		x := s.scores[i]
		if s.idf != nil {
			x = min(x*s.idf[i], math.MaxFloat32)
		}
		if s.step[i] > 0 {
			x *= float32(1 + s.config.Repeat)
		}
		x = min(x, math.MaxFloat32)
		s.scores[i] = x
		total += float64(x)
	}
	for _, e := range s.session {
		s.step[e.item] = 0
	}
	return total
}

// read finds the session of the request: its items, each once, with the weight of its last
// event.
func (s *scratch) read(q *recsys.Query) {
	s.session = s.session[:0]
	steps := 0
	add := func(id recsys.ItemID, weight float32) {
		if i := s.items.Find(id); i >= 0 && s.step[i] == 0 {
			s.step[i] = int32(steps) + 1
			s.session = append(s.session, event{i, weight})
		}
		steps++
	}
	if !s.history.Anchored(q) {
		s.history.Each(q, add)
	}
	if len(s.session) == 0 {
		steps = 0
		for k := len(q.Items) - 1; k >= 0; k-- {
			add(q.Items[k], 1)
		}
	}
	s.events = steps
	for k := range s.session {
		e := &s.session[k]
		e.weight *= float32(s.config.Position.at(int(s.step[e.item])-1, steps))
	}
}

// neighbors returns the most similar sessions, best first, as keys of their similarity and
// the number of sessions after them: of equal ones the newer is first.
func (s *scratch) neighbors() []uint64 {
	sample := s.config.Sample
	s.sessions = s.sessions[:0]
	for _, e := range s.session {
		if e.weight == 0 {
			continue
		}
		// A session among the newest of all is among the newest of every item that it has.
		list := s.posting.of(e.item)
		for _, n := range list[:min(sample, len(list))] {
			if s.shared[n] == 0 {
				s.sessions = append(s.sessions, n)
			}
			s.shared[n] = min(s.shared[n]+e.weight, math.MaxFloat32)
		}
	}
	last := int32(len(s.shared) - 1)
	if len(s.sessions) > sample {
		s.keys = s.keys[:0]
		for _, n := range s.sessions {
			s.keys = append(s.keys, uint64(last-n)<<32|uint64(math.Float32bits(s.shared[n])))
			s.shared[n] = 0
		}
		newest := topk.Best(s.keys, sample)
		s.sessions = s.sessions[:0]
		for _, key := range newest {
			n := last - int32(key>>32)
			s.sessions = append(s.sessions, n)
			s.shared[n] = math.Float32frombits(uint32(key))
		}
	}
	s.keys = s.keys[:0]
	for _, n := range s.sessions {
		similarity := s.shared[n] * s.length[len(s.KNN.sessions.at(int(n)))]
		s.shared[n] = 0
		if s.age != nil {
			similarity *= s.age[n]
		}
		if similarity > 0 {
			s.keys = append(s.keys, topk.Key(similarity, last-n))
		}
	}
	return topk.Best(s.keys, s.config.Neighbors)
}

// hear adds what a neighbour says.
func (s *scratch) hear(n int32, similarity float32) {
	items := s.KNN.sessions.at(int(n))
	match, step := -1, int32(math.MaxInt32) // the last shared item
	for k, i := range items {
		if at := s.step[i]; at > 0 && at <= step {
			match, step = k, at
		}
	}
	if match < 0 {
		return
	}
	similarity *= float32(s.config.Match.at(int(step)-1, s.events))
	for k, i := range items { // an item that stands twice says what it says loudest
		d, x := k-match, similarity
		if d < 0 {
			d, x = -d, x*float32(1-s.config.Forward)
		}
		x *= s.distance[max(d-1, 0)]
		s.said[i] = max(s.said[i], x)
	}
	for _, i := range items {
		if x := s.said[i]; x > 0 {
			if s.scores[i] == 0 {
				s.touched = append(s.touched, i)
			}
			s.scores[i] = min(s.scores[i]+x, math.MaxFloat32)
			s.said[i] = 0
		}
	}
}
