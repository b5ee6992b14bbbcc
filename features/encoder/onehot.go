package encoder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/idtable"
)

// OneHot writes a vector with a 1 at the place of an ID's category and 0 elsewhere. It reads one ID column. Component i is Categories[i]. An ID that is
// none of them gives zeros, or with Other a 1 in a last component; it is counted. A missing ID, which is 0, is such an
// ID unless 0 is a category.
type OneHot struct {
	// Categories are all different. Nil: Fit takes the most frequent ones.
	Categories []uint64 `json:"categories"`
	// Max is the number of components for categories, in 1 to 65,536, at least len(Categories); 0 means len(Categories). It is
	// required for Fit, which leaves components zero when there are fewer categories. IDs of one frequency: the smaller one first.
	Max int `json:"max"`
	// Other adds a last component for all other IDs.
	Other bool `json:"other"`
}

// MultiHot writes a vector with a 1 at the place of each ID of a list, and 0 elsewhere: genres, tags. An ID that comes twice counts
// once. It reads a list, see the package comment: ID columns, in which 0 is an empty place, or one Vector column with
// id+1 in each used place. Component i is Categories[i], or, with Buckets, Bucket(HashIDs(Seed, id), Buckets).
type MultiHot struct {
	// Categories are all different. Nil without Buckets: Fit takes the most frequent ones.
	Categories []uint64 `json:"categories"`
	// Max is the number of components for categories; as for [OneHot].
	Max int `json:"max"`
	// Other adds a last component, 1 if an ID of the list is no category.
	Other bool `json:"other"`

	// Buckets hashes IDs to that many components instead, 1 to 65,536.
	Buckets uint64 `json:"buckets"`
	// Seed chooses the hash function.
	Seed uint64 `json:"seed"`
}

const maxHot = 1 << 16

// planHot checks categories and returns the vector's dimension.
func planHot(categories []uint64, most int, other bool) (int, error) {
	if most < 0 || most > maxHot || len(categories) > maxHot {
		return 0, fmt.Errorf("field Max is %d, for %d categories; want 1 to %d", most, len(categories), maxHot)
	}
	if most == 0 {
		most = len(categories)
	}
	if most == 0 {
		return 0, errors.New("field Categories and Max are not given; want categories, or with Max the number that Fit may take")
	}
	if most < len(categories) {
		return 0, fmt.Errorf("field Max is %d for %d categories; want at least as many", most, len(categories))
	}
	sorted := slices.Sorted(slices.Values(categories))
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return 0, fmt.Errorf("field Categories has %d twice", sorted[i])
		}
	}
	if other {
		most++
	}
	return most, nil
}

func (e OneHot) kind() string   { return "onehot" }
func (e MultiHot) kind() string { return "multihot" }

func (e OneHot) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if err := wantKinds(in, recsys.ID); err != nil {
		return nil, err
	}
	dim, err := planHot(e.Categories, e.Max, e.Other)
	return []recsys.Column{{Name: name, Kind: recsys.Vector, Dim: dim}}, err
}

func (e MultiHot) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if err := planList(in); err != nil {
		return nil, err
	}
	dim := int(min(e.Buckets, maxHot+1))
	switch {
	case e.Buckets > maxHot:
		return nil, fmt.Errorf("field Buckets is %d; want at most %d", e.Buckets, maxHot)
	case e.Buckets > 0 && (e.Categories != nil || e.Max != 0 || e.Other):
		return nil, errors.New("field Buckets stands beside Categories, Max or Other; want one or the other")
	case e.Buckets == 0:
		var err error
		if dim, err = planHot(e.Categories, e.Max, e.Other); err != nil {
			return nil, err
		}
	}
	return []recsys.Column{{Name: name, Kind: recsys.Vector, Dim: dim}}, nil
}

func (e OneHot) sum(h *fingerprint) { h.nums(e.Categories).num(uint64(e.Max)).flag(e.Other) }

func (e MultiHot) sum(h *fingerprint) {
	h.nums(e.Categories).num(uint64(e.Max)).flag(e.Other).num(e.Buckets).num(e.Seed)
}

func (e OneHot) kernel([]recsys.Column) kernel {
	return &oneHotKernel{idtable.New(e.Categories), e.Other}
}

func (e MultiHot) kernel([]recsys.Column) kernel {
	return &multiHotKernel{e, idtable.New(e.Categories)}
}

type oneHotKernel struct {
	table idtable.Table
	other bool
}

func (k *oneHotKernel) run(n int, in, out []lane, t *Counts) {
	a, o := &in[0], &out[0]
	for i := range n {
		to := o.row(i)
		clear(to)
		at := int(k.table.Find(a.u[i*a.stride]))
		if at < 0 {
			t.Unknown++
			if at = len(to) - 1; !k.other {
				continue
			}
		}
		to[at] = 1
	}
}

type multiHotKernel struct {
	MultiHot
	table idtable.Table
}

func (k *multiHotKernel) run(n int, in, out []lane, t *Counts) {
	o, l := &out[0], newList(in)
	for i := range n {
		to := o.row(i)
		clear(to)
		for j := range l.places {
			id, ok := l.id(i, j, t)
			if !ok {
				continue
			}
			if k.Buckets > 0 {
				to[Bucket(hashID(k.Seed, id), k.Buckets)] = 1
				continue
			}
			at := int(k.table.Find(id))
			if at < 0 {
				t.Unknown++
				if at = len(to) - 1; !k.Other {
					continue
				}
			}
			to[at] = 1
		}
	}
}

// maxDistinct bounds the memory of fitting categories.
const maxDistinct = 1 << 22

func (e OneHot) fitter([]recsys.Column, *FitConfig) fitter {
	if e.Categories != nil {
		return nil
	}
	return &categoryFitter{max: e.Max, seen: map[uint64]int64{}, single: true, made: func(c []uint64) Encoder {
		e.Categories = c
		return e
	}}
}

func (e MultiHot) fitter([]recsys.Column, *FitConfig) fitter {
	if e.Categories != nil || e.Buckets > 0 {
		return nil
	}
	return &categoryFitter{max: e.Max, seen: map[uint64]int64{}, made: func(c []uint64) Encoder {
		e.Categories = c
		return e
	}}
}

// categoryFitter counts IDs.
type categoryFitter struct {
	max    int
	seen   map[uint64]int64
	single bool // one ID column, in which 0 is an ID
	lost   bool
	made   func([]uint64) Encoder
}

func (f *categoryFitter) observe(n int, in []lane) {
	if f.single {
		for i := range n {
			f.note(in[0].u[i*in[0].stride])
		}
		return
	}
	l := newList(in)
	for i := range n {
		for j := range l.places {
			if id, ok := l.id(i, j, new(Counts)); ok {
				f.note(id)
			}
		}
	}
}

func (f *categoryFitter) note(id uint64) {
	if _, ok := f.seen[id]; !ok && len(f.seen) >= maxDistinct {
		f.lost = true
		return
	}
	f.seen[id]++
}

func (f *categoryFitter) fit(context.Context) (Encoder, error) {
	if f.lost {
		return nil, fmt.Errorf("more than %d different IDs; give Categories, or hash first", maxDistinct)
	}
	if len(f.seen) == 0 {
		return nil, ErrNoData
	}
	ids := make([]uint64, 0, len(f.seen))
	for id := range f.seen {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uint64) int { return cmp.Or(cmp.Compare(f.seen[b], f.seen[a]), cmp.Compare(a, b)) })
	return f.made(slices.Clone(ids[:min(len(ids), f.max)])), nil
}
