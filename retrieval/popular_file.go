package retrieval

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// What an envelope of a Popular holds.
const (
	popularKind    = "popular"
	popularVersion = 1
)

var (
	_ io.WriterTo   = (*Popular)(nil)
	_ io.ReaderFrom = (*Popular)(nil)
)

// WriteTo writes the scores as a file of kind "popular", version 1, and returns how many
// bytes dst took. Equal scores give equal bytes.
func (p *Popular) WriteTo(dst io.Writer) (int64, error) {
	names := slices.Sorted(maps.Keys(p.surfaces))
	w := envelope.NewWriter(dst, popularKind, popularVersion, 0)
	envelope.Write(w, "items", p.items.IDs())
	envelope.Write(w, "everyone", p.everyone.score)
	w.WriteStrings("surfaces", names)
	for _, name := range names {
		envelope.Write(w, "surface", p.surfaces[name].score)
	}
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("retrieval: Popular: %w", err)
	}
	return n, nil
}

// ReadFrom replaces p, which must not be in use, by what src holds, and returns how many
// bytes it read: those of the file and no more. After an error p is as it was. The error
// says whether the file is of another kind, newer than this program, truncated or corrupt.
func (p *Popular) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, popularKind, popularVersion)
	ids := envelope.Read[recsys.ItemID](r, "items")
	scores := [][]float32{envelope.ReadN[float32](r, "everyone", len(ids))}
	names := r.ReadStrings("surfaces")
	for range names {
		if r.Err() != nil {
			break
		}
		scores = append(scores, envelope.ReadN[float32](r, "surface", len(ids)))
	}
	if r.Err() == nil {
		if err := checkPopular(names, scores); err != nil {
			r.Fail(err.Error())
		}
	}
	items, err := itemindex.New(ids)
	if err != nil {
		r.Fail(err.Error())
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("retrieval: Popular: %w", err)
	}
	p.items, p.surfaces = items, map[string]*ranking{}
	p.everyone = rankingOf(scores[0])
	for i, name := range names {
		p.surfaces[name] = rankingOf(scores[i+1])
	}
	p.version = sync.OnceValue(func() string { return fingerprint.Of(p) })
	return n, nil
}

// Save writes p to a file, as [Popular.WriteTo] does. An old file is replaced when the new
// one is complete, and stays as it was when something fails.
func (p *Popular) Save(path string) error { return envelope.WriteFile(path, p) }

// LoadPopular returns what a file holds; errors are those of [Popular.ReadFrom], with the
// path.
func LoadPopular(path string) (*Popular, error) {
	p := new(Popular)
	if err := envelope.ReadFile(path, p); err != nil {
		return nil, err
	}
	return p, nil
}

// checkPopular says how the parts of a file contradict each other.
func checkPopular(names []string, scores [][]float32) error {
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			return fmt.Errorf("surface %q follows %q", names[i], names[i-1])
		}
	}
	for _, list := range scores {
		for i, s := range list {
			if !(s >= 0) || s-s != 0 {
				return fmt.Errorf("score %d is %v; want a finite number >= 0", i, s)
			}
		}
	}
	return nil
}
