package ensemble

import (
	"fmt"
	"io"

	"github.com/recsyskit/recsys/internal/envelope"
)

// kind and version say what an envelope of an ensemble holds.
const (
	kind    = "ensemble"
	version = 1
)

var (
	_ io.WriterTo   = (*Ensemble)(nil)
	_ io.ReaderFrom = (*Ensemble)(nil)
)

// WriteTo writes names, quotas, weights and the report as a file of kind "ensemble", version 1,
// and returns how many bytes dst took. The sources are not in it: each is saved by itself. Equal
// ensembles give equal bytes.
func (e *Ensemble) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	names, quotas, weights := make([]string, len(e.sources)), make([]int32, len(e.sources)), make([]float64, len(e.sources))
	for i := range e.sources {
		s := &e.sources[i]
		names[i], quotas[i], weights[i] = s.Name, int32(s.Quota), s.Weight
	}
	w.WriteStrings("names", names)
	envelope.Write(w, "quotas", quotas)
	envelope.Write(w, "weights", weights)
	envelope.Write(w, "merge", e.merge)
	w.WriteJSON("report", e.report)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("ensemble: %w", err)
	}
	return n, nil
}

// ReadFrom replaces e, which must not be in use, by the blend that src holds, and returns how
// many bytes it read: its own and no more. The sources have their names and no retrievers:
// [Ensemble.With] gives them back, and until then Retrieve fails with [ErrMissing]. After an error
// e is as it was. The error says whether the file is of another kind, newer than this program,
// truncated or corrupt.
func (e *Ensemble) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	names := r.ReadStrings("names")
	quotas := envelope.ReadN[int32](r, "quotas", len(names))
	weights := envelope.ReadN[float64](r, "weights", len(names))
	merge := envelope.Read[float64](r, "merge")
	var report *Report
	r.ReadJSON("report", &report)
	var sources []Source
	if r.Err() == nil {
		var err error
		if sources, merge, err = assemble(names, quotas, weights, merge, report); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("ensemble: %w", err)
	}
	*e = *newEnsemble(sources, merge, report)
	e.bindVersion()
	return n, nil
}

// assemble makes sources of the parts of a file, or says how they contradict each other.
func assemble(names []string, quotas []int32, weights, merge []float64, report *Report) ([]Source, []float64, error) {
	sources := make([]Source, len(names))
	for i, name := range names {
		sources[i] = Source{Name: name, Quota: int(quotas[i]), Weight: weights[i]}
	}
	if err := check(sources, false); err != nil {
		return nil, nil, err
	}
	if len(merge) == 0 {
		merge = nil
	}
	if merge != nil && len(merge) != len(names) {
		return nil, nil, fmt.Errorf("%d weights for a merge of %d sources", len(merge), len(names))
	}
	for i, w := range merge {
		if !(w >= 0) || w-w != 0 {
			return nil, nil, fmt.Errorf("the weight of %q in a merge is %v; want a finite number >= 0", names[i], w)
		}
	}
	if report != nil && len(report.Sources) != len(names) {
		return nil, nil, fmt.Errorf("a report on %d sources of %d", len(report.Sources), len(names))
	}
	return sources, merge, nil
}

// Save writes the blend to a file, as [Ensemble.WriteTo] does. An old file is replaced when the
// new one is complete, and stays as it was when something fails.
func (e *Ensemble) Save(path string) error { return envelope.WriteFile(path, e) }

// Load returns the blend that a file holds, with the retrievers of the sources given, as
// [Ensemble.With] finds them. Errors are those of [Ensemble.ReadFrom], with the path, and of
// With.
func Load(path string, sources ...Source) (*Ensemble, error) {
	e := new(Ensemble)
	if err := envelope.ReadFile(path, e); err != nil {
		return nil, err
	}
	return e.With(sources...)
}
