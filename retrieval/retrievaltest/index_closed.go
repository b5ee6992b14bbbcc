package retrievaltest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// closedIndex closes indexes in memory, and those that Open returns if there is such a thing.
func closedIndex(p *indexProbe) {
	folder, err := os.MkdirTemp("", "retrievaltest")
	if err != nil {
		p.fail("%v", err)
		return
	}
	defer os.RemoveAll(folder)
	p.each(70, 5, func(ix retrieval.Index, _ *Exact, c *catalogue) {
		opened := p.reopened(ix, filepath.Join(folder, ix.Metric().String()))
		p.closed("in memory", ix, c, filepath.Join(folder, "saved"))
		if opened != nil {
			p.closed("opened", opened, c, filepath.Join(folder, ix.Metric().String()))
		}
	})
}

// reopened returns the index as Open reads it, nil if it cannot be written or opened.
func (p *indexProbe) reopened(ix retrieval.Index, path string) retrieval.Index {
	w, ok := ix.(io.WriterTo)
	if !ok || p.Open == nil {
		return nil
	}
	var b bytes.Buffer
	_, err := w.WriteTo(&b)
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o644)
	}
	var opened retrieval.Index
	if err == nil {
		opened, err = p.Open(path)
	}
	if err != nil {
		p.fail("%v: %v", ix.Metric(), err)
		return nil
	}
	p.closes = append(p.closes, opened)
	return opened
}

// closed closes an index twice and calls all its methods. path is where to save it to: its
// file, if it has one.
func (p *indexProbe) closed(what string, ix retrieval.Index, c *catalogue, path string) {
	closer, ok := ix.(io.Closer)
	if !ok {
		return
	}
	for _, which := range []string{"Close", "second Close"} {
		if err := closer.Close(); err != nil {
			p.fail("%v, %s: %s: %v", ix.Metric(), what, which, err)
			return
		}
	}
	file, _ := os.ReadFile(path)
	q, item := c.queries[0], c.items[0]
	for name, call := range closedCalls(ix, q, item, path) {
		if err := call(); !errors.Is(err, retrieval.ErrClosed) {
			p.fail("%v, %s: %s after Close: error %v; want retrieval.ErrClosed, wrapped", ix.Metric(), what, name, err)
		}
	}
	dst := []retrieval.Neighbor{{Item: 1}}
	if got, _ := ix.Search(dst, q, 5, retrieval.SearchOptions{}); len(got) != 1 || got[0] != dst[0] {
		p.fail("%v, %s: Search after Close returns %v; want dst as it was", ix.Metric(), what, got)
	}
	if v, ok := ix.Vector([]float32{1}, item); ok || len(v) != 1 {
		p.fail("%v, %s: Vector after Close finds %v", ix.Metric(), what, v)
	}
	if n := ix.Len(); n != 0 {
		p.fail("%v, %s: Len after Close is %d; want 0", ix.Metric(), what, n)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, file) {
		p.fail("%v, %s: Save after Close changes the file from %d bytes to %d", ix.Metric(), what, len(file), len(now))
	}
}

// closedCalls returns the calls that an index has of those that must fail.
func closedCalls(ix retrieval.Index, q []float32, item recsys.ItemID, path string) map[string]func() error {
	calls := map[string]func() error{
		"Search": func() error { _, err := ix.Search(nil, q, 5, retrieval.SearchOptions{}); return err },
		"Score":  func() error { return ix.Score(make([]float32, 1), q, []recsys.ItemID{item}) },
	}
	if x, ok := ix.(retrieval.MutableIndex); ok {
		calls["Insert"] = func() error { return x.Insert(fresh(1), q) }
		calls["Update"] = func() error { return x.Update(item, q) }
		calls["Delete"] = func() error { return x.Delete(item) }
	}
	if x, ok := ix.(io.WriterTo); ok {
		calls["WriteTo"] = func() error { _, err := x.WriteTo(io.Discard); return err }
	}
	if x, ok := ix.(interface{ Save(string) error }); ok {
		calls["Save"] = func() error { return x.Save(path) }
	}
	if x, ok := ix.(interface{ Verify() error }); ok {
		calls["Verify"] = x.Verify
	}
	if x, ok := ix.(interface{ Compact(context.Context) error }); ok {
		calls["Compact"] = func() error { return x.Compact(context.Background()) }
	}
	return calls
}
