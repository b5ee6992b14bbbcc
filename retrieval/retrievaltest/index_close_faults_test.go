package retrievaltest_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// closable is an index with a Close that has gaps.
type closable struct {
	*retrievaltest.Exact
	closed bool
	serves bool // searches go on
	keeps  bool // items stay
	once   bool // a second Close fails
	writes bool // Save writes what is left
}

func (c *closable) Close() error {
	if c.closed && c.once {
		return retrieval.ErrClosed
	}
	c.closed = true
	return nil
}

func (c *closable) err(lax bool) error {
	if c.closed && !lax {
		return retrieval.ErrClosed
	}
	return nil
}

func (c *closable) Search(dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
	if err := c.err(c.serves); err != nil {
		return dst, err
	}
	return c.Exact.Search(dst, q, k, opt)
}

func (c *closable) Score(dst, q []float32, items []recsys.ItemID) error {
	return errors.Join(c.err(false), c.Exact.Score(dst, q, items))
}

func (c *closable) Insert(item recsys.ItemID, vec []float32) error {
	return errors.Join(c.err(false), c.Exact.Insert(item, vec))
}

func (c *closable) Update(item recsys.ItemID, vec []float32) error {
	return errors.Join(c.err(false), c.Exact.Update(item, vec))
}

func (c *closable) Delete(item recsys.ItemID) error {
	return errors.Join(c.err(false), c.Exact.Delete(item))
}

func (c *closable) WriteTo(dst io.Writer) (int64, error) {
	if err := c.err(false); err != nil {
		return 0, err
	}
	return c.Exact.WriteTo(dst)
}

func (c *closable) Save(path string) error {
	if err := c.err(false); err != nil {
		if c.writes {
			return errors.Join(err, os.WriteFile(path, nil, 0o644))
		}
		return err
	}
	return envelope.WriteFile(path, c)
}

func (c *closable) Vector(dst []float32, item recsys.ItemID) ([]float32, bool) {
	if c.closed && !c.keeps {
		return dst, false
	}
	return c.Exact.Vector(dst, item)
}

func (c *closable) Len() int {
	if c.closed && !c.keeps {
		return 0
	}
	return c.Exact.Len()
}

// closing builds indexes with the gaps of one, and a suite that opens them.
func closing(gaps closable) (retrievaltest.BuildIndex, func(s *retrievaltest.IndexSuite)) {
	with := func(x *retrievaltest.Exact) retrieval.Index {
		c := gaps
		c.Exact = x
		return &c
	}
	build := func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, _ int) (retrieval.Index, error) {
		x, err := retrievaltest.NewExact(m, items, vectors)
		if err != nil {
			return nil, err
		}
		return with(x), nil
	}
	return build, func(s *retrievaltest.IndexSuite) {
		s.Open = func(path string) (retrieval.Index, error) {
			x := new(retrievaltest.Exact)
			err := envelope.ReadFile(path, x)
			return with(x), err
		}
	}
}

func closeFaults() (all []indexFault) {
	for what, gaps := range map[string]closable{
		"goes on serving":         {serves: true},
		"keeps its items":         {keeps: true},
		"fails when closed twice": {once: true},
		"empties its file":        {writes: true},
	} {
		build, suite := closing(gaps)
		all = append(all, indexFault{name: "closed", what: what, build: build, suite: suite})
	}
	return all
}

func TestAnIndexThatCloses(t *testing.T) {
	build, suite := closing(closable{})
	s := exactSuite()
	suite(&s)
	require.Empty(t, s.CheckCase("closed", build))
}
