package gbdt

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// apply changes a model as the options say. The error joins all that do not fit.
func (m *Model) apply(o *Options) error {
	var errs []error
	if o.Heads != nil {
		errs = append(errs, counted("Options.Heads", o.Heads, m.heads, "prediction"))
		m.heads = slices.Clone(o.Heads)
	}
	errs = append(errs, m.rename(o.Rename))
	if o.Features != nil {
		errs = append(errs, counted("Options.Features", o.Features, m.names(), "feature"))
		for j := range m.features[:min(len(m.features), len(o.Features))] {
			m.features[j].Name = o.Features[j]
		}
	}
	errs = append(errs, m.categories(o.Categories), m.truncate(o.Rounds))
	if o.IDsAreCategories {
		m.codes = make([]bool, len(m.features))
		for j := range m.codes {
			m.codes[j] = m.features[j].Categorical && m.vocab[j] == nil
		}
	}
	m.missing = append(m.missing, o.Missing...)
	m.strict, m.unused = m.strict || o.Strict, m.unused && !o.SkipUnused
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return m.check()
}

// counted reports the names that are too many, or the ones of the file that have none.
func counted(field string, names, have []string, what string) error {
	switch n := len(have); {
	case len(names) > n:
		return fmt.Errorf("%s: %d names for %d %ss; too many: %s", field, len(names), n, what, list(names[n:]))
	case len(names) < n:
		return fmt.Errorf("%s: %d names for %d %ss; no name for %s", field, len(names), n, what, list(have[len(names):]))
	}
	return nil
}

func (m *Model) rename(names map[string]string) error {
	var absent []string
	at := m.positions()
	for _, old := range slices.Sorted(maps.Keys(names)) {
		if j, ok := at[old]; ok {
			m.features[j].Name = names[old]
		} else {
			absent = append(absent, old)
		}
	}
	if absent != nil {
		return fmt.Errorf("Options.Rename: the file has no feature %s (features: %s)", list(absent), list(slices.Sorted(maps.Keys(at))))
	}
	return nil
}

// positions returns where each feature stands.
func (m *Model) positions() map[string]int {
	at := make(map[string]int, len(m.features))
	for j, f := range m.features {
		at[f.Name] = j
	}
	return at
}

func (m *Model) categories(vocabularies map[string][]uint64) error {
	var errs []error
	at := m.positions()
	for _, name := range slices.Sorted(maps.Keys(vocabularies)) {
		j, ok := at[name]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("Options.Categories: no feature %q (features: %s)", name, list(m.names())))
		case !m.features[j].Categorical:
			errs = append(errs, fmt.Errorf("Options.Categories: feature %q is not categorical", name))
		default:
			m.setVocabulary(j, append([]uint64{}, vocabularies[name]...))
		}
	}
	return errors.Join(errs...)
}

// setVocabulary gives feature j the vocabulary that a file, or the caller, has for it. The other library
// knew a missing value from any category, so a row that is missing is not the category whose ID is 0: unlike in training
// here, where a dataset has the ID 0 for both.
func (m *Model) setVocabulary(j int, ids []uint64) {
	m.vocab[j] = ids
	if m.apart == nil {
		m.apart = make([]bool, len(m.features))
	}
	m.apart[j] = slices.Contains(ids, 0)
}

// isApart tells whether a missing row of feature j is none of its category with the ID 0.
func (m *Model) isApart(j int) bool { return m.apart != nil && m.apart[j] }

// areCodes tells whether the IDs of feature j are its categories.
func (m *Model) areCodes(j int) bool { return m.codes != nil && m.codes[j] }

// truncate drops the trees of all rounds that do not count.
func (m *Model) truncate(rounds int) error {
	for i := range m.forests {
		f, n := m.forests[i].Forest, rounds
		switch {
		case rounds == AllRounds:
			continue
		case rounds == BestRounds:
			if n = f.Best; n == 0 || n > f.Rounds() {
				continue
			}
		case rounds < 0 || rounds > f.Rounds():
			return fmt.Errorf("Options.Rounds is %d; want 0 for all, -1 for the best, or 1 to %d", rounds, f.Rounds())
		}
		f.Trees = f.Trees[:min(n*f.PerRound(), len(f.Trees))]
	}
	return nil
}

// Combine returns a model with the heads of all of models, in their order: a click model and a
// purchase model become one ranker with two heads. Features of one name are one feature; its
// vocabularies must be the same, and so must be what counts as
// missing; its IDs are categories where all say so that have it ([Options].IDsAreCategories). An error names the head or feature that does not fit. The models stay as they are.
func Combine(models ...*Model) (*Model, error) {
	out := &Model{unused: true}
	at := map[string]int{}
	for i, m := range models {
		if len(m.forests) == 0 {
			return nil, fmt.Errorf("gbdt: Combine: model %d is empty", i)
		}
		if i > 0 && !slices.Equal(m.missing, out.missing) {
			return nil, fmt.Errorf("gbdt: Combine: model %d takes %v for missing, the one before it %v", i, m.missing, out.missing)
		}
		for _, v := range m.views {
			k := slices.IndexFunc(out.views, func(w recsys.FeatureView) bool { return w.Name == v.Name })
			if k < 0 {
				out.views = append(out.views, v)
			} else if have := out.views[k].Hash; have != v.Hash {
				return nil, fmt.Errorf("gbdt: Combine: model %d: %w", i, &recsys.ViewError{View: v.Name, Want: have, Have: v.Hash, Reason: "the models were trained on two versions of it"})
			}
		}
		out.missing, out.heads = m.missing, append(out.heads, m.heads...)
		out.strict, out.unused = out.strict || m.strict, out.unused && m.unused
		place, err := out.adopt(m, at)
		if err != nil {
			return nil, fmt.Errorf("gbdt: Combine: %w", err)
		}
		for k := range m.forests {
			out.forests = append(out.forests, forest{Forest: moved(m.forests[k].Forest, place)})
		}
	}
	for i := range out.forests {
		out.forests[i].Features = out.features
	}
	if err := out.check(); err != nil {
		return nil, fmt.Errorf("gbdt: Combine: %w", err)
	}
	out.finish()
	return out, nil
}

// adopt enters the features of other and returns where each of them stands.
func (m *Model) adopt(other *Model, at map[string]int) ([]int32, error) {
	place := make([]int32, len(other.features))
	for j, f := range other.features {
		k, ok := at[f.Name]
		if !ok {
			k = len(m.features)
			at[f.Name] = k
			m.features, m.vocab, m.apart = append(m.features, f), append(m.vocab, other.vocab[j]), append(m.apart, other.isApart(j))
			m.codes = append(m.codes, other.areCodes(j))
		}
		m.codes[k] = m.codes[k] && other.areCodes(j)
		place[j] = int32(k)
		switch have, want := m.vocab[k], other.vocab[j]; {
		case m.features[k].Categorical != f.Categorical:
			return nil, fmt.Errorf("feature %q is categorical in one model and numeric in another", f.Name)
		case !slices.Equal(have, want) || (have == nil) != (want == nil):
			return nil, fmt.Errorf("feature %q has other categories in another model", f.Name)
		case m.apart[k] != other.isApart(j):
			return nil, fmt.Errorf("feature %q: a missing row is the category with the ID 0 in one model, and missing in another", f.Name)
		}
	}
	return place, nil
}

// moved returns f over features that stand at other places.
func moved(f *tree.Forest, place []int32) *tree.Forest {
	g := *f
	g.Trees = slices.Clone(f.Trees)
	for i := range g.Trees {
		t := &g.Trees[i]
		t.Nodes, t.Linear = slices.Clone(t.Nodes), slices.Clone(t.Linear)
		for j := range t.Nodes {
			t.Nodes[j].Feature = place[t.Nodes[j].Feature]
		}
		for j := range t.Linear {
			l := &t.Linear[j]
			l.Features = slices.Clone(l.Features)
			for k := range l.Features {
				l.Features[k] = place[l.Features[k]]
			}
		}
	}
	return &g
}
