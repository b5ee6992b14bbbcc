package sasrec

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
)

// sequences are runs of items in time order, as rows of the vectors. In training an item is
// what comes in, and the next one what should have come out.
type sequences struct {
	items []int32
	start []int32 // of sequence i: items[start[i]:start[i+1]]
}

func (s *sequences) len() int { return len(s.start) - 1 }

func (s *sequences) at(i int) []int32 { return s.items[s.start[i]:s.start[i+1]] }

// events returns how many items of sequence i have one before them.
func (s *sequences) events(i int) int { return int(s.start[i+1]-s.start[i]) - 1 }

// add adds a user's items. What is longer than a request can be is cut, from the newest back,
// into pieces that overlap by one item, so that every item but the first is learned once.
func (s *sequences) add(items []int32, length int) {
	for end := len(items); end > 1; end -= length {
		s.items = append(s.items, items[max(0, end-length-1):end]...)
		s.start = append(s.start, int32(len(s.items)))
	}
}

// heldOut is an event that validation ranks: what came before it is before, and the item
// target.
type heldOut struct {
	before []int32
	target int32
}

// mostHeldOut bounds from how many users events are held out, and how many of them a
// validation ranks.
const mostHeldOut = 4096

// prepare cuts the histories into sequences to learn and events to validate with.
func prepare(in *retrieval.Interactions, cfg *Config, share float64) (*sequences, []heldOut) {
	learn := &sequences{start: []int32{0}}
	var held []heldOut
	users := holders(in, cfg, share)
	for u := range in.NumUsers() {
		items := in.AppendItemRows(nil, u)
		switch {
		case !users[u]:
		case cfg.Holdout == LastEvents:
			n := len(items) - 1
			held = append(held, heldOut{newest(items[:n], cfg.Length), items[n]})
			items = items[:n]
		default:
			for n := 1; n < len(items); n++ {
				held = append(held, heldOut{newest(items[:n], cfg.Length), items[n]})
			}
			items = nil
		}
		learn.add(items, cfg.Length)
	}
	return learn, spreadOut(held, mostHeldOut)
}

func newest(items []int32, n int) []int32 { return items[max(0, len(items)-n):] }

// spreadOut returns n of the events, evenly spread, or all if there are fewer.
func spreadOut(held []heldOut, n int) []heldOut {
	if len(held) <= n {
		return held
	}
	for i := range n {
		held[i] = held[i*len(held)/n]
	}
	return held[:n]
}

// holders says from which users validation holds out.
func holders(in *retrieval.Interactions, cfg *Config, share float64) []bool {
	holds := make([]bool, in.NumUsers())
	var able []int
	for u := range holds {
		if n := in.HistoryLen(u); n >= 3 || cfg.Holdout == LastSequences && n == 2 {
			able = append(able, u)
		}
	}
	if share <= 0 {
		return holds
	}
	if cfg.Holdout == LastEvents {
		rng := rand.New(rand.NewPCG(cfg.Seed, 0x686f6c64))
		rng.Shuffle(len(able), func(i, j int) { able[i], able[j] = able[j], able[i] })
	} else if in.HasTimes() {
		last := make([]int64, in.NumUsers())
		for _, u := range able {
			last[u] = slices.Max(in.Times(u))
		}
		slices.SortStableFunc(able, func(a, b int) int { return cmp.Compare(last[a], last[b]) })
	}
	n := min(int(float64(share*float64(len(able)))), mostHeldOut)
	for _, u := range able[len(able)-n:] {
		holds[u] = true
	}
	return holds
}

// batches returns the sequences in a random order, cut into batches of about size events.
func (s *sequences) batches(size int, rng *rand.Rand) [][]int32 {
	order := make([]int32, s.len())
	for i := range order {
		order[i] = int32(i)
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var cut [][]int32
	from, events := 0, 0
	for i, at := range order {
		events += s.events(int(at))
		if events >= size || i == len(order)-1 {
			cut = append(cut, order[from:i+1])
			from, events = i+1, 0
		}
	}
	return cut
}
