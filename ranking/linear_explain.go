package ranking

import (
	"cmp"
	"fmt"
	"slices"
)

// Coefficient is what a [Linear] learned of a float column for one head.
type Coefficient struct {
	Column string
	// Weight is the change of the log odds per standard deviation of the column.
	Weight float64
	// Mean and Scale are the column's mean and standard deviation in training; a
	// constant column has scale 1 and weight 0. Weight/Scale is the change per unit.
	Mean, Scale float64
	// Missing is what a missing value adds to the log odds.
	Missing float64
}

// Importance says how much a column moves the log odds of a head.
type Importance struct {
	Column string
	// Value is the standard deviation of what the column adds over the training rows.
	Value float64
}

func (m *Linear) head(name string) (int, error) {
	h := slices.Index(m.heads, name)
	if h < 0 {
		return 0, fmt.Errorf("ranking: linear: no head %q (heads: %s)", name, list(m.heads))
	}
	return h, nil
}

// Intercept returns the log odds of a row whose columns are all at their mean and
// whose IDs are unknown. The error lists the heads when there is no such head.
func (m *Linear) Intercept(head string) (float64, error) {
	h, err := m.head(head)
	if err != nil {
		return 0, err
	}
	return m.bias[h], nil
}

// Coefficients returns the coefficients of the float columns, in the order of
// [Linear.Columns]. The error lists the heads when there is no such head.
func (m *Linear) Coefficients(head string) ([]Coefficient, error) {
	h, err := m.head(head)
	if err != nil {
		return nil, err
	}
	d := len(m.columns)
	out := make([]Coefficient, d)
	for j, name := range m.columns {
		out[j] = Coefficient{Column: name, Weight: m.weights[h*d+j], Mean: m.mean[j], Scale: m.scale[j]}
		if len(m.absent) > 0 {
			out[j].Missing = m.absent[h*d+j]
		}
	}
	return out, nil
}

// IDWeight returns what an ID of an ID column adds to the log odds: 0 when the ID
// was not learned. The error lists what there is when there is no such head or column.
func (m *Linear) IDWeight(head, column string, id uint64) (float64, error) {
	h, err := m.head(head)
	if err != nil {
		return 0, err
	}
	k := slices.Index(m.idColumns, column)
	if k < 0 {
		return 0, fmt.Errorf("ranking: linear: no id column %q (id columns: %s)", column, list(m.idColumns))
	}
	return m.idWeight(h, k, id), nil
}

func (m *Linear) idWeight(h, k int, id uint64) float64 {
	at := m.tables[k].Find(id)
	if at < 0 {
		return 0
	}
	return float64(m.idWeights[(m.firsts[k]+int(at))*len(m.heads)+h])
}

// Importance returns all columns, float and ID ones, the most important first,
// equal ones by name. The error lists the heads when there is no such head.
func (m *Linear) Importance(head string) ([]Importance, error) {
	h, err := m.head(head)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(m.columns, m.idColumns)
	out := make([]Importance, len(names))
	for j, name := range names {
		out[j] = Importance{name, m.importance[h*len(names)+j]}
	}
	slices.SortFunc(out, func(a, b Importance) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Column, b.Column))
	})
	return out, nil
}

// Contributions appends to dst what each column of one row adds to the log odds of
// the head: the float columns, in the order of [Linear.Columns], then the ID
// columns. Together with the intercept they are the log odds, so they say why the
// row got its score. floats and ids hold the row in these orders; NaN is a missing value.
func (m *Linear) Contributions(dst []float64, head string, floats []float32, ids []uint64) ([]float64, error) {
	h, err := m.head(head)
	if err != nil {
		return dst, err
	}
	if len(floats) != len(m.columns) || len(ids) != len(m.idColumns) {
		return dst, fmt.Errorf("ranking: linear: row has %d floats and %d ids; want %d and %d", len(floats), len(ids), len(m.columns), len(m.idColumns))
	}
	for j, v := range floats {
		dst = append(dst, m.adds(h*len(m.columns)+j, j, v))
	}
	for k, id := range ids {
		dst = append(dst, m.idWeight(h, k, id))
	}
	return dst, nil
}
