package retrievaltest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func buildFaults() []indexFault {
	accept := func(change func(items []recsys.ItemID, vectors vector.Matrix) ([]recsys.ItemID, vector.Matrix)) retrievaltest.BuildIndex {
		return func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
			items, vectors = change(items, vectors)
			return exact(m, items, vectors, workers)
		}
	}
	return []indexFault{
		{name: "refuses-bad-vectors", what: "takes NaN for 0", build: accept(func(items []recsys.ItemID, vectors vector.Matrix) ([]recsys.ItemID, vector.Matrix) {
			for i, v := range vectors.Data {
				if v-v != 0 {
					vectors.Data[i] = 0
				}
			}
			return items, vectors
		})},
		{name: "refuses-bad-vectors", what: "names no row", build: func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
			x, err := retrievaltest.NewExact(m, items, vectors)
			for _, is := range []error{retrieval.ErrNotFinite, retrieval.ErrDuplicate} {
				if errors.Is(err, is) {
					return nil, is
				}
			}
			return x, err
		}},
		{name: "strided", what: "checks what lies between rows", build: func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
			if !vector.Finite(vectors.Data) {
				return nil, retrieval.ErrNotFinite
			}
			return exact(m, items, vectors, workers)
		}},
		{name: "strided", what: "takes rows for consecutive", build: accept(func(items []recsys.ItemID, vectors vector.Matrix) ([]recsys.ItemID, vector.Matrix) {
			for i, v := range vectors.Data {
				if v != v {
					vectors.Data[i] = 0
				}
			}
			vectors.Stride = vectors.Dim
			return items, vectors
		})},
		{name: "any-workers", what: "writes how many workers it had", build: func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, workers int) (retrieval.Index, error) {
			x, err := retrievaltest.NewExact(m, items, vectors)
			if err != nil {
				return nil, err
			}
			return &mutant{Exact: x, write: func(x *retrievaltest.Exact, dst io.Writer) (int64, error) {
				n, err := x.WriteTo(dst)
				if err == nil {
					_, err = fmt.Fprint(dst, workers)
					n++
				}
				return n, err
			}}, nil
		}},
	}
}

func changeFaults() []indexFault {
	return []indexFault{
		{name: "mutable", what: "nothing can be changed", build: unchangeable, suite: func(s *retrievaltest.IndexSuite) { s.Mutable = true }},
		{name: "insert", what: "replaces what is there", build: of(func() mutant {
			return mutant{insert: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
				if err := x.Insert(item, vec); !errors.Is(err, retrieval.ErrDuplicate) {
					return err
				}
				return x.Update(item, vec)
			}}
		})},
		{name: "insert", what: "is seen later", build: of(func() mutant {
			var items []recsys.ItemID
			return mutant{
				insert: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
					items = append(items, item)
					return x.Insert(item, vec)
				},
				search: func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
					if len(items) > 0 {
						opt.Exclude = append(slices.Clone(opt.Exclude), items[len(items)-1])
					}
					return x.Search(dst, q, k, opt)
				},
			}
		})},
		{name: "update", what: "does nothing", build: of(func() mutant {
			return mutant{update: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
				old, ok := x.Vector(nil, item)
				if err := x.Update(item, vec); err != nil || !ok {
					return err
				}
				return x.Update(item, old)
			}}
		})},
		{name: "update", what: "deletes what it cannot store", build: of(func() mutant {
			return mutant{update: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
				err := x.Update(item, vec)
				if err != nil {
					x.Delete(item)
				}
				return err
			}}
		})},
		{name: "delete", what: "no error for what is not there", build: of(func() mutant {
			return mutant{remove: func(x *retrievaltest.Exact, item recsys.ItemID) error {
				x.Delete(item)
				return nil
			}}
		})},
		{name: "delete", what: "leaves the vector", build: of(func() mutant {
			gone := map[recsys.ItemID][]float32{}
			return mutant{
				remove: func(x *retrievaltest.Exact, item recsys.ItemID) error {
					if v, ok := x.Vector(nil, item); ok {
						gone[item] = v
					}
					return x.Delete(item)
				},
				vector: func(x *retrievaltest.Exact, dst []float32, item recsys.ItemID) ([]float32, bool) {
					if v, ok := gone[item]; ok {
						return append(dst, v...), true
					}
					return x.Vector(dst, item)
				},
			}
		})},
		{name: "churn", what: "every 20th update is lost", build: of(func() mutant {
			n := 0
			return mutant{update: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
				if n++; n%20 == 0 {
					return nil
				}
				return x.Update(item, vec)
			}}
		})},
		{name: "filters-follow-changes", what: "remembers which items match", build: of(func() mutant {
			known := map[*retrieval.Filter][]recsys.ItemID{}
			return mutant{search: func(x *retrievaltest.Exact, dst []neighbor, q []float32, k int, opt options) ([]neighbor, error) {
				if opt.Filter != nil {
					if known[opt.Filter] == nil {
						all, err := x.Search(nil, q, x.Len(), options{Filter: opt.Filter})
						if err != nil {
							return dst, err
						}
						for _, n := range all {
							known[opt.Filter] = append(known[opt.Filter], n.Item)
						}
					}
					opt.Filter, opt.Allow = nil, known[opt.Filter]
				}
				return x.Search(dst, q, k, opt)
			}}
		})},
		{name: "concurrent-changes", what: "an update in two steps", build: of(func() mutant {
			return mutant{update: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
				half, ok := x.Vector(nil, item)
				if !ok {
					return x.Update(item, vec)
				}
				copy(half[:len(half)/2], vec)
				if err := x.Update(item, half); err != nil {
					return err
				}
				runtime.Gosched()
				return x.Update(item, vec)
			}}
		})},
		{name: "concurrent-changes", what: "the saved file is a mixture", build: of(func() mutant {
			return mutant{write: func(x *retrievaltest.Exact, dst io.Writer) (int64, error) {
				torn := new(retrievaltest.Exact)
				var b bytes.Buffer
				if _, err := x.WriteTo(&b); err != nil {
					return 0, err
				}
				if _, err := torn.ReadFrom(&b); err != nil {
					return 0, err
				}
				if all, _ := torn.Search(nil, make([]float32, torn.Dim()), 1, options{}); len(all) > 0 {
					torn.Update(all[0].Item, make([]float32, torn.Dim()))
				}
				return torn.WriteTo(dst)
			}}
		})},
	}
}

func fileFaults() []indexFault {
	open := func(path string) (retrieval.Index, error) { return exactSuite().Open(path) }
	lenient := func(r io.Reader) (retrieval.Index, error) { // an error is an empty index
		x, err := exactSuite().Read(r)
		if err != nil {
			return retrievaltest.NewExact(retrieval.InnerProduct, nil, vector.Matrix{Dim: 4})
		}
		return x, nil
	}
	without := func(x retrieval.Index) retrieval.Index {
		all, _ := x.Search(nil, make([]float32, x.Dim()), 1, options{})
		if len(all) > 0 {
			x.(retrieval.MutableIndex).Delete(all[0].Item)
		}
		return x
	}
	return []indexFault{
		{name: "reads-what-it-wrote", what: "an item is lost", build: exact, suite: func(s *retrievaltest.IndexSuite) {
			s.Read = func(r io.Reader) (retrieval.Index, error) {
				x, err := exactSuite().Read(r)
				return without(x), err
			}
		}},
		{name: "opens-what-it-wrote", what: "an item is lost", build: exact, suite: func(s *retrievaltest.IndexSuite) {
			s.Open = func(path string) (retrieval.Index, error) {
				x, err := open(path)
				return without(x), err
			}
		}},
		{name: "opens-what-it-wrote", what: "no file is an empty index", build: exact, suite: func(s *retrievaltest.IndexSuite) {
			s.Open = func(path string) (retrieval.Index, error) {
				x, err := open(path)
				if errors.Is(err, os.ErrNotExist) {
					err = nil
				}
				return x, err
			}
		}},
		{name: "changes-when-opened", what: "changes reach the file", build: exact, suite: func(s *retrievaltest.IndexSuite) {
			s.Open = func(path string) (retrieval.Index, error) {
				x := new(retrievaltest.Exact)
				err := envelope.ReadFile(path, x)
				return &mutant{Exact: x, update: func(x *retrievaltest.Exact, item recsys.ItemID, vec []float32) error {
					return errors.Join(x.Update(item, vec), envelope.WriteFile(path, x))
				}}, err
			}
		}},
		{name: "truncated", what: "a short file is an empty index", build: exact, suite: func(s *retrievaltest.IndexSuite) { s.Read = lenient }},
		{name: "truncated", what: "a short file opens", build: exact, suite: func(s *retrievaltest.IndexSuite) {
			s.Open = func(path string) (retrieval.Index, error) {
				x, err := open(path)
				if errors.Is(err, envelope.ErrTruncated) {
					err = nil
				}
				return x, err
			}
		}},
		{name: "flipped", what: "damage is an empty index", build: exact, suite: func(s *retrievaltest.IndexSuite) { s.Read = lenient }},
		{name: "flipped", what: "damage is not verified", build: exact, suite: func(s *retrievaltest.IndexSuite) {
			s.Open = func(path string) (retrieval.Index, error) {
				x := new(retrievaltest.Exact)
				if err := envelope.ReadFile(path, x); !errors.Is(err, envelope.ErrCorrupt) {
					return x, err
				}
				return x, nil
			}
		}},
		{name: "write-errors", what: "swallowed", build: of(func() mutant {
			return mutant{write: func(x *retrievaltest.Exact, dst io.Writer) (int64, error) {
				n, _ := x.WriteTo(dst)
				return n, nil
			}}
		})},
	}
}
