package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The kinds of randomness of a world, each a stream of its own, so that all variants live in the same world: same users, same
// arrivals, and the same answer of a user to an item at a place in a round.
const (
	streamUsers = iota + 1
	streamItems
	streamDrift
	streamLikes
	streamLooks
)

// hidden is the length of the vectors that no feature shows.
const hidden = 4

// settings are the parameters of a world and of the study in it.
type settings struct {
	Users, Items, Topics int // Items: at the start
	Arrivals             int // items that arrive in each round
	Rounds, Warmup       int // Rounds: after the warm-up
	Slate                int
	Drift                float64 // standard deviation of the change of a taste in a round, of 1
	Bias                 float64 // a user looks at place k, from 1, with probability k^-Bias
	Window               int     // rounds that exposure is counted over
	Memory               int     // rounds that the recommender is trained on

	Temperature float64 // of the explorer, in log odds
	Depth       int     // rows that the explorer chooses from
	Damp        float64 // log odds that a popular item loses, for each unit of log(1 + clicks)
	Floor       float64 // propensities are clipped at this part of their median
}

// world is what the simulation knows and the recommender does not.
type world struct {
	settings
	seed   uint64
	items  []item
	looks  []float64 // by place
	rounds []round
}

type item struct {
	topic   int
	arrived int // it is there from the round after this one; -1: from the start
	quality float64
	hidden  [hidden]float64
}

// round is what is true in one round: how much each user would like each item that is there.
type round struct {
	items  int         // that have arrived: items 0 to items-1
	liked  [][]float32 // user × item: the probability that a user who looks likes the item
	wanted [][]int32   // by user: his best items
}

// wantedItems is how many best items of a user his hidden taste is.
const wantedItems = 20

// taste is what a user likes.
type taste struct {
	topics []float64
	hidden [hidden]float64
}

// newWorld draws the whole course of a world: it does not depend on what is shown.
func newWorld(s settings, seed uint64) *world {
	w := &world{settings: s, seed: seed, looks: looksOf(s)}
	r := rand.New(rand.NewPCG(seed, streamItems))
	for n := range s.Items + (s.Warmup+s.Rounds)*s.Arrivals {
		it := item{topic: r.IntN(s.Topics), quality: r.NormFloat64()}
		if n >= s.Items {
			it.arrived = (n - s.Items) / s.Arrivals
		} else {
			it.arrived = -1
		}
		for d := range it.hidden {
			it.hidden[d] = r.NormFloat64()
		}
		w.items = append(w.items, it)
	}
	users := make([]taste, s.Users)
	r = rand.New(rand.NewPCG(seed, streamUsers))
	for u := range users {
		users[u].topics = make([]float64, s.Topics)
		users[u].each(func(v *float64) { *v = r.NormFloat64() })
	}
	r = rand.New(rand.NewPCG(seed, streamDrift))
	keep := math.Sqrt(1 - s.Drift*s.Drift) // so that tastes are as strong in the end as at the start
	for n := range s.Warmup + s.Rounds {
		for u := range users {
			users[u].each(func(v *float64) { *v = keep**v + s.Drift*r.NormFloat64() })
		}
		w.rounds = append(w.rounds, w.at(n, users))
	}
	return w
}

// looksOf returns the probability that a user looks at each place.
func looksOf(s settings) (looks []float64) {
	for k := range s.Slate {
		looks = append(looks, math.Pow(float64(k+1), -s.Bias))
	}
	return looks
}

func (t *taste) each(f func(v *float64)) {
	for i := range t.topics {
		f(&t.topics[i])
	}
	for i := range t.hidden {
		f(&t.hidden[i])
	}
}

// at returns the truth of round n.
func (w *world) at(n int, users []taste) round {
	r := round{items: w.Items + n*w.Arrivals}
	for u := range users {
		liked := make([]float32, r.items)
		for i := range liked {
			liked[i] = float32(users[u].likes(&w.items[i]))
		}
		r.liked = append(r.liked, liked)
		r.wanted = append(r.wanted, best(liked, wantedItems))
	}
	return r
}

// likes is the probability that the user likes the item: it depends on its topic, on what no feature shows, and on its quality. An
// item drawn by chance has odds of e^-3, about one in twenty; standard deviations are 1.5, 1 and 0.5 in log odds.
func (t *taste) likes(it *item) float64 {
	fit := 0.0
	for d, v := range it.hidden {
		fit += v * t.hidden[d] / math.Sqrt(hidden)
	}
	return sigmoid(-3 + 1.5*t.topics[it.topic] + fit + 0.5*it.quality)
}

// best returns the n items of the highest probability, ties by number.
func best(liked []float32, n int) []int32 {
	order := make([]int32, len(liked))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(liked[b], liked[a]), cmp.Compare(a, b)) })
	return slices.Clone(order[:min(n, len(order))])
}

// clicks draws whether the user looks at a place in a round and likes what is there.
func (w *world) clicks(n, user, item, place int) bool {
	return w.draw(streamLooks, n, user, place) < w.looks[place] && w.draw(streamLikes, n, user, item) < float64(w.rounds[n].liked[user][item])
}

// draw returns a uniform number that is a function of the world's seed and of what it is asked for.
func (w *world) draw(stream, n, user, at int) float64 {
	x := w.seed
	for _, part := range [...]int{stream, n, user, at} {
		x += uint64(part) + 0x9e3779b97f4a7c15 // SplitMix64
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}

// worth is the number of clicks to expect of a slate.
func (w *world) worth(n, user int, slate []int32) (sum float64) {
	for k, i := range slate {
		sum += w.looks[k] * float64(w.rounds[n].liked[user][i])
	}
	return sum
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
