package materialize

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/internal/envelope"
)

// The envelope of a checkpoint: a JSON section "checkpoint", the sections of seen, written.keys and written.times; behind it, in the same
// file, the envelope of the aggregates. Its schema hash is the target's identity.
const (
	checkpointKind    = "features.materialize"
	checkpointVersion = 1
)

// What can be wrong with a checkpoint.
var (
	ErrKind      = envelope.ErrKind      // not a checkpoint
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrSchema    = envelope.ErrSchema    // of another version of the view
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// checkpointHeader is the section "checkpoint".
type checkpointHeader struct {
	View       string   `json:"view"`
	Hash       uint64   `json:"hash,string"`       // of the stored row
	Aggregates uint64   `json:"aggregates,string"` // of what computes it
	Position   Position `json:"position"`
	Counts     Counts   `json:"counts"`
	Refreshed  int64    `json:"refreshed,string"`
}

// checkpointPath returns where the checkpoint of a target is: a file for each version of a view.
func (t *target) checkpointPath(folder string) string {
	name := strings.Map(func(r rune) rune {
		if r < 128 && (r == '.' || r == '-' || r == '_' || r-'0' <= 9 && r >= '0' || r|32 >= 'a' && r|32 <= 'z') {
			return r
		}
		return '_'
	}, t.view.Name)
	return filepath.Join(folder, fmt.Sprintf("%.64s-%016x.checkpoint", name, t.identity()))
}

// save saves the state of a target at a position, all of it or nothing.
func (t *target) save(folder string, at Position, counts Counts, s *seen) error {
	err := envelope.Save(t.checkpointPath(folder), func(dst io.Writer) error {
		w := envelope.NewWriter(dst, checkpointKind, checkpointVersion, t.identity())
		w.WriteJSON("checkpoint", checkpointHeader{
			View: t.view.Name, Hash: t.view.RowHash(), Aggregates: t.agg.Hash(), Position: at, Counts: counts,
			Refreshed: t.refreshed,
		})
		s.write(w)
		keys := slices.Sorted(maps.Keys(t.written))
		times := make([]int64, len(keys))
		for i, key := range keys {
			times[i] = t.written[key]
		}
		envelope.Write(w, "written.keys", keys)
		envelope.Write(w, "written.times", times)
		if _, err := w.Close(); err != nil {
			return err
		}
		_, err := t.agg.WriteTo(dst)
		return err
	})
	if err != nil {
		return fmt.Errorf("materialize: checkpoint of view %q: %w", t.view.Name, err)
	}
	t.stats.Checkpoints++
	return nil
}

// load takes over the checkpoint of a target, if there is one. After an error the target is of no use.
func (t *target) load(folder string, s *seen) (at Position, counts Counts, found bool, err error) {
	if t.loaded, err = statCheckpoint(t.checkpointPath(folder)); err != nil || t.loaded == nil {
		return Position{}, Counts{}, false, err
	}
	var head checkpointHeader
	err = envelope.Load(t.checkpointPath(folder), func(src io.Reader) error {
		r := envelope.NewReader(src, checkpointKind, checkpointVersion)
		r.CheckSchema(t.identity())
		r.ReadJSON("checkpoint", &head)
		s.read(r)
		written := readTimes(r, "written.keys", "written.times")
		if _, err := r.Close(); err != nil {
			return err
		}
		t.written = written
		_, err := t.agg.ReadFrom(src)
		return err
	})
	if err != nil {
		return Position{}, Counts{}, false, fmt.Errorf("materialize: checkpoint of view %q: %w; remove the file to start at the beginning of the log", t.view.Name, err)
	}
	t.refreshed, t.resumed = head.Refreshed, true
	return head.Position, head.Counts, true, nil
}
