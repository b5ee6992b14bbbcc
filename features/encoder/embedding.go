package encoder

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// Unknown says what stands for an ID that a [Table] does not have.
type Unknown uint8

// The policies. An unknown ID is counted under each.
const (
	// UnknownZero gives zeros; in a pool the ID is left out.
	UnknownZero Unknown = iota
	// UnknownMean gives the mean of the table's rows.
	UnknownMean
	// UnknownRow gives the row of another ID, UnknownID: one that was trained for this.
	UnknownRow
)

// String returns "zero", "mean" or "row".
func (u Unknown) String() string {
	switch u {
	case UnknownZero:
		return "zero"
	case UnknownMean:
		return "mean"
	case UnknownRow:
		return "row"
	}
	return fmt.Sprintf("Unknown(%d)", uint8(u))
}

// Embedding writes the vector that a table has for an ID. It reads one ID column, in which no value is special.
type Embedding struct {
	// Table has the vectors; required.
	Table *Table `json:"-"`
	// Unknown is what stands for an ID that the table does not have.
	Unknown Unknown `json:"unknown"`
	// UnknownID is the ID whose row that is, with UnknownRow.
	UnknownID uint64 `json:"unknown_id"`
}

// Pool is how the vectors of a list become one.
type Pool uint8

// The pools. An empty list gives zeros.
const (
	PoolMean Pool = iota // Σ w v / Σ w, the weights w being 1 unless Weighted
	PoolSum              // Σ w v
	PoolMax              // the greatest value of each component
)

// String returns "mean", "sum" or "max".
func (p Pool) String() string {
	switch p {
	case PoolMean:
		return "mean"
	case PoolSum:
		return "sum"
	case PoolMax:
		return "max"
	}
	return fmt.Sprintf("Pool(%d)", uint8(p))
}

// Pooling writes one vector for a list of IDs from the vectors that a table has for them: the mean of the last items of a
// user, the sum of a query's words. It reads a list, see the package comment: ID columns, in which 0 is an empty
// place, or one Vector column with id+1 in each used place.
//
// Sums are in float32, place by place. An ID that comes twice counts twice. What is too large for a float32 is clipped and counted; where a sum
// ran over in both directions there is 0.
type Pooling struct {
	// Table has the vectors; required.
	Table *Table `json:"-"`
	// Pool is PoolMean, PoolSum or PoolMax.
	Pool Pool `json:"pool"`
	// Weighted reads a weight for each place, behind the list: as many Float columns as it has ID columns, or a second
	// Vector column of its dimension. A weight that is not a finite number > 0 leaves its place out, and is counted: in NaN, Inf, or, when it is
	// negative, in Clipped. Not for PoolMax.
	Weighted bool `json:"weighted"`
	// Unknown is what stands for an ID that the table does not have.
	Unknown Unknown `json:"unknown"`
	// UnknownID is the ID whose row that is, with UnknownRow.
	UnknownID uint64 `json:"unknown_id"`
}

// planTable checks the table and the policy of both encoders.
func planTable(t *Table, u Unknown, id uint64) error {
	switch {
	case t == nil || t.dim == 0:
		return errors.New("field Table is nil; want a table made by NewTable or ReadTable")
	case u > UnknownRow:
		return fmt.Errorf("field Unknown is %d; want UnknownZero, UnknownMean or UnknownRow", u)
	case u == UnknownRow && t.Row(id) == nil:
		return fmt.Errorf("field UnknownID is %d, which the table does not have", id)
	}
	return nil
}

// stand returns the row that stands for an unknown ID, nil for zeros.
func (t *Table) stand(u Unknown, id uint64) []float32 {
	switch u {
	case UnknownMean:
		return t.mean
	case UnknownRow:
		return t.Row(id)
	}
	return nil
}

func (e Embedding) kind() string { return "embedding" }
func (e Pooling) kind() string   { return "pooling" }

func (e Embedding) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if err := errors.Join(wantKinds(in, recsys.ID), planTable(e.Table, e.Unknown, e.UnknownID)); err != nil {
		return nil, err
	}
	return []recsys.Column{{Name: name, Kind: recsys.Vector, Dim: e.Table.dim}}, nil
}

func (e Pooling) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if err := planTable(e.Table, e.Unknown, e.UnknownID); err != nil {
		return nil, err
	}
	if e.Pool > PoolMax {
		return nil, fmt.Errorf("field Pool is %d; want PoolMean, PoolSum or PoolMax", e.Pool)
	}
	places := in
	if e.Weighted {
		if e.Pool == PoolMax {
			return nil, errors.New("field Weighted has no meaning for PoolMax")
		}
		if len(in)%2 != 0 {
			return nil, fmt.Errorf("reads %d columns; Weighted wants a weight for each place", len(in))
		}
		places = in[:len(in)/2]
		if err := planWeights(places, in[len(in)/2:]); err != nil {
			return nil, err
		}
	}
	if err := planList(places); err != nil {
		return nil, err
	}
	return []recsys.Column{{Name: name, Kind: recsys.Vector, Dim: e.Table.dim}}, nil
}

func planWeights(places, weights []recsys.Column) error {
	var errs []error
	for i := range weights {
		want := recsys.Float
		if places[i].Kind == recsys.Vector {
			want = recsys.Vector
		}
		if weights[i].Kind != want {
			errs = append(errs, wrongKind(&weights[i], want))
		} else if weights[i].Dim != places[i].Dim {
			errs = append(errs, fmt.Errorf("the weights %q have dimension %d, the list has %d", weights[i].Name, weights[i].Dim, places[i].Dim))
		}
	}
	return errors.Join(errs...)
}

func (e Embedding) fitter([]recsys.Column, *FitConfig) fitter { return nil }
func (e Pooling) fitter([]recsys.Column, *FitConfig) fitter   { return nil }

func (e Embedding) sum(h *fingerprint) { h.num(e.Table.hash).num(uint64(e.Unknown)).num(e.UnknownID) }

func (e Pooling) sum(h *fingerprint) {
	h.num(e.Table.hash).num(uint64(e.Pool)).flag(e.Weighted).num(uint64(e.Unknown)).num(e.UnknownID)
}

func (e Embedding) kernel([]recsys.Column) kernel {
	return &embeddingKernel{e.Table, e.Table.stand(e.Unknown, e.UnknownID)}
}

func (e Pooling) kernel([]recsys.Column) kernel {
	return &poolKernel{e, e.Table.stand(e.Unknown, e.UnknownID)}
}

type embeddingKernel struct {
	table *Table
	stand []float32
}

func (k *embeddingKernel) run(n int, in, out []lane, t *Counts) {
	a, o := &in[0], &out[0]
	for i := range n {
		row := k.table.Row(a.u[i*a.stride])
		if row == nil {
			t.Unknown++
			row = k.stand
		}
		if to := o.row(i); row != nil {
			copy(to, row)
		} else {
			clear(to)
		}
	}
}

type poolKernel struct {
	Pooling
	stand []float32
}

func (k *poolKernel) run(n int, in, out []lane, t *Counts) {
	o := &out[0]
	var weights []lane
	if k.Weighted {
		in, weights = in[:len(in)/2], in[len(in)/2:]
	}
	l := newList(in)
	for i := range n {
		to := o.row(i)
		clear(to)
		used, total := 0, float32(0)
		for j := range l.places {
			id, ok := l.id(i, j, t)
			if !ok {
				continue
			}
			w := float32(1)
			if weights != nil {
				if w, ok = l.weight(weights, i, j, t); !ok {
					continue
				}
			}
			row := k.Table.Row(id)
			if row == nil {
				t.Unknown++
				if row = k.stand; row == nil {
					continue
				}
			}
			k.add(to, row, w, used == 0)
			used, total = used+1, total+w
		}
		if k.Pool == PoolMean && used > 0 {
			for j := range to {
				to[j] /= total
			}
		}
		k.bound(to, t)
	}
}

// bound brings back what became too large for a float32.
func (k *poolKernel) bound(to []float32, t *Counts) {
	for j, v := range to {
		if v-v == 0 {
			continue
		}
		t.Clipped++
		switch {
		case v > 0:
			to[j] = math.MaxFloat32
		case v < 0:
			to[j] = -math.MaxFloat32
		default:
			to[j] = 0
		}
	}
}

func (k *poolKernel) add(to, row []float32, w float32, first bool) {
	switch {
	case k.Pool != PoolMax:
		for j, v := range row {
			to[j] += float32(w * v)
		}
	case first:
		copy(to, row)
	default:
		for j, v := range row {
			to[j] = max(to[j], v)
		}
	}
}

// weight returns the weight of place j of row i, and whether it counts.
func (l *list) weight(weights []lane, i, j int, t *Counts) (float32, bool) {
	var w float32
	if l.vector {
		w = weights[0].f[i*weights[0].stride+j]
	} else {
		w = weights[j].f[i*weights[j].stride]
	}
	switch {
	case w != w:
		t.NaN++
	case isInf(w):
		t.Inf++
	case w < 0:
		t.Clipped++
	case w > 0:
		return w, true
	}
	return 0, false
}
