package twotower

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// network is what is learned: the dense weights of both towers and the tables of embeddings.
type network struct {
	userWeights, itemWeights []float32
	user, item               *tower

	// A table that is not used is nil. history is items unless Config.Untied is set.
	users, items, history, userCats, itemCats *nn.Table

	userPlaces, itemPlaces places
	strangers              []int32    // rows of users who took nothing in training, ascending: their ids say nothing
	itemAt                 [][2]int32 // by row of the catalogue; nobody for an item that is its features alone
}

// nobody stands for the places of an id without a vector.
var nobody = [2]int32{-1, -1}

// hide makes items their features alone: of those that nobody took in training, the vectors
// of the ids say nothing.
func (n *network) hide(items []int32) {
	for _, i := range items {
		n.itemAt[i] = nobody
	}
}

// hidden lists the items that are hidden, ascending.
func (n *network) hidden() []int32 {
	var rows []int32
	for i, at := range n.itemAt {
		if at == nobody {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// newNetwork returns the form of a network for the configuration and the features: neither
// tables nor towers have values.
func newNetwork(cfg *Config, users int, items []recsys.ItemID, userFeatures, itemFeatures *inputs) *network {
	n := &network{
		userPlaces: newPlaces(users, cfg.UserBuckets, userSalt),
		itemPlaces: newPlaces(len(items), cfg.ItemBuckets, itemSalt),
	}
	n.items = &nn.Table{Rows: n.itemPlaces.rows, Dim: cfg.Dim}
	n.history = n.items
	if cfg.Untied {
		n.history = &nn.Table{Rows: n.itemPlaces.rows, Dim: cfg.Dim}
	}
	if !cfg.Anonymous {
		n.users = &nn.Table{Rows: n.userPlaces.rows, Dim: cfg.Dim}
	}
	if userFeatures.cats > 0 {
		n.userCats = &nn.Table{Rows: cfg.CategoryBuckets, Dim: cfg.CategoryDim}
	}
	if itemFeatures.cats > 0 {
		n.itemCats = &nn.Table{Rows: cfg.CategoryBuckets, Dim: cfg.CategoryDim}
	}
	n.itemAt = make([][2]int32, len(items))
	for i, id := range items {
		n.itemAt[i] = n.itemPlaces.of(int32(i), uint64(id))
	}
	return n
}

// fill gives the network its values: of a section of a name and a size, in a fixed order.
func (n *network) fill(cfg *Config, userFeatures, itemFeatures *inputs, values func(name string, size int) []float32) {
	user, item := builders(cfg, userFeatures, itemFeatures)
	n.userWeights, n.itemWeights = values("user-tower", nn.Size(user)), values("item-tower", nn.Size(item))
	tables, names := n.tables()
	for i, t := range tables {
		t.W = values(names[i], t.Rows*t.Dim)
	}
}

// assemble makes the towers of their weights.
func (n *network) assemble(cfg *Config, userFeatures, itemFeatures *inputs) {
	user, item := builders(cfg, userFeatures, itemFeatures)
	n.user, n.item = user(nn.NewSlab(n.userWeights)), item(nn.NewSlab(n.itemWeights))
}

// builders return the functions that build the towers on a slab.
func builders(cfg *Config, userFeatures, itemFeatures *inputs) (user, item func(*nn.Slab) *tower) {
	parts := 2 // id and history
	if cfg.Anonymous {
		parts = 1
	}
	user = func(s *nn.Slab) *tower {
		return newTower(s, cfg.Dim, parts, userFeatures.width(cfg.CategoryDim), cfg.Hidden, cfg.Pooling == Attention)
	}
	item = func(s *nn.Slab) *tower {
		return newTower(s, cfg.Dim, 1, itemFeatures.width(cfg.CategoryDim), cfg.Hidden, false)
	}
	return user, item
}

// tables returns all tables that are used, each once, with what they are called in a file.
func (n *network) tables() (tables []*nn.Table, names []string) {
	add := func(t *nn.Table, name string) {
		if t != nil {
			tables, names = append(tables, t), append(names, name)
		}
	}
	add(n.items, "item-table")
	if n.history != n.items {
		add(n.history, "history-table")
	}
	add(n.users, "user-table")
	add(n.itemCats, "item-categories")
	add(n.userCats, "user-categories")
	return tables, names
}

// quiet is how long the vectors of users' ids are at first beside those of items: a user starts
// as the history, and the id learns what that does not say.
const quiet = 0.1

// init draws all weights.
func (n *network) init(cfg *Config) {
	rng := rand.New(rand.NewPCG(cfg.Seed, hash.Combine(weightSeed)))
	n.user.init(rng)
	n.item.init(rng)
	tables, _ := n.tables()
	for _, t := range tables {
		// The sum of two rows has the variance of one of another table.
		bound := 1 / math.Sqrt(float64(t.Dim))
		if t == n.users && n.userPlaces.k > 1 || (t == n.items || t == n.history) && n.itemPlaces.k > 1 {
			bound *= math.Sqrt2 / 2
		}
		if t == n.users {
			bound *= quiet
		}
		t.Init(bound, rng)
	}
}

// pack readies the towers for work; see [nn.Dense.Pack].
func (n *network) pack(back bool) {
	n.user.pack(back)
	n.item.pack(back)
}

// userAt returns the places of the id of a user by row, nobody for one without.
func (n *network) userAt(row int32, id recsys.UserID) [2]int32 {
	if _, stranger := slices.BinarySearch(n.strangers, row); stranger || n.users == nil {
		return nobody
	}
	return n.userPlaces.of(row, uint64(id))
}

// gather writes the sum of the rows at two places to x, and reports whether there was one.
func gather(x []float32, t *nn.Table, at [2]int32) bool {
	if at[0] < 0 {
		clear(x)
		return false
	}
	copy(x, t.Row(at[0]))
	if at[1] >= 0 {
		simd.Add(x, t.Row(at[1]))
	}
	return true
}

// itemInput writes the input row of an item of the catalogue, its id at the places at.
func (n *network) itemInput(x []float32, item int32, at [2]int32, f *inputs) {
	gather(x[:n.items.Dim], n.items, at)
	if f.dense+f.cats > 0 {
		values, cats := f.row(item)
		f.fill(x[n.items.Dim:], values, cats, n.itemCats)
	}
}

// userInput writes the input row of a user: the id at its places, the history with its
// weights, which become those of the pooling, and features.
func (n *network) userInput(x []float32, id [2]int32, items []int32, weights []float32, f *inputs, values []float32, cats []int32) {
	dim := n.items.Dim
	if n.users != nil {
		gather(x[:dim], n.users, id)
		x = x[dim:]
	}
	n.pool(x[:dim], items, weights)
	if f.dense+f.cats > 0 {
		f.fill(x[dim:], values, cats, n.userCats)
	}
}

// pool writes the vector of a history to x, and the share of each item to weights.
func (n *network) pool(x []float32, items []int32, weights []float32) {
	clear(x)
	if len(items) == 0 {
		return
	}
	if c := n.user.context; c != nil {
		root := float32(1 / math.Sqrt(float64(len(c))))
		top := float32(math.Inf(-1))
		for _, w := range weights {
			top = max(top, w)
		}
		for k, item := range items {
			// The softmax of s + log w is w e^s over the sum.
			s := float32(n.dot(c, item) * root)
			if weights[k] < top {
				s += float32(fmath.Log(float64(weights[k]) / float64(top)))
			}
			weights[k] = s
		}
		simd.Softmax(weights, weights)
	} else {
		sum := 0.0
		for _, w := range weights {
			sum += float64(w)
		}
		for k, w := range weights {
			weights[k] = float32(float64(w) / sum)
		}
	}
	for k, item := range items {
		at := n.itemAt[item]
		simd.Axpy(weights[k], n.history.Row(at[0]), x)
		if at[1] >= 0 {
			simd.Axpy(weights[k], n.history.Row(at[1]), x)
		}
	}
}

// dot returns the product of c with the vector of an item of a history.
func (n *network) dot(c []float32, item int32) float32 {
	at := n.itemAt[item]
	s := simd.Dot(c, n.history.Row(at[0]))
	if at[1] >= 0 {
		s += simd.Dot(c, n.history.Row(at[1]))
	}
	return s
}
