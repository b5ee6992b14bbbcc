package als

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
	kind    = "als"
	version = 1
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// header is the part of a file that is JSON.
type header struct {
	Config Config
	Custom bool `json:",omitempty"` // trained with a Config.Confidence
}

// WriteTo writes the model as a file of kind "als", version 1, and returns how many bytes
// dst took. Equal models give equal bytes.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", header{m.config, m.config.Confidence != nil || m.curve == nil})
	m.factors.Write(w)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("als: %w", err)
	}
	return n, nil
}

// ReadFrom replaces m, which must not be in use, by the model that src holds, and returns
// how many bytes it read: the model's own and no more. After an error m is as it was. The
// error says whether the file is of another kind, newer than this program, truncated or
// corrupt.
func (m *Model) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	var h header
	r.ReadJSON("config", &h)
	f := factor.Read(r)
	var in *Model
	if f != nil {
		var err error
		if in, err = assemble(h, f); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("als: %w", err)
	}
	*m = *in
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) }) // of m, not of what it was copied from
	return n, nil
}

// assemble makes a model of the parts of a file, or says how they contradict each other.
func assemble(h header, f *factor.Model) (*Model, error) {
	was := h.Config
	asked := was
	asked.Epochs = min(was.Epochs, maxEpochs) // many trainings, each from the last, add up to more
	cfg, err := asked.withDefaults()
	if err != nil {
		return nil, err
	}
	if was.Epochs > maxEpochs {
		cfg.Epochs = was.Epochs
	}
	switch {
	case was.Factors != cfg.Factors || was.Regularization != cfg.Regularization || was.Exponent != cfg.Exponent ||
		was.Unobserved != cfg.Unobserved || was.Epochs != cfg.Epochs || was.Steps != cfg.Steps || was.Block != cfg.Block:
		return nil, errors.New("a configuration without its defaults")
	case f.Dim() != cfg.Factors:
		return nil, fmt.Errorf("vectors of %d components; want %d", f.Dim(), cfg.Factors)
	}
	m, err := newModel(cfg, f)
	if err == nil && h.Custom {
		m.curve = nil
	}
	return m, err
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
