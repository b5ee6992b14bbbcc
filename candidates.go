package recsys

import (
	"errors"
	"fmt"
)

// Candidates is the table of everything that the retrievers proposed for one
// request: one row per item, in columns. Stages read it; rows never move, a stage
// that orders passes a list of rows.
//
// The table is the pipeline's and is reused: keep nothing of it after the call. All
// slices that it returns are views, read-only but for [Candidates.Utility] in a re-ranker.
type Candidates struct {
	schema *Schema
	ids    []ItemID

	masks  []uint64  // bit s: source s proposed the row
	ranks  []int32   // n x sources; -1: not proposed
	recall []float32 // n x sources: the score each source gave
	merged []float32 // the score of the merge

	floats  []float32 // n x Width, row-major, request columns first
	idcols  [][]uint64
	vectors [][]float32
	missing []Bits // per group
	stale   []Bits
	ages    [][]float32 // per group; nil where the source writes none

	heads   []float32 // n x H, row-major
	score   []float32
	utility []float32
	dropped []uint8 // 0: alive; else 1 + index of the filter

	aged        []bool // groups that have ages; nil outside a pipeline
	constraints []Constraint
	stages      []constraintStage // parallel to constraints; nil outside a pipeline
	scratch     Slate             // for re-rankers and judges
}

// NewCandidates returns a table of the given items with all features missing and
// all scores 0, as if the schema's first source had proposed the items in this
// order. It serves tests, offline scoring and conformance suites; fill it through
// Row, IDColumn and Vector. A nil schema stands for one without columns.
func NewCandidates(s *Schema, items []ItemID) *Candidates {
	if s == nil {
		s = &Schema{}
	}
	c := &Candidates{}
	c.reset(s)
	for i, id := range items {
		c.addRow(id)
		c.merged[i] = 1 / float32(60+i+1)
		if len(s.sources) > 0 {
			c.masks[i] = 1
			c.ranks[i*len(s.sources)] = int32(i)
		}
	}
	c.shape()
	for i := range s.fields {
		f := &s.fields[i]
		if f.Kind == Float {
			for r := range c.ids {
				c.Row(r)[f.Index] = f.missing()
			}
		}
	}
	for g := range c.missing {
		c.missing[g].SetFirst(len(items))
	}
	return c
}

// Constrain sets the constraints that [Candidates.Slate] works under, for tests and
// offline use. In a pipeline they are set before the first re-ranker.
func (c *Candidates) Constrain(constraints ...Constraint) {
	c.constraints, c.stages = constraints, nil
}

// Schema returns the layout of the table.
func (c *Candidates) Schema() *Schema { return c.schema }

// Len returns the number of rows.
func (c *Candidates) Len() int { return len(c.ids) }

// IDs returns the item of each row.
func (c *Candidates) IDs() []ItemID { return c.ids }

// Sources returns the mask of the retrievers that proposed row i; see [Schema.Source].
func (c *Candidates) Sources(i int) uint64 { return c.masks[i] }

// SourceRank returns the rank, from 0, at which source s proposed row i, or -1.
func (c *Candidates) SourceRank(i, s int) int { return int(c.ranks[i*len(c.schema.sources)+s]) }

// SourceScore returns the score that source s gave row i, 0 when it did not propose it.
func (c *Candidates) SourceScore(i, s int) float32 { return c.recall[i*len(c.schema.sources)+s] }

// MergeScores returns the score of each row after the merge, before ranking.
func (c *Candidates) MergeScores() []float32 { return c.merged }

// Floats returns the float columns: row i is Floats()[i*w : (i+1)*w] with w = Schema().Width().
func (c *Candidates) Floats() []float32 { return c.floats }

// Row returns the float columns of row i, request columns first; see [Field].Index.
func (c *Candidates) Row(i int) []float32 {
	w := c.schema.floats
	return c.floats[i*w : (i+1)*w : (i+1)*w]
}

// IDColumn returns ID column j of all rows. Request columns are repeated in every row.
func (c *Candidates) IDColumn(j int) []uint64 { return c.idcols[j] }

// Vectors returns vector column j of all rows, row-major, and its dimension.
func (c *Candidates) Vectors(j int) (data []float32, dim int) {
	return c.vectors[j], c.schema.vectors[j]
}

// Vector returns vector column j of row i.
func (c *Candidates) Vector(j, i int) []float32 {
	d := c.schema.vectors[j]
	return c.vectors[j][i*d : (i+1)*d : (i+1)*d]
}

// Missing returns the rows that the source of a group does not know; see [Field].Group.
func (c *Candidates) Missing(group int) Bits { return c.missing[group] }

// Stale returns the rows whose values were older than their MaxAge.
func (c *Candidates) Stale(group int) Bits { return c.stale[group] }

// Ages returns how old the values of a group are in each row, in seconds at the query's Now; NaN where that is
// not known. It is nil where the group's source knows no ages; see [AgeWriter]. Ages of the request are repeated in every row.
func (c *Candidates) Ages(group int) []float32 { return c.ages[group] }

// HeadRow returns the heads of row i; see [Schema.Head].
func (c *Candidates) HeadRow(i int) []float32 {
	h := len(c.schema.heads)
	return c.heads[i*h : (i+1)*h : (i+1)*h]
}

// Scores returns the score of each row: the objective's, else the last ranker's, else the merge's.
func (c *Candidates) Scores() []float32 { return c.score }

// Utility returns the value of each row that explorers choose by. It starts as
// the score (-Inf where that is NaN); a re-ranker that changes the order writes
// values that do not increase along its order. Explorers take NaN for -Inf.
func (c *Candidates) Utility() []float32 { return c.utility }

// Dropped returns 0 for a row that passed all filters, else 1 + the index of the filter that dropped it.
func (c *Candidates) Dropped(i int) int { return int(c.dropped[i]) }

// Slate opens the table's scratch slate: k places to be filled from order, best
// first, under the constraints of the pipeline. A re-ranker that builds its list
// greedily, and an explorer that judges a logged slate, walk it to respect them. A
// later call takes the same memory: one at a time.
func (c *Candidates) Slate(k int, order []int32) *Slate { return c.SlateWithin(k, order, len(order)) }

// SlateWithin is [Candidates.Slate] with a window: the first window rows of order are open to
// choice, the others come only when none of those may. It is the slate that explorers
// of a pipeline see, whose window is [Depth].
func (c *Candidates) SlateWithin(k int, order []int32, window int) *Slate {
	c.scratch.own = append(c.scratch.own[:0], order...) // the caller may permute order meanwhile
	c.scratch.open(c, k, c.scratch.own, window, c.constraints, c.stages)
	return &c.scratch
}

// reset empties the table for a request.
func (c *Candidates) reset(s *Schema) {
	c.schema = s
	c.ids, c.masks, c.merged = c.ids[:0], c.masks[:0], c.merged[:0]
	c.ranks, c.recall = c.ranks[:0], c.recall[:0]
	c.constraints, c.stages = nil, nil
}

// addRow appends a row that no source has claimed yet.
func (c *Candidates) addRow(id ItemID) int {
	c.ids, c.masks, c.merged = append(c.ids, id), append(c.masks, 0), append(c.merged, 0)
	for range c.schema.sources {
		c.ranks, c.recall = append(c.ranks, -1), append(c.recall, 0)
	}
	return len(c.ids) - 1
}

// shape readies all other columns for the rows there are. Floats are left as they are.
func (c *Candidates) shape() {
	n, s := len(c.ids), c.schema
	c.floats = resize(c.floats, n*s.floats)
	c.idcols = resize(c.idcols, s.ids)
	for j := range c.idcols {
		c.idcols[j] = resize(c.idcols[j], n)
		clear(c.idcols[j])
	}
	c.vectors = resize(c.vectors, len(s.vectors))
	for j, d := range s.vectors {
		c.vectors[j] = resize(c.vectors[j], n*d)
		clear(c.vectors[j])
	}
	c.missing, c.stale = resize(c.missing, len(s.groups)), resize(c.stale, len(s.groups))
	for g := range s.groups {
		c.missing[g], c.stale[g] = resizeBits(c.missing[g], n), resizeBits(c.stale[g], n)
	}
	c.shapeAges()
	c.heads = resize(c.heads, n*len(s.heads))
	c.score, c.utility = resize(c.score, n), resize(c.utility, n)
	clear(c.heads)
	clear(c.score)
	clear(c.utility)
	c.dropped = resize(c.dropped, n)
	clear(c.dropped)
}

// shapeAges readies the ages of the groups that have them.
func (c *Candidates) shapeAges() {
	c.ages = resize(c.ages, len(c.schema.groups))
	for g := range c.ages {
		if g >= len(c.aged) || !c.aged[g] {
			c.ages[g] = nil
			continue
		}
		c.ages[g] = resize(c.ages[g], len(c.ids))
		for i := range c.ages[g] {
			c.ages[g][i] = unknownAge()
		}
	}
}

// cloneTo makes dst a deep copy of what a ranker may read, in dst's own memory.
func (c *Candidates) cloneTo(dst *Candidates) {
	dst.schema = c.schema
	dst.ids = append(dst.ids[:0], c.ids...)
	dst.masks = append(dst.masks[:0], c.masks...)
	dst.ranks = append(dst.ranks[:0], c.ranks...)
	dst.recall = append(dst.recall[:0], c.recall...)
	dst.merged = append(dst.merged[:0], c.merged...)
	dst.floats = append(dst.floats[:0], c.floats...)
	dst.heads = append(dst.heads[:0], c.heads...)
	dst.score = append(dst.score[:0], c.score...)
	dst.utility = append(dst.utility[:0], c.utility...)
	dst.dropped = append(dst.dropped[:0], c.dropped...)
	dst.idcols = cloneColumns(dst.idcols, c.idcols)
	dst.vectors = cloneColumns(dst.vectors, c.vectors)
	dst.missing = cloneColumns(dst.missing, c.missing)
	dst.stale = cloneColumns(dst.stale, c.stale)
	dst.ages = cloneColumns(dst.ages, c.ages)
	for g := range dst.ages {
		if c.ages[g] == nil {
			dst.ages[g] = nil
		}
	}
}

func cloneColumns[S ~[]T, T any](dst, src []S) []S {
	dst = resize(dst, len(src))
	for j := range src {
		dst[j] = append(dst[j][:0], src[j]...)
	}
	return dst
}

// Sink takes the candidates of one call of one retriever. It is private to the
// call: what is added after the call was given up is lost, never served.
type Sink struct {
	ids    []ItemID
	scores []float32
	limit  int

	rule    *itemRule // what Exclude and Allow say
	refused int       // by the rule

	spill    []ItemID // beyond the limit, kept when the request explains
	spillMax int

	own *itemRule // of a sink that Open was called on

	self *Sink // finds a sink that was overwritten by another
	_    noCopy
}

// noCopy makes go vet report copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// NewSink returns a sink with room for n candidates, for tests and offline use.
func NewSink(n int) *Sink { return &Sink{limit: n} }

// Open readies s for a call of a retriever that answers q: it is empty, has room for n
// candidates, and what q excludes or does not allow takes no room. A stage that asks other
// retrievers opens a sink of its own for each. It allocates only to grow. The pipeline's
// sinks are not the stage's to open.
func (s *Sink) Open(q *Query, n int) {
	if s.own == nil {
		s.own = new(itemRule)
	}
	s.reset(n, s.own.set(q), false)
}

// Add proposes an item with the source's own score, higher is better, and reports
// whether there is room for more. Items that the request excludes take no room.
// Doubles take room and are merged later; the first place counts. A NaN score
// counts as the lowest.
func (s *Sink) Add(id ItemID, score float32) bool {
	if s.rule != nil && !s.rule.allows(id) {
		s.refused++
		return true
	}
	if len(s.ids) >= s.limit {
		if len(s.spill) < s.spillMax {
			s.spill = append(s.spill, id)
		}
		return len(s.spill) < s.spillMax
	}
	s.ids, s.scores = append(s.ids, id), append(s.scores, score)
	return len(s.ids) < s.limit || s.spillMax > 0
}

// Room returns how many more candidates the sink takes.
func (s *Sink) Room() int { return s.limit - len(s.ids) }

// Accepts reports whether the request allows the item: a retriever that searches
// can ask before it does costly work on it.
func (s *Sink) Accepts(id ItemID) bool { return s.rule == nil || s.rule.allows(id) }

// Items returns what was added so far, best first. The slices are the sink's.
func (s *Sink) Items() ([]ItemID, []float32) { return s.ids, s.scores }

var errSink = errors.New("the sink was overwritten; propose through Add alone")

// check reports a sink that is not what the call was given, and disowns its memory.
func (s *Sink) check() error {
	if s.self == s {
		return nil
	}
	s.ids, s.scores, s.spill, s.self = nil, nil, nil, s
	return errSink
}

func (s *Sink) reset(limit int, rule *itemRule, explain bool) {
	if s.self != s { // new, or what a stage that panicked put here
		s.ids, s.scores, s.spill = nil, nil, nil
	}
	s.self = s
	s.ids, s.scores, s.spill = s.ids[:0], s.scores[:0], s.spill[:0]
	s.limit, s.rule, s.refused, s.spillMax = limit, rule, 0, 0
	if explain {
		s.spillMax = limit
	}
}

// Scores is where a [Ranker] writes. It is private to the call.
type Scores struct {
	// Score[i] is the score of row i; higher is better, NaN sorts last.
	Score []float32
	// Heads holds the ranker's heads, row-major with Stride floats between rows:
	// head j of row i, in the order of [HeadWriter], is Heads[i*Stride+j].
	Heads  []float32
	Stride int
}

// NewScores returns scores for n rows and h heads, for tests and offline use.
func NewScores(n, h int) Scores {
	return Scores{Score: make([]float32, n), Heads: make([]float32, n*h), Stride: h}
}

// String prints the size of the table.
func (c *Candidates) String() string {
	return fmt.Sprintf("%d candidates, %d floats, %d heads", len(c.ids), c.schema.floats, len(c.schema.heads))
}
