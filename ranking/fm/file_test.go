package fm_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

var update = flag.Bool("update", false, "rewrite the files under testdata")

func encode(t testing.TB, m *fm.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := m.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d bytes of %d: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func TestSavedModelIsTheModel(t *testing.T) {
	data := problem(200, 0.1, 21)
	for i, cfg := range shapes {
		cfg.Epochs, cfg.Resumable = 2, i%2 == 0
		m := train(t, cfg, data)
		path := filepath.Join(t.TempDir(), "m.fm")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		back, err := fm.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if back.String() != m.String() || back.Resumable() != cfg.Resumable {
			t.Errorf("%v came back as %v", m, back)
		}
		if !bytes.Equal(encode(t, back), encode(t, m)) {
			t.Errorf("%v: written again it has other bytes", m)
		}
		if !slices.Equal(predict(t, back, data), predict(t, m, data)) {
			t.Errorf("%v predicts otherwise after loading", m)
		}
	}
}

func TestDamagedFilesAreNamedAsSuch(t *testing.T) {
	good := encode(t, train(t, fm.Config{Factors: 8, Epochs: 1, Resumable: true}, problem(50, 0, 22)))
	m := train(t, fm.Config{Kind: fm.Linear, Epochs: 1}, problem(50, 0, 23))
	before := m.Version()
	read := func(b []byte) error {
		_, err := m.ReadFrom(bytes.NewReader(b))
		if err != nil && m.Version() != before {
			t.Error("a failed ReadFrom changed the model")
		}
		return err
	}
	for n := 0; n < len(good); n += 97 {
		if err := read(good[:n]); !errors.Is(err, fm.ErrTruncated) {
			t.Fatalf("%d of %d bytes: error %v; want ErrTruncated", n, len(good), err)
		}
	}
	for at := 8; at < len(good); at += 53 {
		bad := slices.Clone(good)
		bad[at] ^= 4
		if err := read(bad); err == nil {
			t.Fatalf("byte %d changed: no error", at)
		}
	}
	if err := read([]byte("a text file, not a model of any kind, and long enough for a header")); !errors.Is(err, fm.ErrKind) {
		t.Errorf("text: error %v; want ErrKind", err)
	}
	for _, c := range []struct {
		kind    string
		version uint32
		want    error
	}{{"other", 1, fm.ErrKind}, {"fm", 2, fm.ErrNewer}} {
		var b bytes.Buffer
		envelope.NewWriter(&b, c.kind, c.version, 0).Close()
		if err := read(b.Bytes()); !errors.Is(err, c.want) {
			t.Errorf("%s version %d: error %v; want %v", c.kind, c.version, err, c.want)
		}
	}
	if _, err := fm.Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

// parts is what a file says, to be said wrongly with right checksums.
type parts struct {
	shape               map[string]any
	columns, ids, heads []string
	mean, scale         []float64
	counts, keys        []uint64
	bias, linear        []float32
	factors             []float32
	steps               []int64
	learned             bool
}

func (p *parts) write(schema uint64) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "fm", 1, schema)
	w.WriteJSON("shape", p.shape)
	w.WriteStrings("columns", p.columns)
	w.WriteStrings("id_columns", p.ids)
	w.WriteStrings("heads", p.heads)
	envelope.Write(w, "mean", p.mean)
	envelope.Write(w, "scale", p.scale)
	envelope.Write(w, "id_counts", p.counts)
	envelope.Write(w, "ids", p.keys)
	envelope.Write(w, "intercept", p.bias)
	envelope.Write(w, "weights", p.linear)
	envelope.Write(w, "factors", p.factors)
	envelope.Write(w, "steps", p.steps)
	if p.learned {
		for range 2 {
			p.bias, p.linear, p.factors = append(p.bias, p.bias[0]), append(p.linear, p.linear...), append(p.factors, p.factors...)
			if p.shape["optimizer"] == "adagrad" {
				break
			}
		}
		envelope.Write(w, "intercept", p.bias)
		envelope.Write(w, "weights", p.linear)
		envelope.Write(w, "factors", p.factors)
	}
	w.Close()
	return b.Bytes()
}

func whole() *parts {
	return &parts{
		shape:   map[string]any{"kind": "fm", "loss": "logistic", "factors": 8, "hash_bits": 0, "seed": "7"},
		columns: []string{"a"}, ids: []string{"k", "l"}, heads: []string{"h"},
		mean: []float64{1}, scale: []float64{2}, counts: []uint64{2, 1}, keys: []uint64{4, 9, 4},
		bias: []float32{1}, linear: []float32{1, 2, 3, 4}, factors: make([]float32, 32),
	}
}

func (p *parts) resumable() *parts {
	p.shape["optimizer"], p.shape["rate"], p.shape["beta"] = "adagrad", 0.1, 1
	p.steps, p.learned = []int64{3}, true
	return p
}

func TestContradictionsAreCorrupt(t *testing.T) {
	read := func(p *parts) error {
		var m fm.Model
		_, err := m.ReadFrom(bytes.NewReader(p.write(fm.SchemaHash(p.columns, p.ids, p.heads))))
		return err
	}
	for _, p := range []*parts{whole(), whole().resumable()} {
		if err := read(p); err != nil {
			t.Fatalf("the file without a fault: %v", err)
		}
	}
	for _, c := range []struct {
		want string
		edit func(*parts)
	}{
		{"there are no heads", func(p *parts) { p.heads = nil }},
		{`"a" is a name of Columns already`, func(p *parts) { p.ids = []string{"k", "a"} }},
		{`kind "x"`, func(p *parts) { p.shape["kind"] = "x" }},
		{`loss "x"`, func(p *parts) { p.shape["loss"] = "x" }},
		{"a model of kind fm has 7 factors", func(p *parts) { p.shape["factors"] = 7 }},
		{"a model of kind fm has -8 factors", func(p *parts) { p.shape["factors"] = -8 }},
		{"a model of kind linear has 8 factors", func(p *parts) { p.shape["kind"] = "linear" }},
		{"buckets of -1 bits", func(p *parts) { p.shape["hash_bits"] = -1 }},
		{"buckets of 60 bits", func(p *parts) { p.shape["hash_bits"], p.counts, p.keys = 60, nil, nil }},
		{"it has 0 values; want 268435457", func(p *parts) {
			p.shape["hash_bits"], p.counts, p.keys, p.linear = 28, nil, nil, nil
		}},
		{"it has 2 values; want 1", func(p *parts) { p.bias = []float32{1, 2} }},
		{`ids of column "k" are not in ascending order`, func(p *parts) { p.keys = []uint64{9, 9, 4} }},
		{"1 ids of no column", func(p *parts) { p.counts = []uint64{1, 1} }},
		{`column "l" has 18446744073709551615 of 1 ids`, func(p *parts) { p.counts = []uint64{2, 1<<64 - 1} }},
		{"mean and scale", func(p *parts) { p.scale[0] = -1 }},
		{"mean and scale", func(p *parts) { p.mean[0] = math.NaN() }},
		{"a parameter is not a number, or too large", func(p *parts) { p.linear[1] = 2e6 }},
		{"a parameter is not a number, or too large", func(p *parts) { p.bias[0] = float32(math.Inf(-1)) }},
		{"a parameter is not a number, or too large", func(p *parts) { p.factors[31] = float32(math.NaN()) }},
		{`optimizer "x"`, func(p *parts) { p.resumable().shape["optimizer"] = "x" }},
		{`optimizer "adagrad" with rate -1`, func(p *parts) { p.resumable().shape["rate"] = -1 }},
		{"steps is negative", func(p *parts) { p.resumable().steps[0] = -1 }},
	} {
		p := whole()
		c.edit(p)
		err := read(p)
		if !errors.Is(err, fm.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want ErrCorrupt with %q", err, c.want)
		}
	}
	var m fm.Model
	if _, err := m.ReadFrom(bytes.NewReader(whole().write(1))); !errors.Is(err, fm.ErrCorrupt) {
		t.Errorf("names that are not the header's: error %v", err)
	}
}

// testdata/*-v1.model are what the first version of the format wrote; see testdata/README.md.
func TestOldFilesStayReadable(t *testing.T) {
	d := &ranking.Dataset{
		Columns: []string{"age", "price"}, Floats: []float32{1, 10, 2, 20, 3, 15, 4, 40},
		IDColumns: []string{"topic", "user"}, IDs: []uint64{7, 1, 8, 1, 7, 2, 9, 3},
		Heads: []string{"click", "buy"}, Labels: []float32{0, 1, 1, 0, 0, 1, 1, 0},
	}
	for _, c := range []struct {
		file, want string
		cfg        fm.Config
	}{
		{"fm-v1.model", "fm model fm-3a48d00ef03dc3b2: 2 float and 2 id columns, 6 ids, 8 factors, heads click, buy", fm.Config{Factors: 8, Resumable: true}},
		{"ffm-v1.model", "ffm model fm-781854d6f840b3b1: 2 float and 2 id columns, 16 buckets, 2 factors, heads click, buy", fm.Config{Kind: fm.FFM, Factors: 2, HashBits: 4}},
	} {
		path := filepath.Join("testdata", c.file)
		if *update {
			if err := train(t, c.cfg, d).Save(path); err != nil {
				t.Fatal(err)
			}
		}
		m, err := fm.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if m.String() != c.want {
			t.Errorf("read %v; want %s", m, c.want)
		}
		for i, p := range predict(t, m, d) {
			if (p > 0.5) != (d.Labels[i] > 0.5) {
				t.Errorf("%s: value %d: probability %v of label %v", c.file, i, p, d.Labels[i])
			}
		}
	}
}

func FuzzReadFrom(f *testing.F) {
	data, _ := problem(10, 0.1, 24).Select("price", "item") // small files, which fuzzing makes smaller quickly
	for _, cfg := range shapes {
		cfg.Epochs, cfg.Resumable, cfg.HashBits, cfg.MinCount = 1, cfg.Optimizer == fm.FTRL, min(cfg.HashBits, 2), 2
		if cfg.Kind == fm.FM {
			cfg.Factors = 8
		}
		f.Add(encode(f, train(f, cfg, data)))
	}
	for _, p := range []*parts{whole(), whole().resumable()} {
		f.Add(p.write(fm.SchemaHash(p.columns, p.ids, p.heads)))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var m fm.Model
		n, err := m.ReadFrom(io.LimitReader(bytes.NewReader(file), int64(len(file))))
		if n > int64(len(file)) {
			t.Errorf("read %d bytes of %d", n, len(file))
		}
		if err != nil {
			return
		}
		var again fm.Model
		if _, err := again.ReadFrom(bytes.NewReader(encode(t, &m))); err != nil || again.String() != m.String() {
			t.Errorf("written and read again: %v, error %v; want %v", &again, err, &m)
		}
		x := &ranking.Dataset{Columns: m.Columns(), IDColumns: m.IDColumns()}
		for j := range x.Columns {
			x.Floats = append(x.Floats, float32(j)-1)
		}
		x.IDs = make([]uint64, len(x.IDColumns))
		p, err := m.Predict(nil, x)
		if err != nil {
			t.Error(err)
		}
		for _, v := range p {
			if v != v {
				t.Errorf("prediction %v", v)
			}
		}
	})
}
