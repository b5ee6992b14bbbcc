package gbdt_test

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

var update = flag.Bool("update", false, "rewrite the files under testdata")

// models returns models of different shapes.
func models(tb testing.TB) []*gbdt.Model {
	tb.Helper()
	s := shape{features: 4, categorical: 2, rounds: 3, leaves: 5, link: tree.Sigmoid}
	linear := s.forest(rand.New(rand.NewPCG(2, 2)))
	tr := &linear.Trees[1]
	for i := range tr.Leaves {
		tr.Linear = append(tr.Linear, tree.Linear{Const: float64(i), Features: []int32{0, 1}[:i%3%2+1], Coefs: []float64{0.5, -2}[:i%3%2+1]})
		tr.LeafIDs = append(tr.LeafIDs, int32(2*i+1))
	}
	linear.Trees[2].NodeStats, linear.Trees[2].LeafStats = nil, nil
	linear.Trees[2].Shrinkage = 0.1
	linear.Average, linear.Float32, linear.Parallel, linear.Best, linear.Objective = true, true, 3, 1, "binary"
	m, err := gbdt.NewModel(s.inputs(true), []string{"y"}, linear)
	require.NoError(tb, err)
	two, err := gbdt.Combine(s.model(tb, 1, true), reread(tb, m, gbdt.Options{Heads: []string{"buy"}}))
	require.NoError(tb, err)
	leaf, err := gbdt.NewModel([]gbdt.Feature{{Name: "x"}}, []string{"y"}, &tree.Forest{Outputs: 1, Trees: []tree.Tree{{Leaves: []float64{3}}}})
	require.NoError(tb, err)
	none, err := gbdt.NewModel([]gbdt.Feature{{Name: "x", Categorical: true, IDs: []uint64{}}}, []string{"y"}, &tree.Forest{Outputs: 1})
	require.NoError(tb, err)
	return []*gbdt.Model{m, two, leaf, none, reread(tb, two, gbdt.Options{Missing: []float64{0, -1}, Strict: true, SkipUnused: true})}
}

func TestSavedModelIsTheModel(t *testing.T) {
	s := shape{features: 4, categorical: 2}
	rows := s.rows(rand.New(rand.NewPCG(6, 6)), 100)
	for i, m := range models(t) {
		path := filepath.Join(t.TempDir(), "m.gbdt")
		require.NoError(t, m.Save(path))
		back, err := gbdt.Load(path, gbdt.Options{})
		require.NoError(t, err)
		require.Equal(t, m.Version(), back.Version())
		require.Equal(t, m.String(), back.String())
		require.Equal(t, m.Features(), back.Features(), "model %d", i)
		require.Equal(t, encode(t, m), encode(t, back), "model %d", i)
		if len(m.Features()) != 4 {
			continue
		}
		want, err := m.PredictRows(nil, rows)
		require.NoError(t, err)
		got, _ := back.PredictRows(nil, rows)
		near(t, "prediction", got, want, 0)
		a, _ := m.Leaves(nil, rows)
		b, _ := back.Leaves(nil, rows)
		require.Equal(t, a, b)
		for _, head := range m.Heads() {
			a, err := m.Importance(head, gbdt.Gain)
			require.NoError(t, err)
			b, _ := back.Importance(head, gbdt.Gain)
			require.Equal(t, a, b)
		}
	}
}

func TestVersionIsAHashOfWhatScoresDependOn(t *testing.T) {
	base := func() *tree.Forest {
		return shape{features: 3, categorical: 1, rounds: 2, leaves: 6}.forest(rand.New(rand.NewPCG(1, 1)))
	}
	version := func(f *tree.Forest) string {
		m, err := gbdt.NewModel(shape{features: 3, categorical: 1}.inputs(false), []string{"y"}, f)
		require.NoError(t, err)
		return m.Version()
	}
	seen := map[string]int{version(base()): -1}
	require.Len(t, seen, 1)
	for i, change := range []func(*tree.Forest){
		func(f *tree.Forest) { f.Base[0]++ },
		func(f *tree.Forest) { f.Link.Kind = tree.Exp },
		func(f *tree.Forest) { f.Average = true },
		func(f *tree.Forest) { f.Float32 = true },
		func(f *tree.Forest) { f.Trees = f.Trees[:1] },
		func(f *tree.Forest) { f.Trees[1].Leaves[3] += 1e-9 },
		func(f *tree.Forest) { n := &f.Trees[0].Nodes[2]; n.DefaultLeft = !n.DefaultLeft },
		func(f *tree.Forest) { n := &f.Trees[0].Nodes[2]; n.Left, n.Right = n.Right, n.Left },
		func(f *tree.Forest) { n := &f.Trees[0].Nodes[0]; n.Missing = (n.Missing + 1) % 3 },
	} {
		f := base()
		change(f)
		v := version(f)
		if first, ok := seen[v]; ok {
			t.Errorf("change %d has the version of change %d", i, first)
		}
		seen[v] = i
	}
	f := base()
	f.Trees[0].NodeStats[0].Gain, f.Objective = 1e9, "other"
	require.Equal(t, version(base()), version(f), "what no score depends on")
}

func TestDamagedFilesAreNamedAsSuch(t *testing.T) {
	good := encode(t, models(t)[1])
	decode := func(b []byte) error {
		m := models(t)[2]
		before := m.Version()
		_, err := m.ReadFrom(bytes.NewReader(b))
		require.Equal(t, before, m.Version(), "a failed ReadFrom changed the model")
		return err
	}
	for n := 0; n < len(good); n += 173 {
		require.ErrorIs(t, decode(good[:n]), gbdt.ErrTruncated, "%d of %d bytes", n, len(good))
	}
	for at := 8; at < len(good); at += 41 {
		bad := slices.Clone(good)
		bad[at] ^= 4
		require.Error(t, decode(bad), "byte %d", at)
	}
	_, err := gbdt.Read(bytes.NewReader(append(slices.Clone(good), 0)), gbdt.Options{})
	require.ErrorIs(t, err, gbdt.ErrCorrupt)
	require.ErrorIs(t, decode([]byte("a text file, not a model of any kind, and long enough for a header")), gbdt.ErrKind)
	for _, c := range []struct {
		kind    string
		version uint32
		want    error
	}{{"linear", 1, gbdt.ErrKind}, {"gbdt", 2, gbdt.ErrNewer}} {
		var b bytes.Buffer
		_, err := envelope.NewWriter(&b, c.kind, c.version, 0).Close()
		require.NoError(t, err)
		require.ErrorIs(t, decode(b.Bytes()), c.want)
		_, err = gbdt.Read(&b, gbdt.Options{})
		require.ErrorIs(t, err, c.want)
	}
}

// Right checksums over wrong contents: what the arrays say of each other is checked before it counts.
func TestContradictionsAreCorrupt(t *testing.T) {
	for want, p := range contradictions() {
		_, err := new(gbdt.Model).ReadFrom(bytes.NewReader(p))
		if !errors.Is(err, gbdt.ErrCorrupt) {
			t.Errorf("%s: error %v; want ErrCorrupt", want, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// testdata/gbdt-v1.model is what the first version of the format wrote; see testdata/README.md.
func TestOldFilesStayReadable(t *testing.T) {
	path := filepath.Join("testdata", "gbdt-v1.model")
	if *update {
		require.NoError(t, models(t)[4].Save(path))
	}
	m, err := gbdt.Load(path, gbdt.Options{})
	require.NoError(t, err)
	require.Equal(t, "boosted model gbdt-57881e47434066fd: 6 trees over 4 features, heads score, buy", m.String())
	got, err := m.PredictRows(nil, []float64{0.5, -2, 3, 17, math.NaN(), 1e9, -1, 1000})
	require.NoError(t, err)
	require.Equal(t, []float64{0.29057914023778003, 0.9999767892481686, 0.6228747424505656, 0.22580587522383896}, got)
}

func FuzzRead(f *testing.F) {
	for _, m := range models(f) {
		f.Add(encode(f, m))
	}
	for _, p := range contradictions() {
		f.Add(p)
	}
	for _, text := range []string{lightgbmText, lightgbmJSON, xgboostJSON, "{\x69\x07learner{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := gbdt.Read(bytes.NewReader(file), gbdt.Options{MaxBytes: 1 << 20})
		if err != nil {
			return
		}
		again := encode(t, m)
		if bytes.HasPrefix(file, []byte("recsys")) && !bytes.Equal(again, file) {
			t.Error("decode and encode give other bytes")
		}
		back, err := gbdt.Read(bytes.NewReader(again), gbdt.Options{})
		if err != nil || back.Version() != m.Version() {
			t.Fatalf("written again: %v, error %v; want %v", back, err, m)
		}
		row := make([]float64, len(m.Features()))
		p, err := m.PredictRows(nil, row)
		if err != nil || len(p) != len(m.Heads()) && len(row) > 0 {
			t.Errorf("prediction %v, error %v", p, err)
		}
		_, _ = m.Contributions(nil, row)
	})
}
