package session

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
)

// kind and version say what an envelope of a KNN holds.
const (
	kind    = "session"
	version = 1
)

var (
	_ io.WriterTo   = (*KNN)(nil)
	_ io.ReaderFrom = (*KNN)(nil)
)

// WriteTo writes the model as a file of kind "session", version 1, and returns how many
// bytes dst took. Equal models give equal bytes.
func (m *KNN) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", m.config)
	envelope.Write(w, "items", m.Items())
	envelope.Write(w, "start", m.sessions.start)
	envelope.Write(w, "events", m.sessions.items)
	envelope.Write(w, "age", m.age)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("session: %w", err)
	}
	return n, nil
}

// ReadFrom replaces m, which must not be in use, by the model that src holds, and returns
// how many bytes it read: the model's own and no more. After an error m is as it was. The
// error says whether the file is of another kind, newer than this program, truncated or
// corrupt.
func (m *KNN) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	in := new(KNN)
	r.ReadJSON("config", &in.config)
	items := envelope.Read[recsys.ItemID](r, "items")
	in.sessions.start = envelope.Read[int64](r, "start")
	in.sessions.items = envelope.Read[int32](r, "events")
	in.age = envelope.Read[float32](r, "age")
	if r.Err() == nil {
		if err := in.assemble(items); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("session: %w", err)
	}
	m.take(in)
	return n, nil
}

// take makes m what in is.
func (m *KNN) take(in *KNN) {
	m.config, m.items, m.sessions, m.posting = in.config, in.items, in.sessions, in.posting
	m.age, m.idf, m.length, m.distance, m.history = in.age, in.idf, in.length, in.distance, in.history
	m.pool = sync.Pool{} // its memory is of other sizes
	m.name()
}

// assemble completes a model of the parts of a file, or says how they contradict each other.
func (m *KNN) assemble(items []recsys.ItemID) error {
	var err error
	if m.config, err = m.config.withDefaults(); err != nil {
		return err
	}
	if err := m.sessions.check(len(items)); err != nil {
		return err
	}
	switch aged := m.config.HalfLife > 0 || m.config.Recency > 0; {
	case !aged && len(m.age) > 0:
		return errors.New("ages without HalfLife and Recency")
	case !aged:
		m.age = nil
	case len(m.age) != m.sessions.len():
		return fmt.Errorf("%d ages of %d sessions", len(m.age), m.sessions.len())
	}
	for s, x := range m.age {
		if !(x >= 0 && x <= 1) {
			return fmt.Errorf("age of session %d leaves %v; want a number in [0, 1]", s, x)
		}
	}
	return m.finish(items)
}

// Save writes the model to a file, as [KNN.WriteTo] does. An old file is replaced when the
// new one is complete, and stays as it was when something fails.
func (m *KNN) Save(path string) error { return envelope.WriteFile(path, m) }

// Load returns the model that a file holds; errors are those of [KNN.ReadFrom], with the
// path.
func Load(path string) (*KNN, error) {
	m := new(KNN)
	if err := envelope.ReadFile(path, m); err != nil {
		return nil, err
	}
	return m, nil
}
