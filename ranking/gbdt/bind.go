package gbdt

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/internal/place"
)

// binding is where a model's features stand in a table.
type binding struct {
	columns []int32    // by feature: a float column, or ^k for ids[k]
	ids     []idColumn // features that are read from ID columns
	table   place.Columns
}

// idColumn is a categorical feature that stands in an ID column.
type idColumn struct {
	feature int
	column  int  // -1: nothing but missing values
	group   int  // of its missing bits
	kept    bool // the model has a vocabulary; else the ID is the category
	apart   bool // the vocabulary has the ID 0, which a missing row has too
}

// Bind finds the model's features in the schema: a numeric one is a Float column, a categorical
// one with a vocabulary an ID column, one without a Float column with the category as its value, or
// with [Options].IDsAreCategories an ID column, whose ID is then the category. The error wraps a
// [*recsys.ColumnError] for each that is absent or of another kind, and prints features of one trouble in one
// line, with columns that are called almost like them. It names what stands in an ID column without a
// vocabulary, and with [Options].Strict the columns which the model does not read.
func (m *Model) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	b, err := m.bind(s)
	if err != nil {
		return nil, err
	}
	bound := *m
	bound.bound = b
	return &bound, nil
}

func (m *Model) bind(s *recsys.Schema) (*binding, error) {
	if len(m.forests) == 0 {
		return nil, errors.New("gbdt: Model is empty; train or load one")
	}
	var bad troubles
	b := &binding{columns: make([]int32, len(m.features))}
	for j := range m.features {
		if !m.unused && !m.used[j] {
			b.columns[j] = b.nothing()
			continue
		}
		bad.add(m.place(b, s, j, &bad))
	}
	if m.strict {
		bad.add(m.surplus(s))
	}
	return b, bad.joined(s)
}

// nothing returns a column of missing values, for features that no tree reads.
func (b *binding) nothing() int32 {
	for k := range b.ids {
		if b.ids[k].column < 0 {
			return ^int32(k)
		}
	}
	b.ids = append(b.ids, idColumn{column: -1})
	return ^int32(len(b.ids) - 1)
}

// place finds feature j. One in an ID column that must not be there is left to bad, which names them together.
func (m *Model) place(b *binding, s *recsys.Schema, j int, bad *troubles) error {
	f := &m.features[j]
	have, known := s.Field(f.Name)
	if m.vocab[j] != nil || f.Categorical && known && have.Kind == recsys.ID {
		c, err := s.ID(f.Name)
		if err != nil {
			return err
		}
		if m.vocab[j] == nil && !m.areCodes(j) {
			bad.uncoded = append(bad.uncoded, f.Name)
			return nil
		}
		if m.vocab[j] == nil && m.largest(j) >= maxCategory {
			return &UnsupportedError{Format: "gbdt", What: fmt.Sprintf("feature %q in an ID column with categories from %d on; make it a float column", f.Name, maxCategory)}
		}
		b.table.Add(c)
		b.columns[j] = ^int32(len(b.ids))
		b.ids = append(b.ids, idColumn{feature: j, column: c.Index, group: c.Group, kept: m.vocab[j] != nil, apart: m.isApart(j)})
		return nil
	}
	c, err := s.Float(f.Name)
	if err != nil {
		return err
	}
	b.table.Add(c)
	b.columns[j] = int32(c.Index)
	return nil
}

// largest returns the largest category that a tree has in a set for feature j, rounded up to
// a whole word.
func (m *Model) largest(j int) int {
	most := -1
	for i := range m.forests {
		for k := range m.forests[i].Trees {
			for _, n := range m.forests[i].Trees[k].Nodes {
				if int(n.Feature) == j && n.Categorical {
					most = max(most, int(n.Words)*32-1)
				}
			}
		}
	}
	return most
}

// surplus reports the float columns of items that are no feature.
func (m *Model) surplus(s *recsys.Schema) error {
	at := m.positions()
	var names []string
	for _, f := range s.Fields() {
		if _, ok := at[f.Name]; !ok && f.Kind == recsys.Float && f.Scope == recsys.PerItem {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("gbdt: the model does not read the columns %s (Options.Strict)", list(names))
}
