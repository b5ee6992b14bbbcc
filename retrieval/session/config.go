package session

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of the nearest neighbours of a session. The zero value has
// reciprocal weights of position, match and distance, and nothing else. The published methods
// are what [SKNN], [VSKNN] and [STAN] return, [Combined] is better than each where it was
// tried, and all can be changed field by field.
//
// A session in training, a neighbour, has the similarity
//
//	Σ_i Position(s_i) w_i / |neighbour|^Length × age
//
// to the one of a request: the sum is over the items i that both have, s_i is the number of
// events after the last event of i in the request's session, w_i what [retrieval.History]
// makes of that event, age what HalfLife and Recency make of the neighbour's, and |neighbour|
// its number of events. An item j that the neighbour has then gets
//
//	similarity × Match(s) × Distance(d) × (1 - Forward, if before) × (1 + IDF ln(sessions / sessions with j)) × (1 + Repeat, if again)
//
// where s is the s_i of the last item i that both have, d is how many events of the neighbour
// are between i and j, before says that j comes before i there, and again that the request's
// session has j too. What the Neighbors most similar sessions give adds up.
type Config struct {
	// Neighbors is the number of sessions that propose, >= 0; 0 means 100.
	Neighbors int

	// Sample is the number of sessions, the newest of those that share an item, that the
	// neighbours are chosen from, >= 0; 0 means 1000.
	Sample int

	// Position is how much an item of the request's session counts by the number of events
	// after it.
	Position Decay

	// Length is the power of the number of items of a neighbour that divides its
	// similarity, in [0, 1]: 0.5 is the cosine.
	Length float64

	// Match is how much a neighbour counts by the number of events after the last item
	// that it shares with the request's session.
	Match Decay

	// Distance is how much an item of a neighbour counts by the number of events between
	// it and the last shared item, less one: 1 for those beside it.
	Distance Decay

	// Forward is by how much less an item counts that the neighbour has before the last
	// shared item, in [0, 1]: 1 is what came after alone.
	Forward float64

	// HalfLife is the age at which a neighbour counts half; 0 means that age does not
	// count. Ages are measured from the newest session of training; it takes interactions
	// with times.
	HalfLife time.Duration `json:",omitempty"`

	// Recency makes a neighbour count exp(-age / Recency), >= 0, where its age is the
	// share of all sessions that are newer, from 0 to 1; 0 means that age does not count.
	Recency float64 `json:",omitempty"`

	// IDF is how much more an item counts the fewer sessions have it, >= 0 and finite.
	IDF float64 `json:",omitempty"`

	// Repeat is by how much more an item counts that the request's session has, >= -1 and
	// finite; -1 means that those are not proposed.
	Repeat float64 `json:",omitempty"`

	// History says which events of a request are its session and how much more or less
	// each counts.
	History retrieval.History `json:",omitzero"`
}

// SKNN returns the session-based nearest neighbours: cosine similarity of sets.
//
// Source: Jannach and Ludewig, RecSys 2017, section 3; S-KNN in Ludewig and Jannach, UMUAI
// 2018, section 3.2: 100 to 500 neighbours of the 500 to 1000 newest.
func SKNN() Config {
	return Config{Position: constant, Length: 0.5, Match: constant, Distance: constant}
}

// VSKNN returns the vector multiplication session-based nearest neighbours: what happened
// last counts more, in the similarity and in what a neighbour may say.
//
// Source: V-SKNN in Ludewig and Jannach, UMUAI 2018, section 3.2: linear weights of the items of
// the session; the reciprocal of the position of the last shared item.
func VSKNN() Config {
	return Config{Position: Decay{Form: Proportional}, Match: Decay{Form: Reciprocal}, Distance: constant}
}

// STAN returns the sequence and time aware neighbourhood.
//
// Source: Garg, Gupta, Malhotra, Vig and Shroff, SIGIR 2019, equations 1 to 4: λ1 is the Scale
// of Position, λ2 HalfLife / ln 2, or without times Recency, λ3 the Scale of Distance. Where the paper's distance of an item from the last shared one is d, the steps here are
// d - 1: all scores are larger by the same factor.
func STAN() Config {
	return Config{
		Position: Decay{Form: Exponential, Scale: 2},
		Length:   0.5,
		Match:    constant,
		Distance: Decay{Form: Exponential, Scale: 2},
		Recency:  0.5,
	}
}

// Combined returns the weights of V-SKNN and STAN together, with items that are rare or come
// again counting more.
//
// The values are those that a search of 40 trials found on the newest tenth of the training
// sessions of Diginetica (examples/seq -model stan -tune 40), rounded. There they reach
// a hit rate at 20 of 0.537 and a reciprocal rank of 0.190 on the test sessions, STAN as
// published 0.515 and 0.184, V-SKNN 0.512 and 0.181.
func Combined() Config {
	return Config{
		Neighbors: 200,
		Sample:    500,
		Position:  Decay{Form: Proportional},
		Length:    0.1,
		Match:     Decay{Form: Exponential, Scale: 1.9},
		Distance:  Decay{Form: Exponential, Scale: 7},
		Forward:   0.2,
		Recency:   1,
		IDF:       0.85,
		Repeat:    2.8,
	}
}

var constant = Decay{Form: Constant}

// withDefaults returns c with its zero values replaced, or an error that names every field
// out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("session: Config."+format, args...))
	}
	if c.Neighbors < 0 {
		bad("Neighbors is %d; want >= 0 (0 means 100)", c.Neighbors)
	}
	if c.Sample < 0 {
		bad("Sample is %d; want >= 0 (0 means 1000)", c.Sample)
	}
	errs = append(errs, c.Position.validate("Config.Position", true), c.Match.validate("Config.Match", true),
		c.Distance.validate("Config.Distance", false))
	if !(c.Length >= 0 && c.Length <= 1) {
		bad("Length is %v; want a number in [0, 1]", c.Length)
	}
	if !(c.Forward >= 0 && c.Forward <= 1) {
		bad("Forward is %v; want a number in [0, 1]", c.Forward)
	}
	if c.HalfLife < 0 {
		bad("HalfLife is %v; want >= 0 (0 means that age does not count)", c.HalfLife)
	}
	if !(c.Recency >= 0 && c.Recency <= math.MaxFloat32) {
		bad("Recency is %v; want a finite number >= 0 (0 means that age does not count)", c.Recency)
	}
	if !(c.IDF >= 0 && c.IDF <= math.MaxFloat32) {
		bad("IDF is %v; want a finite number >= 0", c.IDF)
	}
	if !(c.Repeat >= -1 && c.Repeat <= math.MaxFloat32) {
		bad("Repeat is %v; want a finite number >= -1", c.Repeat)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Neighbors == 0 {
		c.Neighbors = 100
	}
	if c.Sample == 0 {
		c.Sample = 1000
	}
	return c, errors.Join(errs...)
}
