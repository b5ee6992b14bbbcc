package gbdt_test

import (
	"bytes"
	"math"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// parts is what a file says, to be said wrongly with right checksums.
type parts struct {
	features, heads []string
	model           string
	ids             []uint64
	outputs         []int32
	nodes, words    []uint32
	parts           []uint8
	shrinkage       []float64
	thresholds      []float64
	nodeFeatures    []int32
	lefts, rights   []int32
	flags           []uint8
	sets, setWords  []int32
	gains           []float64
	leaves          []float64
	bits            []uint32
	leafWeights     []float64
	leafIDs         []int32
	linearConsts    []float64
	linearSizes     []uint32
	linearFeatures  []int32
	linearCoefs     []float64
}

var inf, nan = math.Inf(1), math.NaN()

// whole is a file without a fault: two features, one tree of two nodes.
func whole() *parts {
	return &parts{
		features: []string{"x", "k"}, heads: []string{"y"},
		model: `{"features":[{},{"categorical":true,"vocabulary":2}],"forests":[{"outputs":1,"trees":1,"link":1}]}`,
		ids:   []uint64{5, 9}, outputs: []int32{0}, nodes: []uint32{2}, words: []uint32{1}, parts: []uint8{2}, shrinkage: []float64{0},
		thresholds: []float64{0.5, 0}, nodeFeatures: []int32{0, 1}, lefts: []int32{1, -1}, rights: []int32{-2, -3}, flags: []uint8{16, 1},
		sets: []int32{0, 0}, setWords: []int32{0, 1}, gains: []float64{3, 4}, leaves: []float64{1, 2, 3}, bits: []uint32{2},
	}
}

// raw writes JSON as it stands.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func (p *parts) write(schema uint64) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "gbdt", 1, schema)
	w.WriteStrings("features", p.features)
	w.WriteStrings("heads", p.heads)
	w.WriteJSON("model", raw(p.model))
	envelope.Write(w, "vocabularies", p.ids)
	envelope.Write(w, "tree_outputs", p.outputs)
	envelope.Write(w, "tree_nodes", p.nodes)
	envelope.Write(w, "tree_words", p.words)
	envelope.Write(w, "tree_parts", p.parts)
	envelope.Write(w, "tree_shrinkage", p.shrinkage)
	envelope.Write(w, "thresholds", p.thresholds)
	envelope.Write(w, "node_features", p.nodeFeatures)
	envelope.Write(w, "lefts", p.lefts)
	envelope.Write(w, "rights", p.rights)
	envelope.Write(w, "flags", p.flags)
	envelope.Write(w, "sets", p.sets)
	envelope.Write(w, "set_words", p.setWords)
	envelope.Write(w, "gains", p.gains)
	for _, name := range []string{"values", "weights", "counts"} {
		envelope.Write(w, name, make([]float64, len(p.gains)))
	}
	envelope.Write(w, "leaves", p.leaves)
	envelope.Write(w, "bits", p.bits)
	envelope.Write(w, "leaf_weights", p.leafWeights)
	envelope.Write(w, "leaf_counts", p.leafWeights)
	envelope.Write(w, "leaf_ids", p.leafIDs)
	envelope.Write(w, "linear_consts", p.linearConsts)
	envelope.Write(w, "linear_sizes", p.linearSizes)
	envelope.Write(w, "linear_features", p.linearFeatures)
	envelope.Write(w, "linear_coefs", p.linearCoefs)
	w.Close()
	return b.Bytes()
}

// contradictions are files whose checksums hold, by what is wrong with them; under "" one is right but
// for the hash of its names.
func contradictions() map[string][]byte {
	features := []gbdt.Feature{{Name: "x"}, {Name: "k", Categorical: true, IDs: []uint64{5, 9}}}
	out := map[string][]byte{"the names are not those of the header": whole().write(1)}
	for want, edit := range map[string]func(*parts){
		"1 names for 2 features":                    func(p *parts) { p.features = p.features[:1] },
		"2 names of heads (y, z) for 1 predictions": func(p *parts) { p.heads = []string{"y", "z"} },
		`feature "x" stands twice`:                  func(p *parts) { p.features[1] = "x" },
		"head 0 has no name":                        func(p *parts) { p.heads[0] = "" },
		`feature "k" has 2 categories of 1`:         func(p *parts) { p.ids = p.ids[:1] },
		"1 ids of no feature":                       func(p *parts) { p.ids = append(p.ids, 1) },
		`feature "k": an id stands twice`:           func(p *parts) { p.ids[1] = 5 },
		`feature "x" has a vocabulary and is not`: func(p *parts) {
			p.model = `{"features":[{"vocabulary":2},{}],"forests":[{"outputs":1,"trees":1,"link":1}]}`
		},
		`feature "k" has -1 categories`: func(p *parts) { p.model = `{"features":[{},{"categorical":true,"vocabulary":-1}],"forests":[]}` },
		"a forest of 1099511627776 trees; there are 1": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[{"outputs":1,"trees":1099511627776,"link":1}]}`
			p.ids = nil
		},
		"a forest of 0 outputs": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[{"outputs":0,"trees":1,"link":1}]}`
			p.ids = nil
		},
		"a forest of 1 outputs with 2000000 trees": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[{"outputs":1,"trees":1,"link":1,"parallel":2000000}]}`
			p.ids = nil
		},
		"a model without forests": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[]}`
			*p = parts{features: p.features, heads: p.heads, model: p.model}
		},
		"1 trees of no forest": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[{"outputs":1,"trees":0,"link":1}]}`
			p.ids = nil
		},
		"link 99 is unknown": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[{"outputs":1,"trees":1,"link":99}]}`
			p.ids = nil
		},
		"slope of the link is -1": func(p *parts) {
			p.model = `{"features":[{},{}],"forests":[{"outputs":1,"trees":1,"link":1,"slope":-1}]}`
			p.ids = nil
		},
		"the trees have more nodes, leaves or sets": func(p *parts) { p.nodes[0] = 1<<32 - 1 },
		"nodes, leaves or sets of no tree":          func(p *parts) { p.bits = append(p.bits, 1) },
		"a tree has the parts 0xf0":                 func(p *parts) { p.parts[0] = 0xf0 },
		"node 1 has child 1":                        func(p *parts) { p.lefts[1] = 1 },
		"node 0 has child 0":                        func(p *parts) { p.lefts[0] = 0 },
		"node 0 has child -4":                       func(p *parts) { p.rights[0] = -4 },
		"feature 2 of 2":                            func(p *parts) { p.nodeFeatures[0] = 2 },
		"feature -1 of 2":                           func(p *parts) { p.nodeFeatures[0] = -1 },
		"categories 0 to 2147483647 of 1 words":     func(p *parts) { p.setWords[1] = 1<<31 - 1 },
		"kind of missing value 31":                  func(p *parts) { p.flags[0] = 31 << 3 },
		"adds to output 1 of 1":                     func(p *parts) { p.outputs[0] = 1 },
		"leaf 1 is +Inf":                            func(p *parts) { p.leaves[1] = inf },
		"the threshold is NaN":                      func(p *parts) { p.thresholds[0] = nan },
		"has the shrinkage NaN":                     func(p *parts) { p.shrinkage[0] = nan },
	} {
		p := whole()
		edit(p)
		out[want] = p.write(gbdt.SchemaHash(features, p.heads))
	}
	return out
}
