package als

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Refit returns a model in which the given users and items have the vectors that their
// interactions in give them, and all others stay as they are but for a rotation that
// changes no score. Users and items that m does not know are added. It is what keeps a model
// fresh between two trainings: in must have all interactions of those that are given, and
// need not have any others. Interactions with a user or item that is neither known nor given
// do not count; who has none left gets the vector 0.
//
// The users are solved for first, the items as they are; then the items; and if there are
// any, the users once more, so that they have what folding them in would give. Each is solved
// exactly, whatever Config.Solver.
//
// Beside that it copies the model and takes (3/2) d² multiplications for each user and item
// of it. The errors are those of ctx, which are returned with its cause, and [ErrDiverged].
func (m *Model) Refit(ctx context.Context, in *retrieval.Interactions, users []recsys.UserID, items []recsys.ItemID) (*Model, error) {
	if in == nil {
		return nil, errors.New("als: interactions are nil")
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	r := refit{config: m.config, in: in, workers: newWorkspaces(runtime.GOMAXPROCS(0))}
	r.config.Solver = Exact
	r.users = newGroup(m.factors.Users, m.factors.UserVectors, users)
	r.items = newGroup(m.Items(), m.factors.ItemVectors, items)
	if err := r.run(ctx); err != nil {
		return nil, fmt.Errorf("als: %w", err)
	}
	x, y, err := aligned(ctx, r.workers, r.users.vectors, r.items.vectors, r.users.vectors, r.items.vectors)
	if err != nil {
		return nil, fmt.Errorf("als: %w", err)
	}
	f, err := factor.New(r.users.ids, r.items.ids, x, y)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	return newModel(m.config, f)
}

// refit is the state of Model.Refit.
type refit struct {
	config  Config
	in      *retrieval.Interactions
	users   group[recsys.UserID]
	items   group[recsys.ItemID]
	workers []*workspace
}

// group is one side of a model, and those of it that are solved for.
type group[ID ~uint64] struct {
	ids     []ID // ascending
	vectors vector.Matrix
	given   []ID // ascending
}

func newGroup[ID ~uint64](ids []ID, vectors vector.Matrix, given []ID) group[ID] {
	given = slices.Clone(given)
	slices.Sort(given)
	g := group[ID]{given: slices.Compact(given)}
	g.ids = slices.Concat(ids, g.given)
	slices.Sort(g.ids)
	g.ids = slices.Compact(g.ids)
	g.vectors = vector.NewMatrix(len(g.ids), vectors.Dim)
	for row, id := range ids {
		copy(g.vectors.Row(g.find(id)), vectors.Row(row))
	}
	return g
}

// find returns the row of an ID, -1 for none.
func (g *group[ID]) find(id ID) int {
	if at, ok := slices.BinarySearch(g.ids, id); ok {
		return at
	}
	return -1
}

func (r *refit) run(ctx context.Context) error {
	users := func() error {
		return solveGroup(ctx, r, &r.users, r.in.ByUser(), r.in.UserRow, r.items.vectors, func(i int32) int { return r.items.find(r.in.Items()[i]) }, "user")
	}
	if err := users(); err != nil || len(r.items.given) == 0 {
		return err
	}
	err := solveGroup(ctx, r, &r.items, r.in.ByItem(), r.in.ItemRow, r.users.vectors, func(u int32) int { return r.users.find(r.in.Users()[u]) }, "item")
	if err != nil {
		return err
	}
	return users()
}

// solveGroup solves for the given of g. The other side has the vectors; its row of a column of
// the matrix is what column says, -1 for none.
func solveGroup[ID ~uint64](ctx context.Context, r *refit, g *group[ID], m *retrieval.CSR, rowOf func(ID) (int, bool), other vector.Matrix, column func(int32) int, what string) error {
	if len(g.given) == 0 {
		return nil
	}
	part := &retrieval.CSR{Cols: other.Rows, Start: make([]int64, 1, len(g.given)+1)}
	for _, id := range g.given {
		if row, ok := rowOf(id); ok {
			cols, weights := m.Row(row)
			for k, c := range cols {
				if at := column(c); at >= 0 {
					part.Index, part.Weight = append(part.Index, int32(at)), append(part.Weight, weights[k])
				}
			}
		}
		part.Start = append(part.Start, int64(len(part.Index)))
	}
	cells, err := newCells(part, &r.config)
	if err != nil {
		return err
	}
	sums, err := gram(ctx, r.workers, other)
	if err != nil {
		return err
	}
	h := half{
		workers: r.workers,
		cells:   cells,
		fixed:   newEquations(&r.config, other, sums, false, cells.uniform),
		dst:     vector.NewMatrix(len(g.given), other.Dim),
		name:    func(row int) string { return fmt.Sprintf("%s %d", what, g.given[row]) },
	}
	if _, _, err := h.solve(ctx); err != nil {
		return err
	}
	for row, id := range g.given {
		copy(g.vectors.Row(g.find(id)), h.dst.Row(row))
	}
	return nil
}
