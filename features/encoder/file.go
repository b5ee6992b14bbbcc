package encoder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
)

var (
	_ io.WriterTo   = (*Set)(nil)
	_ io.ReaderFrom = (*Set)(nil)
)

const (
	setKind    = "features.encoders"
	setVersion = 1
)

// fileSet is the JSON section of a file.
type fileSet struct {
	Name   string       `json:"name"`
	Inputs []fileColumn `json:"inputs"`
	Steps  []fileStep   `json:"steps"`
	Tables []fileTable  `json:"tables"`
}

type fileColumn struct {
	Name  string `json:"name"`
	Kind  uint8  `json:"kind"`
	Dim   int    `json:"dim"`
	Scope uint8  `json:"scope"`
}

type fileStep struct {
	Name    string          `json:"name"`
	From    []string        `json:"from"`
	Hidden  bool            `json:"hidden"`
	Encoder string          `json:"encoder"`
	Params  json.RawMessage `json:"params"`
	Table   int             `json:"table"` // its number from 1, 0 for none
}

type fileTable struct {
	Dim int  `json:"dim"`
	IDs bool `json:"ids"`
}

// decodeEncoder makes an encoder of each kind from its parameters.
func decodeEncoder(kind string, params []byte, table *Table) (Encoder, error) {
	switch kind {
	case "hash":
		return decode[Hash](params)
	case "cross":
		return decode[Cross](params)
	case "buckets":
		return decode[Buckets](params)
	case "log1p":
		return decode[Log1p](params)
	case "standard":
		return decode[Standard](params)
	case "minmax":
		return decode[MinMax](params)
	case "robust":
		return decode[Robust](params)
	case "onehot":
		return decode[OneHot](params)
	case "multihot":
		return decode[MultiHot](params)
	case "cyclic":
		return decode[Cyclic](params)
	case "rate":
		return decode[Rate](params)
	case "embedding":
		e, err := decode[Embedding](params)
		e.Table = table
		return e, err
	case "pooling":
		e, err := decode[Pooling](params)
		e.Table = table
		return e, err
	}
	return nil, fmt.Errorf("unknown encoder %q", kind)
}

func decode[E Encoder](params []byte) (e E, err error) {
	d := json.NewDecoder(bytes.NewReader(params))
	d.DisallowUnknownFields()
	err = d.Decode(&e)
	return e, err
}

func tableOf(e Encoder) *Table {
	switch e := e.(type) {
	case Embedding:
		return e.Table
	case Pooling:
		return e.Table
	}
	return nil
}

// WriteTo writes the set, with the parameters that were fitted and its tables, and returns the number of bytes. A set that is not
// fitted can be written too. The bytes depend on nothing but the set.
func (s *Set) WriteTo(w io.Writer) (int64, error) {
	p := s.program()
	f := fileSet{Name: p.name}
	var tables []*Table
	for _, c := range p.inputs {
		f.Inputs = append(f.Inputs, fileColumn{c.Name, uint8(c.Kind), c.Dim, uint8(c.Scope)})
	}
	e := envelope.NewWriter(w, setKind, setVersion, p.hash)
	for i := range p.steps {
		st := &p.steps[i]
		params, err := json.Marshal(st.Encoder)
		if err != nil {
			return 0, &StepError{st.Name, err}
		}
		fs := fileStep{Name: st.Name, From: st.From, Hidden: st.Hidden, Encoder: st.Encoder.kind(), Params: params}
		if t := tableOf(st.Encoder); t != nil {
			at := slices.Index(tables, t)
			if at < 0 {
				at = len(tables)
				tables = append(tables, t)
				f.Tables = append(f.Tables, fileTable{t.dim, t.ids != nil})
			}
			fs.Table = at + 1
		}
		f.Steps = append(f.Steps, fs)
	}
	e.WriteJSON("set", f)
	for _, t := range tables {
		if t.ids != nil {
			envelope.Write(e, "ids", t.ids)
		}
		envelope.Write(e, "vectors", t.data)
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("encoder: %w", err)
	}
	return n, nil
}

// ReadFrom makes s what WriteTo wrote, reads no byte behind it, and returns the number of bytes read. MaxAge and Default of the
// inputs are not in the file. If it fails s is as before; the error wraps [ErrKind], [ErrNewer], [ErrTruncated], [ErrCorrupt] or
// r's error. It must not run while s is in use.
func (s *Set) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, setKind, setVersion)
	var f fileSet
	e.ReadJSON("set", &f)
	var tables []*Table
	for _, ft := range f.Tables {
		if e.Err() != nil {
			break
		}
		var ids []uint64
		if ft.IDs {
			ids = envelope.Read[uint64](e, "ids")
		}
		data := envelope.Read[float32](e, "vectors")
		if e.Err() != nil {
			break
		}
		t, err := NewTable(ids, data, ft.Dim)
		if err != nil {
			e.Fail(err.Error())
			break
		}
		tables = append(tables, t)
	}
	var p *program
	if e.Err() == nil {
		var err error
		if p, err = f.program(tables); err != nil {
			e.Fail(err.Error())
		} else if p.hash != e.Schema() {
			e.Fail(fmt.Sprintf("the set's hash is %016x, the file says %016x", p.hash, e.Schema()))
		}
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("encoder: %w", err)
	}
	s.p = p
	return n, nil
}

// program makes the set that the file declares.
func (f *fileSet) program(tables []*Table) (*program, error) {
	cfg := Config{Name: f.Name}
	for _, c := range f.Inputs {
		cfg.Inputs = append(cfg.Inputs, recsys.Column{Name: c.Name, Kind: recsys.Kind(c.Kind), Dim: c.Dim, Scope: recsys.Scope(c.Scope)})
	}
	for _, s := range f.Steps {
		var t *Table
		switch {
		case s.Table < 0 || s.Table > len(tables):
			return nil, &StepError{s.Name, fmt.Errorf("table %d of %d", s.Table, len(tables))}
		case s.Table > 0:
			t = tables[s.Table-1]
		}
		e, err := decodeEncoder(s.Encoder, s.Params, t)
		if err != nil {
			return nil, &StepError{s.Name, err}
		}
		cfg.Steps = append(cfg.Steps, Step{Name: s.Name, From: s.From, Encoder: e, Hidden: s.Hidden})
	}
	return compile(cfg)
}

// Save writes the set to a file, whole or not at all.
func (s *Set) Save(path string) error {
	if err := envelope.WriteFile(path, s); err != nil {
		return fmt.Errorf("encoder: %w", err)
	}
	return nil
}

// Load reads what [Set.Save] wrote. Its error names the file and wraps [ErrKind], [ErrNewer], [ErrTruncated] or [ErrCorrupt], or what the
// operating system reported.
func Load(path string) (*Set, error) {
	s := new(Set)
	if err := envelope.ReadFile(path, s); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	return s, nil
}
