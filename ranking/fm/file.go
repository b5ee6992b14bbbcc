package fm

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking"
)

const (
	fileKind    = "fm"
	fileVersion = 1
)

// What can be wrong with a model file; the errors of Load and ReadFrom wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a model file, or one of another kind
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// Save writes the model to the file path, whole or not at all.
func (m *Model) Save(path string) error {
	if err := envelope.WriteFile(path, m); err != nil {
		return fmt.Errorf("fm: %w", err)
	}
	return nil
}

// Load reads a model from a file that [Model.Save] wrote. Its error names the file and wraps
// ErrKind, ErrNewer, ErrTruncated or ErrCorrupt, or what the operating system reported. The
// model is not bound.
func Load(path string) (*Model, error) {
	m := new(Model)
	if err := envelope.ReadFile(path, m); err != nil {
		return nil, fmt.Errorf("fm: %w", err)
	}
	return m, nil
}

// shape is what a file says of the sizes of its arrays.
type shape struct {
	Kind      string  `json:"kind"`
	Loss      string  `json:"loss"`
	Factors   int     `json:"factors"`
	HashBits  int     `json:"hash_bits"`
	Seed      uint64  `json:"seed,string"`
	Optimizer string  `json:"optimizer,omitempty"` // empty: the model is not resumable
	Rate      float64 `json:"rate,omitempty"`
	L1        float64 `json:"l1,omitempty"`
	L2        float64 `json:"l2,omitempty"`
	Beta      float64 `json:"beta,omitempty"`
}

// WriteTo writes the model to w and returns the number of bytes.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	e := envelope.NewWriter(w, fileKind, fileVersion, m.schemaHash())
	s := shape{Kind: m.kind.String(), Loss: m.loss.String(), Factors: m.Factors(), HashBits: m.bits, Seed: m.seed}
	if o := m.optimizer; m.Resumable() {
		s.Optimizer, s.Rate, s.L1, s.L2, s.Beta = o.Optimizer.String(), o.Rate, o.L1, o.L2, o.Beta
	}
	e.WriteJSON("shape", s)
	e.WriteStrings("columns", m.columns)
	e.WriteStrings("id_columns", m.idColumns)
	e.WriteStrings("heads", m.heads)
	envelope.Write(e, "mean", m.mean)
	envelope.Write(e, "scale", m.scale)
	counts := make([]uint64, len(m.ids))
	for k, ids := range m.ids {
		counts[k] = uint64(len(ids))
	}
	envelope.Write(e, "id_counts", counts)
	envelope.Write(e, "ids", slices.Concat(m.ids...))
	for i := range m.tables {
		writeTable(e, &m.tables[i])
	}
	envelope.Write(e, "steps", m.steps)
	for i := range m.learned {
		writeTable(e, &m.learned[i])
	}
	return e.Close()
}

func writeTable(e *envelope.Writer, t *table) {
	linear, factors, _ := t.arrays()
	envelope.Write(e, "intercept", t.bias)
	envelope.Write(e, "weights", linear)
	envelope.Write(e, "factors", factors)
}

// ReadFrom makes m the model that r holds, and returns the number of bytes read. It must not
// run while m is in use. On an error m stays as it was; the error wraps ErrKind, ErrNewer,
// ErrTruncated, ErrCorrupt or r's error. Memory grows with the bytes that r holds,
// whatever they say.
func (m *Model) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, fileKind, fileVersion)
	var in Model
	var s shape
	e.ReadJSON("shape", &s)
	in.columns, in.idColumns, in.heads = e.ReadStrings("columns"), e.ReadStrings("id_columns"), e.ReadStrings("heads")
	if e.Err() == nil && e.Schema() != in.schemaHash() {
		e.Fail("the names are not those of the header")
	}
	in.mean = envelope.ReadN[float64](e, "mean", len(in.columns))
	in.scale = envelope.ReadN[float64](e, "scale", len(in.columns))
	words := len(in.idColumns)
	if s.HashBits > 0 {
		words = 0
	}
	counts := envelope.ReadN[uint64](e, "id_counts", words)
	ids := envelope.Read[uint64](e, "ids")
	if e.Err() == nil {
		if err := in.adopt(&s, counts, ids); err != "" {
			e.Fail(err)
		}
	}
	if e.Err() == nil {
		in.readTables(e, &s)
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("fm: %w", err)
	}
	in.finish()
	*m = in
	return n, nil
}

// readTables reads the tables of all heads, after the sizes have been checked.
func (m *Model) readTables(e *envelope.Reader, s *shape) {
	n, fields := m.space.len(), m.fields()
	read := func(parts int) (tables []table) {
		for range m.heads {
			if e.Err() != nil {
				return nil
			}
			t := newTable(m.kind, 0, fields, s.Factors, parts)
			t.bias = envelope.ReadN[float32](e, "intercept", parts)
			linear := envelope.ReadN[float32](e, "weights", n*parts)
			size := n * parts * s.Factors
			if m.kind == FFM {
				t.ffm.Linear, t.ffm.Factors = linear, envelope.ReadN[float32](e, "factors", size*max(fields, 1))
			} else {
				t.fm.Linear, t.fm.Factors = linear, envelope.ReadN[float32](e, "factors", size)
			}
			if e.Err() == nil && !t.bounded() {
				e.Fail("a parameter is not a number, or too large")
			}
			tables = append(tables, t)
		}
		return tables
	}
	m.tables = read(1)
	if s.Optimizer == "" {
		envelope.ReadN[int64](e, "steps", 0)
		return
	}
	m.steps = envelope.ReadN[int64](e, "steps", len(m.heads))
	for _, steps := range m.steps {
		if steps < 0 {
			e.Fail("a number of steps is negative")
		}
	}
	m.learned = read(m.optimizer.Optimizer.parts())
}

// adopt takes over what the file says of sizes, and divides the ids among their columns; it
// returns what is wrong, or "".
func (m *Model) adopt(s *shape, counts, ids []uint64) string {
	if len(m.heads) == 0 {
		return "there are no heads"
	}
	names := ranking.Dataset{Columns: m.columns, IDColumns: m.idColumns, Heads: m.heads}
	if err := names.Validate(); err != nil {
		return err.Error()
	}
	kind, loss := slices.Index(kindNames[:], s.Kind), slices.Index(lossNames[:], s.Loss)
	if kind < 0 || loss < 0 {
		return fmt.Sprintf("a model of kind %q with loss %q", s.Kind, s.Loss)
	}
	m.kind, m.loss, m.bits, m.seed = Kind(kind), Loss(loss), s.HashBits, s.Seed
	if err := checkFactors(m.kind, s.Factors); err != "" {
		return err
	}
	if m.bits < 0 || m.bits > maxHashBits {
		return fmt.Sprintf("buckets of %d bits", m.bits)
	}
	if s.Optimizer != "" {
		o := slices.Index(optimizerNames[:], s.Optimizer)
		m.optimizer = settings{Optimizer(max(o, 0)), s.Rate, s.L1, s.L2, s.Beta}
		if cfg := m.optimizer.config(); o < 0 || s.Rate == 0 || s.Beta == 0 || cfg.check() != nil {
			return fmt.Sprintf("optimizer %q with rate %v, L1 %v, L2 %v and beta %v", s.Optimizer, s.Rate, s.L1, s.L2, s.Beta)
		}
	}
	for j, v := range m.mean {
		if scale := m.scale[j]; !(math.Abs(v) <= 1e60) || scale != 0 && !(scale >= 1e-60 && scale <= 1e60) {
			return fmt.Sprintf("mean and scale of column %q are %v and %v", m.columns[j], v, scale)
		}
	}
	for k, n := range counts {
		if n > uint64(len(ids)) || n > maxCoordinates {
			return fmt.Sprintf("column %q has %d of %d ids", m.idColumns[k], n, len(ids))
		}
		for i := 1; i < int(n); i++ {
			if ids[i] <= ids[i-1] {
				return fmt.Sprintf("the ids of column %q are not in ascending order", m.idColumns[k])
			}
		}
		m.ids, ids = append(m.ids, ids[:n:n]), ids[n:]
	}
	if len(ids) > 0 {
		return fmt.Sprintf("%d ids of no column", len(ids))
	}
	if m.fields() > math.MaxUint16 || m.space.len() > maxCoordinates {
		return fmt.Sprintf("%d columns and %d coordinates", m.fields(), m.space.len())
	}
	return ""
}

// config is the configuration of a learner with the settings.
func (s settings) config() *Config {
	return &Config{Optimizer: s.Optimizer, LearningRate: s.Rate, L1: s.L1, L2: s.L2, Beta: s.Beta}
}
