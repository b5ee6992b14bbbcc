package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/idtable"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Model is one or more boosted forests over the same features. Each forest gives one
// head, or one for each class.
//
// [Train] makes one, [Load] reads one from a file, [Combine] puts several together. It is
// immutable and safe for concurrent use. Bind it, by placing it into a pipeline, before Rank.
type Model struct {
	features []tree.Feature // shared by the forests
	vocab    [][]uint64     // by feature: category c is the id vocab[j][c]; nil: none is kept
	apart    []bool         // by feature: vocab has the ID 0, and a missing row is none of it; nil: none is
	codes    []bool         // by feature: an ID is the category, see Options.IDsAreCategories; nil: none is
	heads    []string
	forests  []forest
	missing  []float64 // values that count as missing, besides NaN
	views    []recsys.FeatureView
	strict   bool
	unused   bool // features that no tree reads need a column too

	// What follows from the above; see finish.
	tables  []idtable.Table // of vocab
	used    []bool          // by feature: a tree reads it
	outputs int             // raw scores of a row
	trees   int
	version string
	pool    *scratchPool

	bound *binding // nil until Bind
}

// forest is a forest with its place among the heads and raw scores of the model.
type forest struct {
	*tree.Forest
	engine *engine.Engine
	head   int // the first of its heads
	output int // the first of its raw scores
}

var (
	_ recsys.Ranker                = (*Model)(nil)
	_ recsys.HeadWriter            = (*Model)(nil)
	_ recsys.Versioned             = (*Model)(nil)
	_ recsys.ViewUser              = (*Model)(nil)
	_ recsys.Binder[recsys.Ranker] = (*Model)(nil)
)

// TrainedOn returns the feature views of the data that the model was trained on, nil where they are not known, as of
// models of other libraries. The slice is the model's.
func (m *Model) TrainedOn() []recsys.FeatureView { return m.views }

// Feature is an input of a model.
type Feature struct {
	Name        string
	Categorical bool
	// IDs is the vocabulary of a categorical feature: category c stands for the ID IDs[c]. Nil if
	// the model keeps none, as for most files: then the value is the category.
	IDs []uint64
}

// width returns the number of heads of a forest.
func (f *forest) width() int { return f.Link.Width(f.Outputs) }

// newModel makes a model of forests over the same features, which become the model's. heads has
// a name for each prediction of the forests, in their order.
func newModel(features []Feature, heads []string, forests []*tree.Forest) (*Model, error) {
	m := &Model{heads: heads, unused: true, features: make([]tree.Feature, len(features)), vocab: make([][]uint64, len(features))}
	for j, f := range features {
		m.features[j] = tree.Feature{Name: f.Name, Categorical: f.Categorical}
		m.vocab[j] = f.IDs
	}
	for _, f := range forests {
		if len(f.Features) == len(features) {
			for j := range features {
				if m.features[j].Info == "" {
					m.features[j].Info = f.Features[j].Info
				}
			}
		}
		f.Features = m.features
		m.forests = append(m.forests, forest{Forest: f})
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("gbdt: %w", err)
	}
	m.finish()
	return m, nil
}

// check reports the first thing that is wrong with names, vocabularies and forests.
func (m *Model) check() error {
	if len(m.forests) == 0 {
		return fmt.Errorf("a model without forests")
	}
	heads := 0
	for i := range m.forests {
		if err := m.forests[i].Check(); err != nil {
			return err
		}
		heads += m.forests[i].width()
	}
	if len(m.heads) != heads {
		return fmt.Errorf("%d names of heads (%s) for %d predictions", len(m.heads), list(m.heads), heads)
	}
	if err := unique("head", m.heads); err != nil {
		return err
	}
	if err := unique("feature", m.names()); err != nil {
		return err
	}
	for j, ids := range m.vocab {
		switch name := m.features[j].Name; {
		case m.isApart(j) && !slices.Contains(ids, 0):
			return fmt.Errorf("feature %q tells missing rows from a category with the ID 0, which it does not have", name)
		case ids == nil:
		case !m.features[j].Categorical:
			return fmt.Errorf("feature %q has a vocabulary and is not categorical", name)
		case len(ids) > maxCategory:
			return fmt.Errorf("feature %q has %d categories; want at most %d", name, len(ids), maxCategory)
		default:
			if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
				return fmt.Errorf("feature %q: an id stands twice in its vocabulary", name)
			}
		}
	}
	for _, v := range m.missing {
		if v-v != 0 {
			return fmt.Errorf("%v as a value that is missing; want a finite number (NaN always is)", v)
		}
	}
	return nil
}

func unique(what string, names []string) error {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("%s %d has no name", what, i)
		case seen[name]:
			return fmt.Errorf("%s %q stands twice", what, name)
		}
		seen[name] = true
	}
	return nil
}

// finish computes what follows from the fields, which have passed check.
func (m *Model) finish() {
	m.tables, m.used = make([]idtable.Table, len(m.features)), make([]bool, len(m.features))
	m.outputs, m.trees = 0, 0
	for j, ids := range m.vocab {
		m.tables[j] = idtable.New(ids)
	}
	head := 0
	for i := range m.forests {
		f := &m.forests[i]
		f.head, f.output = head, m.outputs
		head, m.outputs, m.trees = head+f.width(), m.outputs+f.Outputs, m.trees+len(f.Trees)
		f.engine = engine.New(f.Forest, engine.Options{})
		for k := range f.Trees {
			for _, n := range f.Trees[k].Nodes {
				m.used[n.Feature] = true
			}
			for _, l := range f.Trees[k].Linear {
				for _, j := range l.Features {
					m.used[j] = true
				}
			}
		}
	}
	m.version = fmt.Sprintf("gbdt-%016x", m.hash())
	m.pool = new(scratchPool)
}

func (m *Model) names() []string {
	names := make([]string, len(m.features))
	for j := range names {
		names[j] = m.features[j].Name
	}
	return names
}

// Heads returns the names of the heads. The slice is the model's.
func (m *Model) Heads() []string { return m.heads }

// Features returns the inputs, in the order of a row of [Model.PredictRows]. The slice is the
// caller's, vocabularies are the model's.
func (m *Model) Features() []Feature {
	out := make([]Feature, len(m.features))
	for j, f := range m.features {
		out[j] = Feature{Name: f.Name, Categorical: f.Categorical, IDs: m.vocab[j]}
	}
	return out
}

// Columns returns the names of the float columns: of numeric features, and of categorical
// ones without a vocabulary, which may also be ID columns with [Options].IDsAreCategories.
func (m *Model) Columns() []string { return m.named(func(j int) bool { return m.vocab[j] == nil }) }

// IDColumns returns the names of the ID columns: of categorical features with a vocabulary.
func (m *Model) IDColumns() []string { return m.named(func(j int) bool { return m.vocab[j] != nil }) }

func (m *Model) named(keep func(j int) bool) []string {
	var names []string
	for j := range m.features {
		if keep(j) {
			names = append(names, m.features[j].Name)
		}
	}
	return names
}

// Outputs returns the number of raw scores of a row: one for each forest, or one for each of its classes.
func (m *Model) Outputs() int { return m.outputs }

// Trees returns the number of trees, those of all forests.
func (m *Model) Trees() int { return m.trees }

// Rounds returns the number of rounds of the forest with the most.
func (m *Model) Rounds() int {
	n := 0
	for i := range m.forests {
		n = max(n, m.forests[i].Rounds())
	}
	return n
}

// Version returns a hash of all that the model's scores depend on.
func (m *Model) Version() string { return m.version }

// String prints version and size.
func (m *Model) String() string {
	if len(m.forests) == 0 {
		return "empty boosted model"
	}
	return fmt.Sprintf("boosted model %s: %d trees over %d features, heads %s", m.version, m.trees, len(m.features), list(m.heads))
}

// schemaHash identifies the names that the model reads and writes.
func (m *Model) schemaHash() uint64 {
	h := hash.Combine(0, uint64(len(m.features)))
	for j, f := range m.features {
		h = hash.Combine(hash.String(h, f.Name), bit(f.Categorical), bit(m.vocab[j] != nil))
	}
	for _, name := range m.heads {
		h = hash.String(h, name)
	}
	return h
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// hash identifies the model.
func (m *Model) hash() uint64 {
	h := m.schemaHash()
	for _, ids := range m.vocab {
		h = hash.Combine(hash.Combine(h, uint64(len(ids))), ids...)
	}
	for j, apart := range m.apart {
		if apart {
			h = hash.Combine(h, uint64(j))
		}
	}
	h = hashFloats(h, m.missing)
	for i := range m.forests {
		h = hashForest(h, m.forests[i].Forest)
	}
	return h
}

func hashFloats(h uint64, values []float64) uint64 {
	h = hash.Combine(h, uint64(len(values)))
	for _, v := range values {
		h = hash.Combine(h, math.Float64bits(v))
	}
	return h
}

func hashForest(h uint64, f *tree.Forest) uint64 {
	h = hash.Combine(h, uint64(f.Outputs), uint64(f.Link.Kind), math.Float64bits(f.Link.Slope),
		bit(f.Average), bit(f.Float32), uint64(f.PerRound()), uint64(len(f.Trees)))
	h = hashFloats(h, f.Base)
	for i := range f.Trees {
		t := &f.Trees[i]
		h = hash.Combine(h, uint64(t.Output), uint64(len(t.Nodes)), uint64(len(t.Linear)))
		for j := range t.Nodes {
			n := &t.Nodes[j]
			h = hash.Combine(h, math.Float64bits(n.Threshold), uint64(n.Feature)<<32|uint64(nodeFlags(n)),
				uint64(uint32(n.Left))<<32|uint64(uint32(n.Right)))
			if n.Categorical {
				for _, w := range t.Sets[n.Set : n.Set+n.Words] {
					h = hash.Combine(h, uint64(w))
				}
			}
		}
		h = hashFloats(h, t.Leaves)
		for _, l := range t.Linear {
			h = hashFloats(hash.Combine(h, math.Float64bits(l.Const)), l.Coefs)
			for _, j := range l.Features {
				h = hash.Combine(h, uint64(j))
			}
		}
	}
	return h
}

// list prints names for an error: at most a dozen.
func list(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
