package rerank

import (
	"context"
	"fmt"
	"sync"

	"github.com/recsyskit/recsys"
)

// Fair is a re-ranker: FA*IR. It keeps the order but moves rows of a protected group up where a prefix of the list would hold fewer of them than
// fair draws would, by the test of [FairTable], corrected for its being made at every place.
//
// A row of unknown value is not protected. Where no protected row may come the best of the others does. The K places (of the request) are filled
// through [recsys.Candidates.Slate], so that constraints hold on the way. Rows that are not chosen follow in their old order.
// Utilities are dealt out again: the row at place i gets what the row at place i had. Rows of utility -Inf (a NaN score) are
// never chosen while another may come.
//
// An explorer may undo the order; what must hold in the slate that is shown is a constraint: [ExposureFloor], [Require].
//
// Rows of equal utility: protected first, then the one that stood earlier. It costs O(n·K) at most. The table of each K is
// made once, at O(K²·log K) and at most 8·K² bytes for the moment, and kept for the 256 numbers of places seen first; with them it allocates nothing once warm. Safe for concurrent use.
//
// Source: Zehlike et al., "FA*IR: A Fair Top-k Ranking Algorithm", CIKM 2017.
type Fair struct {
	// Attribute names an ID column of items. Required.
	Attribute string
	// Values lists the values of the protected group, at least one; doubles do no harm.
	Values []uint64
	// Share is the probability p that a fair draw is protected, in (0, 1): the share of the group that
	// the list should look like. Required.
	Share float64
	// Alpha is the probability with which a fair ranking may fail the test, in (0, 1); the larger, the stricter. 0 means 0.1, as in the
	// paper.
	Alpha float64
	// Uncorrected makes Alpha the level of the test at each place, so that fair rankings fail more often.
	Uncorrected bool
}

var (
	_ recsys.ReRanker                = Fair{}
	_ recsys.Binder[recsys.ReRanker] = Fair{}
	_ recsys.Validator               = Fair{}
	_ recsys.Versioned               = Fair{}
)

// MaxFairPlaces is how many places a [Fair] fills at most; of more it makes an error, since its table would take hundreds of
// megabytes.
const MaxFairPlaces = 5000

const defaultFairAlpha = 0.1

// Validate reports what is wrong with the fields, joined.
func (x Fair) Validate() error {
	errs := problems{stage: "Fair"}
	if x.Attribute == "" {
		errs.bad("Attribute is empty; name an ID column of items")
	}
	if len(x.Values) == 0 {
		errs.bad("Values is empty; list the values of the protected group")
	}
	if !(x.Share > 0 && x.Share < 1) {
		errs.bad("Share is %v; want a probability in (0, 1)", x.Share)
	}
	if !(x.Alpha >= 0 && x.Alpha < 1) {
		errs.bad("Alpha is %v; want a level in (0, 1) (0 means %v)", x.Alpha, defaultFairAlpha)
	}
	return errs.join()
}

// Bind finds the column of the attribute. It keeps a copy of Values.
func (x Fair) Bind(s *recsys.Schema) (recsys.ReRanker, error) {
	b, err := x.bind(s)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (x Fair) withDefaults() Fair {
	if x.Alpha == 0 {
		x.Alpha = defaultFairAlpha
	}
	return x
}

func (x Fair) bind(s *recsys.Schema) (*boundFair, error) {
	a, err := bindAttribute(s, "Fair.Attribute", x.Attribute)
	b := &boundFair{Fair: x.withDefaults(), attribute: a, values: newValueSet(x.Values), tables: map[int][]int{}}
	b.pool.New = func() any { return &fairWork{cfg: b} }
	return b, err
}

// ReRank finds the column by its name and does what the bound re-ranker does.
func (x Fair) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	b, err := x.bind(c.Schema())
	if err != nil {
		return nil, err
	}
	return b.ReRank(ctx, q, c, order)
}

// Version returns the fields as text.
func (x Fair) Version() string {
	x = x.withDefaults()
	return fmt.Sprintf("attribute=%q values=%v share=%v alpha=%v uncorrected=%t",
		x.Attribute, newValueSet(x.Values), x.Share, x.Alpha, x.Uncorrected)
}

type boundFair struct {
	Fair
	attribute attribute
	values    valueSet
	pool      sync.Pool // *fairWork

	making sync.Mutex // one table at a time is made: those of long lists take much memory
	mu     sync.RWMutex
	tables map[int][]int
}

// known returns the table for k places if it is kept.
func (x *boundFair) known(k int) (table []int, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	table, ok = x.tables[k]
	return table, ok
}

// table returns the table for k places.
func (x *boundFair) table(k int) ([]int, error) {
	if table, ok := x.known(k); ok {
		return table, nil
	}
	if k > MaxFairPlaces {
		return nil, fmt.Errorf("rerank: Fair: the list has %d places; want at most %d", k, MaxFairPlaces)
	}
	x.making.Lock()
	defer x.making.Unlock()
	if table, ok := x.known(k); ok { // another request made it
		return table, nil
	}
	alpha := x.Alpha
	if !x.Uncorrected {
		var err error
		if alpha, _, err = AdjustFairAlpha(k, x.Share, alpha); err != nil {
			return nil, err
		}
	}
	table, err := FairTable(k, x.Share, alpha)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	if len(x.tables) < 256 {
		x.tables[k] = table
	}
	x.mu.Unlock()
	return table, nil
}

// fairWork is the memory of one call.
type fairWork struct {
	list
	fair
	cfg     *boundFair
	ids     []uint64
	missing recsys.Bits
}

// ReRank moves protected rows up.
func (x *boundFair) ReRank(_ context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	k := min(q.K, len(order))
	if k <= 0 {
		return order, nil
	}
	table, err := x.table(k)
	if err != nil {
		return nil, err
	}
	w := x.pool.Get().(*fairWork)
	defer func() {
		w.ids, w.missing, w.table = nil, nil, nil
		x.pool.Put(w)
	}()
	w.ids, w.missing = x.attribute.of(c)
	w.list.read(c, order, len(order))
	w.fair = fair{table: table, protected: w.protected[:0], worth: w.worth[:0]}
	utility := c.Utility()
	for _, row := range w.list.rows {
		w.add(row, utility[row])
	}
	if err := w.fill(w, q, c, order, 0); err != nil {
		return nil, err
	}
	w.write(c, order)
	return order, nil
}

// add appends an item.
func (w *fairWork) add(row int32, utility float32) {
	w.fair.rows = w.list.rows
	w.protected = append(w.protected, w.cfg.values.has(w.ids[row]) && !w.missing.Has(int(row)))
	w.worth = append(w.worth, float64(utility))
}
