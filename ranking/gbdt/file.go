package gbdt

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/lightgbm"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

const (
	fileKindName = "gbdt"
	fileVersion  = 1
)

// What can be wrong with a file of ours; the errors of Load, Read and ReadFrom wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // a file of ours, but no boosted model
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// Save writes the model to the file path, whole or not at all. It keeps all that [Options] changed.
func (m *Model) Save(path string) error {
	err := envelope.Save(path, func(w io.Writer) error {
		_, err := m.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("gbdt: %w", err)
	}
	return nil
}

// fileHead is the part of a file that people read.
type fileHead struct {
	Features   []fileFeature `json:"features"`
	Forests    []fileForest  `json:"forests"`
	Missing    []float64     `json:"missing,omitempty"`
	Strict     bool          `json:"strict,omitempty"`
	SkipUnused bool          `json:"skip_unused,omitempty"`

	Views []recsys.FeatureView `json:"views,omitempty"`
}

type fileFeature struct {
	Categorical bool   `json:"categorical,omitempty"`
	Vocabulary  *int   `json:"vocabulary,omitempty"` // its size; nil: none
	Apart       bool   `json:"missing_apart,omitempty"`
	Codes       bool   `json:"ids_are_categories,omitempty"`
	Info        string `json:"info,omitempty"`
}

type fileForest struct {
	Outputs   int           `json:"outputs"`
	Trees     int           `json:"trees"`
	Base      []float64     `json:"base,omitempty"`
	Link      tree.LinkKind `json:"link"`
	Slope     float64       `json:"slope,omitempty"`
	Average   bool          `json:"average,omitempty"`
	Float32   bool          `json:"float32,omitempty"`
	Objective string        `json:"objective,omitempty"`
	Parallel  int           `json:"parallel,omitempty"`
	Best      int           `json:"best,omitempty"`
}

// WriteTo writes the model to w and returns the number of bytes.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	e := envelope.NewWriter(w, fileKindName, fileVersion, m.schemaHash())
	head := fileHead{Missing: m.missing, Strict: m.strict, SkipUnused: !m.unused, Views: m.views}
	var ids []uint64
	for j, f := range m.features {
		x := fileFeature{Categorical: f.Categorical, Apart: m.isApart(j), Codes: m.areCodes(j), Info: f.Info}
		if m.vocab[j] != nil {
			size := len(m.vocab[j])
			x.Vocabulary, ids = &size, append(ids, m.vocab[j]...)
		}
		head.Features = append(head.Features, x)
	}
	var b treeArrays
	for i := range m.forests {
		f := m.forests[i].Forest
		head.Forests = append(head.Forests, fileForest{
			Outputs: f.Outputs, Trees: len(f.Trees), Base: f.Base, Link: f.Link.Kind, Slope: f.Link.Slope,
			Average: f.Average, Float32: f.Float32, Objective: f.Objective, Parallel: f.Parallel, Best: f.Best,
		})
		for k := range f.Trees {
			b.add(&f.Trees[k])
		}
	}
	e.WriteStrings("features", m.names())
	e.WriteStrings("heads", m.heads)
	e.WriteJSON("model", head)
	envelope.Write(e, "vocabularies", ids)
	b.write(e)
	return e.Close()
}

// ReadFrom makes m the model that r holds, a file of [Model.Save], and returns the number of bytes read. It must
// not run while m is in use. On an error m stays as it was; the error wraps [ErrKind], [ErrNewer],
// [ErrTruncated], [ErrCorrupt] or r's error. Memory grows with the bytes that r holds, whatever they say.
func (m *Model) ReadFrom(r io.Reader) (int64, error) {
	var in Model
	n, err := in.decode(r)
	if err != nil {
		return n, fmt.Errorf("gbdt: %w", err)
	}
	in.finish()
	*m = in
	return n, nil
}

// decode is ReadFrom without what finish computes.
func (m *Model) decode(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, fileKindName, fileVersion)
	names := e.ReadStrings("features")
	m.heads = e.ReadStrings("heads")
	var head fileHead
	e.ReadJSON("model", &head)
	ids := envelope.Read[uint64](e, "vocabularies")
	var b treeArrays
	b.read(e)
	if e.Err() == nil {
		if err := m.assemble(names, &head, ids, &b); err != nil {
			e.Fail(err.Error())
		} else if e.Schema() != m.schemaHash() {
			e.Fail("the names are not those of the header")
		}
	}
	return e.Close()
}

// assemble makes the model of the parts of a file.
func (m *Model) assemble(names []string, head *fileHead, ids []uint64, b *treeArrays) error {
	if len(names) != len(head.Features) {
		return fmt.Errorf("%d names for %d features", len(names), len(head.Features))
	}
	m.features, m.vocab = make([]tree.Feature, len(names)), make([][]uint64, len(names))
	m.apart, m.codes = make([]bool, len(names)), make([]bool, len(names))
	for j, x := range head.Features {
		m.features[j] = tree.Feature{Name: names[j], Categorical: x.Categorical, Info: x.Info}
		m.codes[j] = x.Codes
		if m.apart[j] = x.Apart; x.Vocabulary == nil {
			continue
		}
		n := *x.Vocabulary
		if n < 0 || n > len(ids) {
			return fmt.Errorf("feature %q has %d categories of %d", names[j], n, len(ids))
		}
		m.vocab[j], ids = ids[:n:n], ids[n:]
	}
	if len(ids) > 0 {
		return fmt.Errorf("%d ids of no feature", len(ids))
	}
	m.views = head.Views
	m.missing, m.strict, m.unused = head.Missing, head.Strict, !head.SkipUnused
	for _, x := range head.Forests {
		f := &tree.Forest{
			Features: m.features, Outputs: x.Outputs, Base: x.Base, Link: tree.Link{Kind: x.Link, Slope: x.Slope},
			Average: x.Average, Float32: x.Float32, Objective: x.Objective, Parallel: x.Parallel, Best: x.Best,
		}
		if x.Outputs < 1 || x.Parallel < 0 || x.Outputs > 1<<20 || x.Parallel > 1<<20 {
			return fmt.Errorf("a forest of %d outputs with %d trees for each in a round", x.Outputs, x.Parallel)
		}
		var err error
		if f.Trees, err = b.take(x.Trees); err != nil {
			return err
		}
		m.forests = append(m.forests, forest{Forest: f})
	}
	if err := b.rest(); err != nil {
		return err
	}
	return m.check()
}

// WriteLightGBM writes the forest that gives the head as a LightGBM text model, version 4, which
// LightGBM reads and which predicts the same; of several classes all. The trees name the categories of a
// feature with a vocabulary by their numbers; if all categorical features have one, the IDs stand behind the
// trees, as LightGBM's Python package leaves the categories of a data frame there. Read has them with
// [Options].Pandas, and then gives the same scores from the same columns; the package wants columns of dtype
// category with IDs as their values. The error lists the heads when there is no such head, or
// is an [*UnsupportedError] for what the format cannot say: sums in float32 (models of XGBoost),
// values that count as missing, a feature name with a space.
func (m *Model) WriteLightGBM(w io.Writer, head string) error {
	f, _, err := m.head(head)
	if err != nil {
		return err
	}
	if len(m.missing) > 0 {
		return &UnsupportedError{Format: "LightGBM text", What: fmt.Sprintf("writing a model that takes %v for missing", m.missing)}
	}
	var b bytes.Buffer // a file that breaks off in the middle would be read as a smaller model
	if err := lightgbm.Write(&b, f.Forest, m.categoryIDs()); err != nil {
		return fmt.Errorf("gbdt: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// categoryIDs returns the vocabularies of the categorical features, nil if one of them has none.
func (m *Model) categoryIDs() []lightgbm.Vocabulary {
	var all []lightgbm.Vocabulary
	for j, f := range m.features {
		switch {
		case !f.Categorical:
		case m.vocab[j] == nil:
			return nil
		default:
			all = append(all, lightgbm.Vocabulary{Feature: j, IDs: m.vocab[j], MissingIsZero: !m.isApart(j) && slices.Contains(m.vocab[j], 0)})
		}
	}
	return all
}

// head returns the forest that gives a head, and which of its predictions it is.
func (m *Model) head(name string) (*forest, int, error) {
	for i := range m.forests {
		f := &m.forests[i]
		for k, h := range m.heads[f.head : f.head+f.width()] {
			if h == name {
				return f, k, nil
			}
		}
	}
	return nil, 0, fmt.Errorf("gbdt: no head %q (heads: %s)", name, list(m.heads))
}
