package retrievaltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// versions is how many vectors an item has in turn.
const versions = 3

// universe is what concurrent writers take their items and vectors from.
type universe struct {
	items   []recsys.ItemID
	vectors [versions]vector.Matrix
	stored  [versions]*Exact // of all items, with one version of the vectors
}

func newUniverse(m retrieval.Metric, n, dim int) *universe {
	u := new(universe)
	for v := range u.vectors {
		c := newCatalogue(uint64(90+v), n, dim)
		u.items = newCatalogue(90, n, dim).items
		u.vectors[v] = c.vectors
		var err error
		if u.stored[v], err = NewExact(m, u.items, c.vectors); err != nil {
			panic(err)
		}
	}
	return u
}

// legal says what is wrong with an answer that may be of any moment.
func (u *universe) legal(got []retrieval.Neighbor, q []float32, k int, opt retrieval.SearchOptions) error {
	if len(got) > k {
		return fmt.Errorf("%d neighbours for k = %d", len(got), k)
	}
	if err := ordered(got); err != nil {
		return err
	}
	for _, n := range got {
		if !passes(n.Item, &opt) {
			return fmt.Errorf("item %d does not pass the options", n.Item)
		}
		match := false
		for _, x := range u.stored {
			var s [1]float32
			if err := x.Score(s[:], q, []recsys.ItemID{n.Item}); err != nil {
				return err
			}
			match = match || math.Float32bits(s[0]) == math.Float32bits(n.Score)
		}
		if !match {
			return fmt.Errorf("item %d has score %v, which none of its vectors gives", n.Item, n.Score)
		}
	}
	return nil
}

// whole says what is wrong with the vectors of an index at any moment.
func (u *universe) whole(ix retrieval.Index) error {
	for _, item := range u.items {
		got, ok := ix.Vector(nil, item)
		match := !ok
		for _, x := range u.stored {
			want, _ := x.Vector(nil, item)
			match = match || slices.Equal(got, want)
		}
		if !match {
			return fmt.Errorf("item %d has a vector that it never had: %v", item, got)
		}
	}
	return nil
}

func concurrentChanges(p *indexProbe) {
	for _, m := range p.metrics() {
		p.concurrentChanges(m)
	}
}

func (p *indexProbe) concurrentChanges(m retrieval.Metric) {
	const n, dim, writers, searchers, changes = 240, 24, 2, 3, 400
	u := newUniverse(m, n, dim)
	built, err := p.build(m, slices.Clone(u.items[:n/2]), vector.From(slices.Clone(u.vectors[0].Data[:n/2*dim]), dim), 2)
	ix, ok := built.(retrieval.MutableIndex)
	if err != nil || !ok {
		p.fail("%v: %v, or no retrieval.MutableIndex", m, err)
		return
	}
	p.closes = append(p.closes, ix)
	var (
		writing, others sync.WaitGroup
		over            atomic.Bool
		errs            = make(chan error, 100)
		final           [n]int // version of an item, -1: deleted
		saved           []byte
	)
	report := func(err error) {
		select {
		case errs <- err:
		default:
		}
	}
	guarded := func(f func()) func() {
		return func() {
			defer func() {
				if v := recover(); v != nil {
					report(fmt.Errorf("panicked: %v", v))
				}
			}()
			f()
		}
	}
	for w := range writers {
		writing.Go(guarded(func() { u.write(ix, w, writers, changes, &final, report) }))
	}
	odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
	for s := range searchers {
		others.Go(guarded(func() { u.search(ix, uint64(s), odd, &over, report) }))
	}
	if w, ok := ix.(io.WriterTo); ok {
		others.Go(guarded(func() {
			for !over.Load() {
				var b bytes.Buffer
				if _, err := w.WriteTo(&b); err != nil {
					report(fmt.Errorf("WriteTo: %w", err))
				}
				saved = b.Bytes()
			}
		}))
	}
	writing.Wait()
	over.Store(true)
	others.Wait()
	close(errs)
	for err := range errs {
		p.fail("%v, during changes: %v", m, err)
	}
	p.settled(m, ix, u, &final)
	if p.Read != nil && saved != nil {
		p.legalFile(saved, u)
	}
}

// write makes changes to the items of one writer.
func (u *universe) write(ix retrieval.MutableIndex, w, writers, changes int, final *[240]int, report func(error)) {
	rng := rand.New(rand.NewPCG(uint64(w), 5))
	for i := w; i < len(u.items); i += writers {
		final[i] = 0
		if i >= len(u.items)/2 {
			final[i] = -1
		}
	}
	for range changes {
		i := rng.IntN(len(u.items)/writers)*writers + w
		item, v := u.items[i], rng.IntN(versions)
		var err error
		switch {
		case final[i] < 0:
			err = ix.Insert(item, u.vectors[v].Row(i))
		case rng.IntN(2) == 0:
			err = ix.Update(item, u.vectors[v].Row(i))
		default:
			err, v = ix.Delete(item), -1
		}
		if err != nil {
			report(err)
			return
		}
		if final[i] = v; v >= 0 {
			want, _ := u.stored[v].Vector(nil, item)
			if got, ok := ix.Vector(nil, item); !ok || !slices.Equal(got, want) {
				report(fmt.Errorf("item %d right after it was written: %v, %v; want %v", item, got, ok, want))
				return
			}
		}
	}
}

// search searches until over.
func (u *universe) search(ix retrieval.Index, seed uint64, odd *retrieval.Filter, over *atomic.Bool, report func(error)) {
	rng := rand.New(rand.NewPCG(seed, 6))
	options := []retrieval.SearchOptions{{}, {Filter: odd}, {Allow: u.items[20:180]}, {Exclude: u.items[:100]}, {Filter: odd, Exclude: u.items[50:90]}}
	var dst []retrieval.Neighbor
	for turn := 0; !over.Load() || turn < 20; turn++ {
		q, opt := u.vectors[rng.IntN(versions)].Row(rng.IntN(len(u.items))), options[turn%len(options)]
		var err error
		if dst, err = ix.Search(dst[:0], q, 10, opt); err == nil {
			err = u.legal(dst, q, 10, opt)
		}
		if err == nil && turn%8 == 0 {
			err = u.whole(ix)
		}
		if err != nil {
			report(err)
			return
		}
	}
}

// settled compares the index with what the writers left.
func (p *indexProbe) settled(m retrieval.Metric, ix retrieval.Index, u *universe, final *[240]int) {
	oracle, err := NewExact(m, nil, vector.Matrix{Dim: ix.Dim()})
	for i, v := range final {
		if v >= 0 {
			err = errors.Join(err, oracle.Insert(u.items[i], u.vectors[v].Row(i)))
		}
	}
	if err != nil {
		panic(err)
	}
	queries := make([][]float32, manyQueries)
	for i := range queries {
		queries[i] = u.vectors[0].Row(i)
	}
	for _, k := range []int{10, 500} {
		p.compare("after concurrent changes", ix, oracle, queries, k, retrieval.SearchOptions{})
	}
	if ix.Len() != oracle.Len() {
		p.fail("%v, after concurrent changes: Len is %d; want %d", m, ix.Len(), oracle.Len())
	}
}

// legalFile checks what was written in the midst of changes.
func (p *indexProbe) legalFile(saved []byte, u *universe) {
	ix, err := p.Read(bytes.NewReader(saved))
	if err != nil {
		p.fail("what was written during changes cannot be read: %v", err)
		return
	}
	p.closes = append(p.closes, ix)
	q := u.vectors[0].Row(0)
	all, err := ix.Search(nil, q, len(u.items), retrieval.SearchOptions{})
	if err == nil {
		err = errors.Join(u.legal(all, q, len(u.items), retrieval.SearchOptions{}), u.whole(ix))
	}
	if err == nil && len(all) != ix.Len() {
		err = fmt.Errorf("%d of %d items are found", len(all), ix.Len())
	}
	if err != nil {
		p.fail("what was written during changes: %v", err)
	}
}
