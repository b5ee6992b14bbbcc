package retrievaltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
)

// written returns what an index writes.
func (p *indexProbe) written(ix retrieval.Index) []byte {
	w, ok := ix.(io.WriterTo)
	if !ok {
		p.fail("it is no io.WriterTo")
		return nil
	}
	var b bytes.Buffer
	if n, err := w.WriteTo(&b); err != nil || n != int64(b.Len()) {
		p.fail("%v: WriteTo = %d, %v; wrote %d bytes", ix.Metric(), n, err, b.Len())
		return nil
	}
	return b.Bytes()
}

func anyWorkers(p *indexProbe) {
	for _, m := range p.metrics() {
		c := newCatalogue(8, 1200, 16)
		var first retrieval.Index
		var file []byte
		for _, workers := range []int{1, 1, 2, 5} {
			items, vectors := c.clone()
			ix, err := p.build(m, items, vectors, workers)
			if err != nil {
				p.fail("%v, %d workers: %v", m, workers, err)
				return
			}
			p.closes = append(p.closes, ix)
			var now []byte
			if _, ok := ix.(io.WriterTo); ok {
				now = p.written(ix)
			}
			if first == nil {
				first, file = ix, now
				continue
			}
			if !bytes.Equal(now, file) {
				p.fail("%v: with %d workers it writes other bytes than with 1", m, workers)
			}
			if err := alike(first, ix, c.queries, 10, retrieval.SearchOptions{}); err != nil {
				p.fail("%v, built again with %d workers: %v", m, workers, err)
			}
		}
	}
}

// grown calls look for an index of every metric that has been changed since it was built,
// if it can be, and for one that is empty.
func (p *indexProbe) grown(look func(ix retrieval.Index, oracle *Exact, c *catalogue)) {
	p.each(0, 5, look)
	p.each(200, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		look(ix, oracle, c)
		if m, ok := ix.(retrieval.MutableIndex); ok {
			live := slices.Clone(oracle.items)
			for range 100 {
				live = p.change(m, oracle, c, live)
			}
			look(ix, oracle, c)
		}
	})
}

// sameAnswers compares two indexes under all kinds of options.
func (p *indexProbe) sameAnswers(what string, want, got retrieval.Index, c *catalogue) {
	odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
	for _, opt := range []retrieval.SearchOptions{{}, {Filter: odd}, {Allow: c.items[:len(c.items)/3]}, {Exclude: c.items[len(c.items)/2:]}, {Effort: 300}} {
		for _, k := range []int{1, 10, 1000} {
			if err := alike(want, got, c.queries[:15], k, opt); err != nil {
				p.fail("%v, %s: the answers differ: %v", want.Metric(), what, err)
				return
			}
		}
	}
}

func readsWhatItWrote(p *indexProbe) {
	p.grown(func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		file := p.written(ix)
		if file == nil {
			return
		}
		for name, src := range map[string]io.Reader{"a stream": struct{ io.Reader }{bytes.NewReader(file)}, "bytes": bytes.NewReader(file)} {
			got, err := p.Read(src)
			if err != nil {
				p.fail("%v, %d items: Read of %s: %v", ix.Metric(), ix.Len(), name, err)
				return
			}
			p.closes = append(p.closes, got)
			p.sameAnswers("read", ix, got, c)
			if !bytes.Equal(p.written(got), file) {
				p.fail("%v, %d items: what was read is written as other bytes", ix.Metric(), ix.Len())
			}
			p.compare("read", got, oracle, c.queries, 10, retrieval.SearchOptions{})
		}
	})
}

// inFolder calls f with the path of a file in a folder of its own.
func (p *indexProbe) inFolder(f func(path string)) {
	folder, err := os.MkdirTemp("", "retrievaltest")
	if err != nil {
		p.fail("%v", err)
		return
	}
	defer os.RemoveAll(folder)
	f(filepath.Join(folder, "index"))
}

// saveAndOpen writes the index to a file and opens that; the caller closes.
func (p *indexProbe) saveAndOpen(ix retrieval.Index, path string) (retrieval.Index, bool) {
	if err := envelope.WriteFile(path, ix.(io.WriterTo)); err != nil {
		p.fail("%v", err)
		return nil, false
	}
	got, err := p.Open(path)
	if err != nil {
		p.fail("%v, %d items: Open: %v", ix.Metric(), ix.Len(), err)
		return nil, false
	}
	return got, true
}

type verifier interface{ Verify() error }

func opensWhatItWrote(p *indexProbe) {
	p.inFolder(func(path string) {
		p.grown(func(ix retrieval.Index, oracle *Exact, c *catalogue) {
			got, ok := p.saveAndOpen(ix, path)
			if !ok {
				return
			}
			defer closeIndex(got)
			p.sameAnswers("opened", ix, got, c)
			if v, ok := got.(verifier); ok {
				if err := v.Verify(); err != nil {
					p.fail("%v: Verify: %v", ix.Metric(), err)
				}
			}
			if err := os.Remove(path); err != nil { // as a replaced file
				return
			}
			p.compare("opened, the file removed", got, oracle, c.queries, 10, retrieval.SearchOptions{})
		})
		if _, err := p.Open(path + ".none"); !errors.Is(err, os.ErrNotExist) {
			p.fail("Open of no file: error %v; want os.ErrNotExist", err)
		}
	})
}

func changesWhenOpened(p *indexProbe) {
	p.inFolder(func(path string) {
		p.grown(func(ix retrieval.Index, oracle *Exact, c *catalogue) {
			got, ok := p.saveAndOpen(ix, path)
			if !ok {
				return
			}
			defer closeIndex(got)
			before, err := os.ReadFile(path)
			if err != nil {
				p.fail("%v", err)
				return
			}
			// The oracle moves on, so the index it belongs to does too.
			live := slices.Clone(oracle.items)
			for range 80 {
				if live = p.change(both{got.(retrieval.MutableIndex), ix.(retrieval.MutableIndex)}, oracle, c, live); len(p.details) > 0 {
					return
				}
			}
			p.compare("opened and changed", got, oracle, c.queries, 10, retrieval.SearchOptions{})
			p.compare("opened and changed", got, oracle, c.queries[:2], 1000, retrieval.SearchOptions{})
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				p.fail("%v: changes of the opened index have reached its file (%v)", ix.Metric(), err)
			}
			if p.Read == nil {
				return
			}
			again, err := p.Read(bytes.NewReader(p.written(got)))
			if err != nil {
				p.fail("%v: opened, changed and written, it cannot be read: %v", ix.Metric(), err)
				return
			}
			p.closes = append(p.closes, again)
			p.compare("opened, changed, written and read", again, oracle, c.queries, 10, retrieval.SearchOptions{})
		})
	})
}

// both changes two indexes.
type both struct {
	retrieval.MutableIndex
	also retrieval.MutableIndex
}

func (b both) Insert(item recsys.ItemID, vec []float32) error {
	return errors.Join(b.MutableIndex.Insert(item, vec), b.also.Insert(item, vec))
}

func (b both) Update(item recsys.ItemID, vec []float32) error {
	return errors.Join(b.MutableIndex.Update(item, vec), b.also.Update(item, vec))
}

func (b both) Delete(item recsys.ItemID) error {
	return errors.Join(b.MutableIndex.Delete(item), b.also.Delete(item))
}

// damaged calls try with the file of a small index, for which it returns an error if what
// it makes of it is one.
func (p *indexProbe) damaged(try func(file []byte)) {
	for _, m := range p.metrics()[:1] {
		ix, _, ok := p.make(m, newCatalogue(9, 12, 4))
		if !ok {
			return
		}
		if file := p.written(ix); file != nil {
			try(file)
		}
	}
}

// fully opens a file and verifies it, as far as that is left to Verify.
func (p *indexProbe) fully(path string) error {
	ix, err := p.Open(path)
	if err != nil {
		return err
	}
	defer closeIndex(ix)
	if v, ok := ix.(verifier); ok {
		return v.Verify()
	}
	return nil
}

// everyByte is the size up to which files are damaged at every byte. Of what follows, the
// tables of a format with large fixed parts, about as many bytes are tried, and the borders of
// blocks.
const everyByte = 2000

func truncated(p *indexProbe) {
	p.damaged(func(file []byte) {
		step := 1 + len(file)/everyByte
		for n := 0; n < len(file); n++ {
			if n >= everyByte && n%step != 0 && n%64 > 1 {
				continue
			}
			for name, src := range map[string]io.Reader{"stream": struct{ io.Reader }{bytes.NewReader(file[:n])}, "file": bytes.NewReader(file[:n])} {
				if ix, err := p.Read(src); err == nil {
					closeIndex(ix)
					p.fail("Read of the first %d of %d bytes, as a %s: no error", n, len(file), name)
					return
				}
			}
		}
		if p.Open == nil {
			return
		}
		p.inFolder(func(path string) {
			for n := 0; n < len(file); n += 1 + len(file)/1000 {
				if err := os.WriteFile(path, file[:n], 0o644); err != nil {
					p.fail("%v", err)
					return
				}
				if err := p.fully(path); err == nil {
					p.fail("Open of the first %d of %d bytes: no error", n, len(file))
					return
				}
			}
		})
	})
}

func flipped(p *indexProbe) {
	p.damaged(func(file []byte) {
		flip := func(i int) func() {
			file[i] ^= 1 << (i % 8)
			return func() { file[i] ^= 1 << (i % 8) }
		}
		step := 1 + len(file)/everyByte
		for i := 0; i < len(file); i++ {
			if i >= everyByte && i%step != 0 {
				continue
			}
			undo := flip(i)
			ix, err := p.Read(bytes.NewReader(file))
			undo()
			if err == nil {
				closeIndex(ix)
				p.fail("Read of a file of %d bytes with a bit of byte %d flipped: no error", len(file), i)
				return
			}
		}
		if p.Open == nil {
			return
		}
		p.inFolder(func(path string) {
			for i := 0; i < len(file); i += 1 + len(file)/1000 {
				undo := flip(i)
				err := os.WriteFile(path, file, 0o644)
				undo()
				if err != nil {
					p.fail("%v", err)
					return
				}
				if err := p.fully(path); err == nil {
					p.fail("Open and Verify of a file of %d bytes with a bit of byte %d flipped: no error", len(file), i)
					return
				}
			}
		})
	})
}

// full takes some bytes, as a disk does.
type full struct{ left int }

var errFull = errors.New("retrievaltest: disk is full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) <= f.left {
		f.left -= len(b)
		return len(b), nil
	}
	n := f.left
	f.left = 0
	return n, errFull
}

func writeErrors(p *indexProbe) {
	p.each(100, 16, func(ix retrieval.Index, _ *Exact, _ *catalogue) {
		size := len(p.written(ix))
		for _, room := range []int{0, 1, size / 2, size - 1} {
			if n, err := ix.(io.WriterTo).WriteTo(&full{room}); !errors.Is(err, errFull) {
				p.fail("%v: WriteTo with room for %d of %d bytes = %d, %v", ix.Metric(), room, size, n, fmt.Sprint(err))
			}
		}
	})
}
