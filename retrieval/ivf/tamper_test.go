package ivf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
)

// contents are the sections of a file.
type contents struct {
	config map[string]any

	items, owners, centroids, cells, sizes, rows, ends, segments, biases, codebook, codes, queries, vectors any
}

func (c *contents) sections() []section {
	return []section{
		{"items", &c.items, copied[uint64]},
		{"owners", &c.owners, copied[uint32]},
		{"centroids", &c.centroids, copied[float32]},
		{"cells", &c.cells, copied[float32]},
		{"sizes", &c.sizes, copied[uint32]},
		{"rows", &c.rows, copied[uint32]},
		{"ends", &c.ends, copied[uint32]},
		{"segments", &c.segments, copied[float32]},
		{"biases", &c.biases, copied[float32]},
		{"codebook", &c.codebook, copied[float32]},
		{"codes", &c.codes, copied[uint8]},
		{"queries", &c.queries, copied[float32]},
		{"vectors", &c.vectors, copied[float32]},
	}
}

type section struct {
	name  string
	value *any
	copy  func(r *envelope.Reader, w *envelope.Writer, name string, value *any)
}

// copied reads a section, or writes it.
func copied[T envelope.Element](r *envelope.Reader, w *envelope.Writer, name string, value *any) {
	if r != nil {
		*value = envelope.Read[T](r, name)
	} else {
		envelope.Write(w, name, (*value).([]T))
	}
}

func parse(t *testing.T, file []byte) *contents {
	t.Helper()
	c := new(contents)
	r := envelope.NewReader(bytes.NewReader(file), "ivf", 1)
	r.ReadJSON("config", &c.config)
	for _, s := range c.sections() {
		s.copy(r, nil, s.name, s.value)
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contents) file(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "ivf", 1, 0)
	config, err := json.Marshal(c.config)
	if err != nil {
		t.Fatal(err)
	}
	w.WriteJSON("config", json.RawMessage(config))
	for _, s := range c.sections() {
		s.copy(nil, w, s.name, s.value)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file whose checks hold may still contradict itself.
func TestContradictionsAreNoticed(t *testing.T) {
	race.SkipSequential(t)
	nan := float32(math.NaN())
	for name, f := range map[string]func(c *contents){
		"metric":        func(c *contents) { c.config["metric"] = "hamming" },
		"codes":         func(c *contents) { c.config["codes"] = "int4" },
		"dim":           func(c *contents) { c.config["dim"] = 7 },
		"huge dim":      func(c *contents) { c.config["dim"] = 1 << 30 },
		"huge rows":     func(c *contents) { c.config["rows"] = 1 << 40 },
		"items":         func(c *contents) { c.config["items"] = 299 },
		"lists":         func(c *contents) { c.config["lists"] = 6 },
		"no lists":      func(c *contents) { c.config["lists"] = 0 },
		"recall":        func(c *contents) { c.config["recall"] = 2 },
		"subdim":        func(c *contents) { c.config["subdim"] = 0 },
		"tuning":        func(c *contents) { c.config["tuning"].(map[string]any)["Lists"].([]any)[2] = 0 },
		"changes":       func(c *contents) { c.config["changes"] = -1 },
		"queries":       func(c *contents) { c.queries = []float32{1} },
		"nan query":     func(c *contents) { c.queries = []float32{1, 2, nan, 4, 5, 6} },
		"many queries":  func(c *contents) { c.queries = make([]float32, 1025*6) },
		"reach":         func(c *contents) { c.config["tuning"].(map[string]any)["Reach"] = -1 },
		"rescore":       func(c *contents) { c.config["tuning"].(map[string]any)["Rescore"] = 0 },
		"doubled item":  func(c *contents) { c.items.([]uint64)[5] = c.items.([]uint64)[6] },
		"owner":         func(c *contents) { c.owners.([]uint32)[5]++ },
		"centroid":      func(c *contents) { c.centroids.([]float32)[3] = nan },
		"mean":          func(c *contents) { c.cells.([]float32)[0] = nan },
		"shape":         func(c *contents) { c.cells.([]float32)[3] /= 2 },
		"angle":         func(c *contents) { c.cells.([]float32)[5] = 1 },
		"size":          func(c *contents) { c.sizes.([]uint32)[0]++ },
		"huge size":     func(c *contents) { c.sizes.([]uint32)[0] = math.MaxUint32 },
		"segments":      func(c *contents) { c.sizes.([]uint32)[1] = math.MaxUint32 },
		"row twice":     func(c *contents) { c.rows.([]uint32)[1] = c.rows.([]uint32)[0] },
		"row too great": func(c *contents) { c.rows.([]uint32)[1] = 1 << 31 },
		"end":           func(c *contents) { c.ends.([]uint32)[0]++ },
		"end 0":         func(c *contents) { c.ends.([]uint32)[0] = 0 },
		"error":         func(c *contents) { c.segments.([]float32)[1] /= 8 },
		"nan error":     func(c *contents) { c.segments.([]float32)[1] = nan },
		"scale":         func(c *contents) { c.segments.([]float32)[0] = nan },
		"norm":          func(c *contents) { c.segments.([]float32)[2] /= 2 },
		"bias":          func(c *contents) { c.biases = []float32{1} },
		"codebook":      func(c *contents) { c.codebook = []float32{1} },
		"code":          func(c *contents) { c.codes.([]uint8)[9] ^= 64 },
		"no codes":      func(c *contents) { c.codes = c.codes.([]uint8)[1:] },
		"vector":        func(c *contents) { c.vectors.([]float32)[8] = nan },
	} {
		t.Run(name, func(t *testing.T) {
			items, vectors := clustered(9, 300, 6)
			c := parse(t, written(t, build(t, ivf.Config{Lists: 5}, items, vectors)))
			f(c)
			var ix ivf.Index
			if _, err := ix.ReadFrom(bytes.NewReader(c.file(t))); !errors.Is(err, envelope.ErrCorrupt) {
				t.Errorf("%v; want ErrCorrupt", err)
			}
			used(t, c.file(t))
		})
	}
	items, vectors := clustered(9, 300, 6)
	c := parse(t, written(t, build(t, ivf.Config{Lists: 5, Codes: ivf.PQ, Metric: retrieval.L2}, items, vectors)))
	c.codebook.([]float32)[0] += 100 // centroids on a line ascend
	var ix ivf.Index
	if _, err := ix.ReadFrom(bytes.NewReader(c.file(t))); !errors.Is(err, envelope.ErrCorrupt) {
		t.Errorf("codebook: %v; want ErrCorrupt", err)
	}
}
