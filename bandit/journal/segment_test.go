package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit/journal"
)

// written is a journal of one segment whose batches are one Learn each, and where its records end.
func written(t testing.TB, n int) (bytes []byte, ends []int) {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir, learned(t), journal.Options{}.On(unsynced{}))
	for i := range n {
		id := fmt.Sprint("d", i)
		shown := show(t, j, id, epoch)
		require.NoError(t, j.Learn(ctx, []recsys.Feedback{act("f"+id, id, shown[0], epoch)}))
	}
	paths := files(t, dir, ".journal")
	require.Len(t, paths, 1)
	b, err := os.ReadFile(paths[0]) // not closed: as a crash would leave it
	require.NoError(t, err)
	for at := 64; at < len(b); {
		at += 16 + int(binary.LittleEndian.Uint32(b[at:]))
		ends = append(ends, at)
	}
	return b, ends
}

// reopened opens a journal of one segment and returns the number of its records.
func reopened(t testing.TB, b []byte) (journal.Stats, error) {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("journal-%d-%s", os.Getpid(), filepath.Base(t.Name())))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	defer os.RemoveAll(dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000000000001.journal"), b, 0o644))
	p := learned(t)
	j, err := journal.Open(dir, p, journal.Options{}.On(unsynced{}))
	if err != nil {
		return journal.Stats{}, err
	}
	st := j.Stats()
	require.NoError(t, j.Close())
	require.True(t, bytes.Equal(state(t, p), state(t, retold(t, dir, learned(t)))))
	again, err := journal.Open(dir, learned(t), journal.Options{}.On(unsynced{}))
	require.NoError(t, err)
	require.Zero(t, again.Stats().Recovery.Torn, "what was cut off came back")
	require.Equal(t, st.Last, again.Stats().Last)
	require.NoError(t, again.Close())
	return st, nil
}

// isMark reports whether a frame is a mark.
func isMark(b []byte, from, to int) bool { return to-from == 17 && b[from+16] == 0x7f }

// A file that ends anywhere is a journal of the records that are whole.
func TestTornTailAtEveryByteIsCutOff(t *testing.T) {
	b, ends := written(t, 3)
	for size := range len(b) + 1 {
		want, good, from := uint64(0), 64, 64
		for _, end := range ends {
			if end > size {
				break
			}
			if !isMark(b, from, end) {
				want++
			}
			good, from = end, end
		}
		st, err := reopened(t, b[:size])
		require.NoError(t, err, "%d bytes", size)
		require.Equal(t, want, st.Last, "%d bytes", size)
		if size < 64 {
			good = size
		}
		require.EqualValues(t, size-good, st.Recovery.Torn, "%d bytes", size)
	}
}

// Wherever a byte changes before what is known to be synced, the error says where. In the last batch damage cannot be told from a
// torn tail: there it may be cut off, and no record before it is.
func TestDamageInTheMiddleIsNeverSkipped(t *testing.T) {
	b, ends := written(t, 3)
	lastMark, from, records, before := 0, 64, uint64(0), uint64(0)
	for _, end := range ends {
		if isMark(b, from, end) {
			lastMark, before = from, records
		} else {
			records++
		}
		from = end
	}
	require.Greater(t, lastMark, 200)
	for at := range b {
		damaged := bytes.Clone(b)
		damaged[at] ^= 1 << (at % 8)
		st, err := reopened(t, damaged)
		if at >= lastMark {
			if err == nil {
				require.GreaterOrEqual(t, st.Last, before)
				continue
			}
		}
		var where *journal.FileError
		require.True(t, errors.As(err, &where), "byte %d: %v", at, err)
		require.True(t, errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrNewer), "byte %d: %v", at, err)
		require.Equal(t, "0000000000000001.journal", filepath.Base(where.Path))
		require.LessOrEqual(t, where.Offset, int64(at))
		require.Greater(t, where.Offset+400, int64(at))
	}
}

// A journal that was closed knows where it ends.
func TestDamageInAClosedJournalIsFoundEverywhere(t *testing.T) {
	dir := t.TempDir()
	p := learned(t)
	j := open(t, dir, p, journal.Options{}.On(unsynced{}))
	live(t, j, p, 0, 2)
	require.NoError(t, j.Close())
	b, err := os.ReadFile(files(t, dir, ".journal")[0])
	require.NoError(t, err)
	for at := range len(b) - 17 { // the mark at the end
		damaged := bytes.Clone(b)
		damaged[at] ^= 0x80
		_, err := reopened(t, damaged)
		require.Error(t, err, "byte %d", at)
	}
}

// When power fails, what was synced is there; of the rest any pages are, in any order.
func TestPowerLossKeepsWhatWasAcknowledged(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		dir := t.TempDir()
		d := newFaulty()
		p := learned(t)
		j := open(t, dir, p, journal.Options{MaxSegmentBytes: 2 << 10}.On(d))
		n := 1 + rng.IntN(30)
		for i := range n {
			id := fmt.Sprint("d", i)
			shown := show(t, j, id, epoch)
			require.NoError(t, j.Learn(ctx, []recsys.Feedback{act("f"+id, id, shown[0], epoch)}))
		}
		d.failSync(errors.New("the power is failing")) // from here on nothing gets further than the page cache
		for i := range rng.IntN(20) {
			show(t, j, fmt.Sprint("lost", i), epoch)
		}
		require.Error(t, j.Close())
		d.loseUnsynced(t, rng)

		recovered := learned(t)
		j = open(t, dir, recovered, journal.Options{}.On(unsynced{}))
		require.EqualValues(t, n, recovered.Stats().Settled)
		require.NoError(t, j.Close())
	}
}

func FuzzSegment(f *testing.F) {
	b, ends := written(f, 3)
	f.Add(b)
	f.Add(b[:ends[2]+5])
	f.Add(b[:64])
	f.Add([]byte{})
	zeros := bytes.Clone(b)
	clear(zeros[ends[1]:ends[3]])
	f.Add(zeros)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := reopened(t, b)
		if where := (*journal.FileError)(nil); err != nil && !errors.As(err, &where) {
			t.Fatalf("not a FileError: %v", err)
		}
	})
}

// Payloads within frames whose checks hold.
func FuzzPayload(f *testing.F) {
	b, ends := written(f, 3)
	from := 64
	for _, end := range ends {
		f.Add(b[from+16 : end])
		from = end
	}
	f.Add([]byte{4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := journal.Decode(payload)
		if err != nil {
			return
		}
		again, err := journal.Decode(journal.Append(nil, c))
		require.NoError(t, err)
		require.True(t, bytes.Equal(journal.Append(nil, c), journal.Append(nil, again)))
		_ = learned(t).Redo(c) // no panic
	})
}
