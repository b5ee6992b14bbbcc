package bpr

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
)

// kind and version say what an envelope of a model holds.
const (
	kind    = "bpr"
	version = 1
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// WriteTo writes the model as a file of kind "bpr", version 1, and returns how many bytes dst
// took. Equal models give equal bytes. What is read back can be gone on from like m.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", m.config)
	envelope.WriteValue(w, "epochs", uint32(m.epochs))
	envelope.Write(w, "repeats", m.repeats)
	m.factors.Write(w)
	envelope.Write(w, "user-biases", m.state.userBias)
	envelope.Write(w, "user-squares", m.state.userSquares)
	envelope.Write(w, "item-squares", m.state.itemSquares)
	envelope.Write(w, "bias-squares", m.state.biasSquares)
	envelope.Write(w, "user-bias-squares", m.state.userBiasSquares)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("bpr: %w", err)
	}
	return n, nil
}

// ReadFrom replaces m, which must not be in use, by the model that src holds, and returns
// how many bytes it read: the model's own and no more. After an error m is as it was. The
// error says whether the file is of another kind, newer than this program, truncated or
// corrupt.
func (m *Model) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	var cfg Config
	r.ReadJSON("config", &cfg)
	epochs := envelope.ReadValue[uint32](r, "epochs")
	repeats := envelope.Read[uint16](r, "repeats")
	factors := factor.Read(r)
	s := state{
		userBias:        envelope.Read[float32](r, "user-biases"),
		userSquares:     envelope.Read[float32](r, "user-squares"),
		itemSquares:     envelope.Read[float32](r, "item-squares"),
		biasSquares:     envelope.Read[float32](r, "bias-squares"),
		userBiasSquares: envelope.Read[float32](r, "user-bias-squares"),
	}
	var in *Model
	if r.Err() == nil {
		var err error
		if in, err = assemble(cfg, epochs, repeats, factors, s); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("bpr: %w", err)
	}
	*m = *in
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) }) // of m, not of what it was copied from
	return n, nil
}

// assemble makes a model of the parts of a file, or says how they contradict each other.
func assemble(cfg Config, epochs uint32, repeats []uint16, factors *factor.Model, s state) (*Model, error) {
	whole, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	switch {
	case whole.Factors != cfg.Factors || whole.Epochs != cfg.Epochs || whole.Negatives != cfg.Negatives ||
		whole.LearningRate != cfg.LearningRate || whole.Confidence != cfg.Confidence ||
		whole.Regularization != cfg.Regularization || whole.BiasRegularization != cfg.BiasRegularization:
		return nil, errors.New("a configuration without its defaults")
	case epochs > uint32(cfg.Epochs):
		return nil, fmt.Errorf("%d epochs of %d", epochs, cfg.Epochs)
	case len(repeats) != factors.Items.Len():
		return nil, fmt.Errorf("%d repeats of %d items", len(repeats), factors.Items.Len())
	case factors.Dim() != cfg.width():
		return nil, fmt.Errorf("vectors of %d components; want %d", factors.Dim(), cfg.width())
	}
	total := 0
	for i, n := range repeats {
		if total += int(n); n == 0 {
			return nil, fmt.Errorf("item %d is never drawn", factors.Items.IDs()[i])
		}
	}
	if total > 2*mostPerItem*len(repeats) {
		return nil, fmt.Errorf("%d repeats of %d items", total, len(repeats))
	}
	if err := s.check(newState(len(factors.Users), factors.Items.Len(), cfg.Loss)); err != nil {
		return nil, err
	}
	return newModel(cfg, int(epochs), repeats, factors, s)
}

// arrays returns the arrays of s.
func (s *state) arrays() []*[]float32 {
	return []*[]float32{&s.userBias, &s.userSquares, &s.itemSquares, &s.biasSquares, &s.userBiasSquares}
}

// check says what is wrong with a state that should have the shape of want.
func (s *state) check(want state) error {
	for k, a := range s.arrays() {
		if n := len(*want.arrays()[k]); len(*a) != n {
			return fmt.Errorf("%d values of %d users or items", len(*a), n)
		}
		for _, x := range *a {
			if k > 0 && x < 0 || !(x-x == 0) {
				return fmt.Errorf("a state of %v", x)
			}
		}
	}
	return nil
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
