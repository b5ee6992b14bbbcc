package ranking_test

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
)

var update = flag.Bool("update", false, "rewrite the files under testdata")

func encode(t testing.TB, m *ranking.Linear) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := m.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d bytes of %d: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

// models returns models of different shapes.
func models(t testing.TB) []*ranking.Linear {
	full := problem(200, 4, 0.1, 51)
	floats := &ranking.Dataset{Columns: []string{"x"}, Floats: []float32{1, 2, 3}, Heads: []string{"y"}, Labels: []float32{0, 1, 0}}
	ids := &ranking.Dataset{IDColumns: []string{"k"}, IDs: []uint64{1, 2, 1 << 63}, Heads: []string{"y"}, Labels: []float32{0, 1, 0}}
	return []*ranking.Linear{
		train(t, ranking.LinearConfig{Epochs: 2, MissingIndicators: true}, full),
		train(t, ranking.LinearConfig{Epochs: 2, L1: 0.05}, full),
		train(t, ranking.LinearConfig{Epochs: 1}, floats),
		train(t, ranking.LinearConfig{Epochs: 1}, ids),
	}
}

func TestSavedModelIsTheModel(t *testing.T) {
	data := problem(100, 4, 0.2, 52)
	for i, m := range models(t) {
		path := filepath.Join(t.TempDir(), "m.linear")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		back, err := ranking.LoadLinear(path)
		if err != nil {
			t.Fatal(err)
		}
		if back.Version() != m.Version() || back.String() != m.String() {
			t.Errorf("model %d: %v came back as %v", i, m, back)
		}
		if !bytes.Equal(encode(t, back), encode(t, m)) {
			t.Errorf("model %d: written again it has other bytes", i)
		}
		if i < 2 && !slices.Equal(predict(t, back, data), predict(t, m, data)) {
			t.Errorf("model %d predicts otherwise after loading", i)
		}
		for _, head := range m.Heads() {
			a, _ := m.Importance(head)
			b, _ := back.Importance(head)
			if !slices.Equal(a, b) {
				t.Errorf("model %d: importance %v came back as %v", i, a, b)
			}
		}
	}
}

func TestDamagedFilesAreNamedAsSuch(t *testing.T) {
	good := encode(t, models(t)[0])
	read := func(b []byte) error {
		m := models(t)[2]
		before := m.Version()
		_, err := m.ReadFrom(bytes.NewReader(b))
		if m.Version() != before {
			t.Error("a failed ReadFrom changed the model")
		}
		return err
	}
	for n := 0; n < len(good); n += 61 {
		if err := read(good[:n]); !errors.Is(err, ranking.ErrTruncated) {
			t.Fatalf("%d of %d bytes: error %v; want ErrTruncated", n, len(good), err)
		}
	}
	for at := 8; at < len(good); at += 37 {
		bad := slices.Clone(good)
		bad[at] ^= 4
		if err := read(bad); err == nil {
			t.Fatalf("byte %d changed: no error", at)
		}
	}
	if err := read([]byte("a text file, not a model of any kind, and long enough for a header")); !errors.Is(err, ranking.ErrKind) {
		t.Errorf("text: error %v; want ErrKind", err)
	}
	for _, c := range []struct {
		kind    string
		version uint32
		want    error
	}{{"other", 1, ranking.ErrKind}, {"linear", 3, ranking.ErrNewer}} {
		var b bytes.Buffer
		envelope.NewWriter(&b, c.kind, c.version, 0).Close()
		if err := read(b.Bytes()); !errors.Is(err, c.want) {
			t.Errorf("%s version %d: error %v; want %v", c.kind, c.version, err, c.want)
		}
	}
	if _, err := ranking.LoadLinear(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

// parts is what a file says, to be said wrongly with right checksums.
type parts struct {
	columns, ids, heads                      []string
	mean, scale, bias, weights, absent, rank []float64
	counts, keys                             []uint64
	idWeights                                []float32
}

func (p *parts) write(schema uint64) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "linear", 1, schema)
	w.WriteStrings("columns", p.columns)
	w.WriteStrings("id_columns", p.ids)
	w.WriteStrings("heads", p.heads)
	envelope.Write(w, "mean", p.mean)
	envelope.Write(w, "scale", p.scale)
	envelope.Write(w, "intercepts", p.bias)
	envelope.Write(w, "weights", p.weights)
	envelope.Write(w, "missing_weights", p.absent)
	envelope.Write(w, "importance", p.rank)
	envelope.Write(w, "id_counts", p.counts)
	envelope.Write(w, "ids", p.keys)
	envelope.Write(w, "id_weights", p.idWeights)
	w.Close()
	return b.Bytes()
}

func TestContradictionsAreCorrupt(t *testing.T) {
	whole := func() *parts {
		return &parts{
			columns: []string{"a"}, ids: []string{"k", "l"}, heads: []string{"h"},
			mean: []float64{1}, scale: []float64{2}, bias: []float64{0}, weights: []float64{3}, rank: []float64{1, 2, 3},
			counts: []uint64{2, 1}, keys: []uint64{4, 9, 4}, idWeights: []float32{1, 2, 3},
		}
	}
	read := func(p *parts) error {
		var m ranking.Linear
		_, err := m.ReadFrom(bytes.NewReader(p.write(ranking.SchemaHash(p.columns, p.ids, p.heads))))
		return err
	}
	if err := read(whole()); err != nil {
		t.Fatalf("the file without a fault: %v", err)
	}
	huge := 1e200
	for _, c := range []struct {
		want string
		edit func(*parts)
	}{
		{"there are no heads", func(p *parts) { p.heads, p.bias, p.weights, p.rank, p.idWeights = nil, nil, nil, nil, nil }},
		{`"a" is a name of Columns already`, func(p *parts) { p.ids = []string{"k", "a"} }},
		{"it has 2 values; want 1", func(p *parts) { p.weights = []float64{1, 2} }},
		{`ids of column "k" are not in ascending order`, func(p *parts) { p.keys = []uint64{9, 9, 4} }},
		{"1 ids of no column", func(p *parts) { p.counts = []uint64{1, 1} }},
		{`column "l" has 18446744073709551615 of 1 ids`, func(p *parts) { p.counts = []uint64{2, 1<<64 - 1} }},
		{"2 weights of missing values", func(p *parts) { p.absent = []float64{1, 2} }},
		{"a value is 1e+200", func(p *parts) { p.weights[0] = huge }},
		{"a value is 1e+200", func(p *parts) { p.bias[0] = huge }},
		{"a scale is 0", func(p *parts) { p.scale[0] = 0 }},
		{"a scale is -1", func(p *parts) { p.scale[0] = -1 }},
		{"weight of an id is +Inf", func(p *parts) { p.idWeights[1] = float32(math.Inf(1)) }},
	} {
		p := whole()
		c.edit(p)
		err := read(p)
		if !errors.Is(err, ranking.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want ErrCorrupt with %q", err, c.want)
		}
	}
	var m ranking.Linear
	if _, err := m.ReadFrom(bytes.NewReader(whole().write(1))); !errors.Is(err, ranking.ErrCorrupt) {
		t.Errorf("names that are not the header's: error %v", err)
	}
}

// testdata/linear-v1.model is what the first version of the format wrote; see testdata/README.md.
func TestOldFilesStayReadable(t *testing.T) {
	path := filepath.Join("testdata", "linear-v1.model")
	d := &ranking.Dataset{
		Columns: []string{"age", "price"}, Floats: []float32{1, 10, 2, 20, 3, 15, 4, 40},
		IDColumns: []string{"topic"}, IDs: []uint64{7, 8, 7, 9},
		Heads: []string{"click", "buy"}, Labels: []float32{0, 1, 1, 0, 0, 1, 1, 0},
	}
	if *update {
		if err := train(t, ranking.LinearConfig{MissingIndicators: true}, d).Save(path); err != nil {
			t.Fatal(err)
		}
	}
	m, err := ranking.LoadLinear(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = "linear model linear-d1531e0f77d9234b: 2 float and 1 id columns, 3 ids, heads click, buy"
	if m.String() != want {
		t.Errorf("read %v; want %s", m, want)
	}
	p := predict(t, m, d)
	for i, y := range d.Labels {
		if (p[i] > 0.5) != (y > 0.5) {
			t.Errorf("value %d: probability %v of label %v", i, p[i], y)
		}
	}
}

func FuzzLinearReadFrom(f *testing.F) {
	for _, m := range models(f) {
		f.Add(encode(f, m))
	}
	p := &parts{columns: []string{"a"}, heads: []string{"h"}, mean: []float64{1}, scale: []float64{2}, bias: []float64{0}, weights: []float64{3}, rank: []float64{1}}
	f.Add(p.write(ranking.SchemaHash(p.columns, p.ids, p.heads)))
	f.Fuzz(func(t *testing.T, file []byte) {
		var m ranking.Linear
		n, err := m.ReadFrom(io.LimitReader(bytes.NewReader(file), int64(len(file))))
		if n > int64(len(file)) {
			t.Errorf("read %d bytes of %d", n, len(file))
		}
		if err != nil {
			return
		}
		if again := encode(t, &m); !bytes.Equal(again, file[:n]) {
			t.Error("decode and encode give other bytes")
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
			if !(v >= 0 && v <= 1) {
				t.Errorf("probability %v", v)
			}
		}
	})
}
