package twotower

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// kind and version say what an envelope of a model holds.
const (
	kind    = "twotower"
	version = 1
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// header is the first section.
type header struct {
	Config                     Config
	Epochs                     int
	UserFeatures, ItemFeatures []spec    `json:",omitempty"`
	At                         *position `json:",omitempty"` // of an interrupted training
}

// WriteTo writes the model as a file of kind "twotower", version 1, and returns how many
// bytes dst took. Equal models give equal bytes. A model of an interrupted training takes
// three times the bytes, since it holds what going on takes.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	h := header{Config: m.config, Epochs: m.epochs, UserFeatures: m.userFeatures.specs, ItemFeatures: m.itemFeatures.specs}
	if m.state != nil {
		h.At = &m.state.at
	}
	w.WriteJSON("model", h)
	envelope.Write(w, "users", m.users)
	envelope.Write(w, "items", m.Items())
	envelope.Write(w, "strangers", m.net.strangers)
	envelope.Write(w, "hidden-items", m.net.hidden())
	envelope.Write(w, "item-vectors", m.Vectors().Data)
	envelope.Write(w, "user-numbers", m.userFeatures.values)
	envelope.Write(w, "user-values", m.userFeatures.bucket)
	envelope.Write(w, "user-tower", m.net.userWeights)
	envelope.Write(w, "item-tower", m.net.itemWeights)
	tables, names := m.net.tables()
	for i, t := range tables {
		envelope.Write(w, names[i], t.W)
	}
	if s := m.state; s != nil {
		for _, moment := range s.moments {
			envelope.Write(w, "moment", moment)
		}
		envelope.Write(w, "last", s.last)
		envelope.Write(w, "interval", s.interval)
		envelope.Write(w, "epoch-vectors", s.vectors)
	}
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("twotower: %w", err)
	}
	return n, nil
}

// ReadFrom replaces m, which must not be in use, by the model that src holds, and returns
// how many bytes it read: the model's own and no more. After an error m is as it was. The
// error says whether the file is of another kind, newer than this program, truncated or
// corrupt.
func (m *Model) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	in, err := sections(r)
	if err != nil {
		r.Fail(err.Error())
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("twotower: %w", err)
	}
	*m = *in
	return n, nil
}

// sections reads a model. The error says how its parts contradict each other, that of r what
// else is wrong.
func sections(r *envelope.Reader) (*Model, error) {
	var h header
	r.ReadJSON("model", &h)
	if r.Err() != nil {
		return nil, nil
	}
	cfg, err := h.check()
	if err != nil {
		return nil, err
	}
	users := envelope.Read[recsys.UserID](r, "users")
	items := envelope.Read[recsys.ItemID](r, "items")
	strangers := envelope.Read[int32](r, "strangers")
	hidden := envelope.Read[int32](r, "hidden-items")
	vectors := vector.Matrix{Data: envelope.ReadN[float32](r, "item-vectors", len(items)*cfg.Dim), Rows: len(items), Dim: cfg.Dim, Stride: cfg.Dim}
	userFeatures, itemFeatures := &inputs{specs: h.UserFeatures}, &inputs{specs: h.ItemFeatures}
	userFeatures.layout()
	itemFeatures.layout()
	userFeatures.values = envelope.ReadN[float32](r, "user-numbers", len(users)*userFeatures.dense)
	userFeatures.bucket = envelope.ReadN[int32](r, "user-values", len(users)*userFeatures.cats)
	if r.Err() != nil {
		return nil, nil
	}
	net := newNetwork(&cfg, len(users), items, userFeatures, itemFeatures)
	for _, i := range hidden {
		if i < 0 || int(i) >= len(items) {
			return nil, fmt.Errorf("hidden item %d of %d", i, len(items))
		}
	}
	net.strangers = strangers
	net.hide(hidden)
	net.fill(&cfg, userFeatures, itemFeatures, func(name string, size int) []float32 { return envelope.ReadN[float32](r, name, size) })
	if r.Err() != nil {
		return nil, nil
	}
	net.assemble(&cfg, userFeatures, itemFeatures)
	if !vector.Finite(userFeatures.values) {
		return nil, errors.New("a feature that is not finite")
	}
	for _, b := range userFeatures.bucket {
		if b < -1 || int(b) >= cfg.CategoryBuckets {
			return nil, fmt.Errorf("category %d of %d", b, cfg.CategoryBuckets)
		}
	}
	m, err := newModel(cfg, users, items, net, userFeatures, itemFeatures, vectors)
	if err != nil {
		return nil, err
	}
	m.epochs = h.Epochs
	if h.At != nil {
		if m.state, err = readState(r, *h.At, m); err != nil || r.Err() != nil {
			return nil, err
		}
	}
	return m, nil
}

// check returns the configuration of a file.
func (h *header) check() (Config, error) {
	c := h.Config
	_, err := c.withDefaults()
	switch {
	case err != nil:
		return c, err
	case c.Dim == 0 || c.CategoryDim == 0 || c.CategoryBuckets == 0 || c.Last == 0 || c.Temperature == 0 || c.LearningRate == 0 || c.Batch == 0 || c.Epochs == 0:
		return c, errors.New("a configuration without its defaults")
	case h.Epochs < 0:
		return c, fmt.Errorf("%d epochs", h.Epochs)
	}
	const widest = 1 << 20
	for _, specs := range [][]spec{h.UserFeatures, h.ItemFeatures} {
		width := 0
		for _, s := range specs {
			if s.Kind > recsys.Vector || s.Dim < 0 || (s.Dim > 0) != (s.Kind == recsys.Vector) || s.Dim > widest || s.Mean-s.Mean != 0 || s.Scale-s.Scale != 0 {
				return c, fmt.Errorf("feature %q of kind %d, dimension %d, mean %v and scale %v", s.Name, s.Kind, s.Dim, s.Mean, s.Scale)
			}
			switch s.Kind {
			case recsys.Float:
				width++
			case recsys.Vector:
				width += s.Dim
			default:
				width += c.CategoryDim
			}
			if width > widest {
				return c, errors.New("more features than a tower takes")
			}
		}
	}
	return c, nil
}

// readState reads what going on takes.
func readState(r *envelope.Reader, at position, m *Model) (*state, error) {
	s := &state{at: at}
	if at.Epoch < 0 || at.From < 0 || at.From > at.Epoch || at.Example < 0 || at.Step < 0 || at.Loss-at.Loss != 0 {
		return nil, fmt.Errorf("training at epoch %d, example %d, step %d with loss %v", at.Epoch, at.Example, at.Step, at.Loss)
	}
	tables, _ := m.net.tables()
	sizes := []int{len(m.net.userWeights), len(m.net.itemWeights)}
	for _, t := range tables {
		sizes = append(sizes, len(t.W))
	}
	for _, size := range sizes {
		first := size
		if m.config.Optimizer == AdaGrad {
			first = 0
		}
		s.moments = append(s.moments, envelope.ReadN[float32](r, "moment", first), envelope.ReadN[float32](r, "moment", size))
	}
	n := len(m.Items())
	s.last, s.interval = envelope.ReadN[int32](r, "last", n), envelope.ReadN[float32](r, "interval", n)
	s.vectors = envelope.Read[float32](r, "epoch-vectors")
	if r.Err() != nil {
		return nil, nil
	}
	if len(s.vectors) != 0 && len(s.vectors) != n*m.config.Dim {
		return nil, fmt.Errorf("%d values of vectors of %d items", len(s.vectors), n)
	}
	for _, x := range append(slices.Clone(s.moments), s.interval, s.vectors) {
		if !vector.Finite(x) {
			return nil, errors.New("a moment, interval or vector that is not finite")
		}
	}
	return s, nil
}

// Save writes the model to a file, as [Model.WriteTo] does. An old file is replaced when the
// new one is complete, and stays as it was when something fails.
func (m *Model) Save(path string) error { return envelope.WriteFile(path, m) }

// Load returns the model that a file holds; errors are those of [Model.ReadFrom], with the
// path.
func Load(path string) (*Model, error) {
	m := new(Model)
	if err := envelope.ReadFile(path, m); err != nil {
		return nil, err
	}
	return m, nil
}
