package recsys_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recsyskit/recsys"
)

// logOne logs a feedback record and waits until it is written or lost.
func logOne(t testing.TB, s *recsys.FileSink, id string) error {
	t.Helper()
	if err := s.LogFeedback(context.Background(), &recsys.Feedback{ID: id}); err != nil {
		t.Fatal(err)
	}
	return s.Flush(context.Background())
}

// The disk is full after any number of bytes, and there is room again later. Whatever the
// file can do, what is read is what the sink says it has written, and nothing else.
func TestFullDiskLosesRecordsAndSaysSo(t *testing.T) {
	line := len(recsys.AppendFeedback(nil, &recsys.Feedback{ID: "00"}))
	for room := range 3*line + 2 {
		for _, kind := range []string{"truncates", "cannot truncate", "plain"} {
			d := newFakeDisk()
			d.room, d.plain = room, kind == "plain"
			if kind == "cannot truncate" {
				d.truncateErr = syscall.EIO
			}
			now := unixSec(1_700_000_000)
			var told []error
			s := newSink(t, recsys.FileSinkConfig{Clock: func() time.Time { return now }, OnError: func(err error) { told = append(told, err) }}, d)
			failed := 0
			for i := range 8 {
				if i == 6 {
					d.set(func() { d.room = -1 })
					now = now.Add(time.Minute)
				}
				if err := logOne(t, s, fmt.Sprintf("%02d", i)); err != nil {
					failed++
					if !errors.Is(err, syscall.ENOSPC) {
						t.Fatalf("room %d, %s: %v; want ENOSPC", room, kind, err)
					}
				}
			}
			st := s.Stats()
			if err := s.Close(); err != nil {
				t.Fatalf("room %d, %s: %v at Close", room, kind, err)
			}
			records, torn := d.read(t)
			have := logIDs(records)
			if kind != "truncates" && (room+1)%line == 0 {
				st.Written++ // lost but for its newline, which a reader can do without
				st.Lost--
			}
			if st.Written != int64(len(have)) || st.Written+st.Lost != 8 || st.Dropped != 0 {
				t.Fatalf("room %d, %s: read %v; stats %+v", room, kind, have, st)
			}
			if !slices.Equal(have[len(have)-2:], []string{"06", "07"}) {
				t.Fatalf("room %d, %s: read %v; want the last two, which had room", room, kind, have)
			}
			if failed == 0 || int(st.Errors) != len(told) || st.LastError == nil || !strings.Contains(st.LastError.Error(), "exposures-") {
				t.Fatalf("room %d, %s: %d failed, %d told, stats %+v", room, kind, failed, len(told), st)
			}
			if kind == "truncates" && torn != 0 {
				t.Fatalf("room %d: %d torn lines that could have been cut off", room, torn)
			}
		}
	}
}

// The disk gets full in the middle of a write of several records.
func TestFullDiskKeepsTheWholeRecordsOfAWrite(t *testing.T) {
	line := len(recsys.AppendFeedback(nil, &recsys.Feedback{ID: "0"}))
	for room := line; room < 7*line; room += 5 {
		synctest.Test(t, func(t *testing.T) {
			d := newFakeDisk()
			d.gate, d.room = make(chan struct{}), room
			s := newSink(t, recsys.FileSinkConfig{}, d)
			log := func(i int) {
				if err := s.LogFeedback(t.Context(), &recsys.Feedback{ID: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
			}
			log(0)
			synctest.Wait() // in Write; the others come in one
			for i := 1; i < 8; i++ {
				log(i)
			}
			close(d.gate)
			if err := s.Flush(t.Context()); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("room %d: %v; want ENOSPC", room, err)
			}
			d.set(func() { d.room = -1 })
			log(8)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			records, torn := d.read(t)
			want := []string{"0", "1", "2", "3", "4", "5", "6"}[:room/line]
			if have := logIDs(records); !slices.Equal(have, append(want, "8")) || torn != 0 || len(d.files) != 1 {
				t.Errorf("room for %d bytes, %d a line: read %v, %d torn, %d files", room, line, have, torn, len(d.files))
			}
			if st := s.Stats(); st.Written != int64(len(records)) || st.Written+st.Lost != 9 || st.Bytes != int64(len(records)*line) {
				t.Errorf("room %d: %+v", room, st)
			}
		})
	}
}

// A file that takes nothing any more, as when a network drive is gone, is given up.
func TestBrokenFileIsGivenUp(t *testing.T) {
	d := newFakeDisk()
	now := unixSec(1_700_000_000)
	s := newSink(t, recsys.FileSinkConfig{Clock: func() time.Time { return now }}, d)
	for i := range 6 {
		switch i {
		case 1:
			d.set(func() { d.writeErr = syscall.ESTALE })
		case 5:
			d.set(func() { d.writeErr = nil })
		}
		if err := logOne(t, s, fmt.Sprint(i)); (err != nil) != (i >= 1 && i < 5) {
			t.Errorf("record %d: %v", i, err)
		}
		now = now.Add(time.Minute)
	}
	records, _ := d.read(t)
	// The second failure gives the first file up; the next one, still empty, is kept.
	if have := logIDs(records); !slices.Equal(have, []string{"0", "5"}) || len(d.files) != 2 {
		t.Errorf("read %v of %d files; want 0 and 5 of 2", have, len(d.files))
	}
}

func TestSchemaLostToAFullDiskIsWrittenAgain(t *testing.T) {
	d := newFakeDisk()
	d.room = 100 // less than the schema record
	s := newSink(t, recsys.FileSinkConfig{}, d)
	g := newLogGen(1)
	schema := g.schema(t)
	for i := range 3 {
		x := g.exposure(schema)
		x.ID = fmt.Sprint(i)
		if err := s.LogExposure(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		err := s.Flush(t.Context())
		if (i == 0) != (err != nil) {
			t.Fatalf("record %d: %v", i, err)
		}
		d.set(func() { d.room = -1 })
	}
	records, _ := d.read(t)
	if have := logIDs(records); !slices.Equal(have, []string{"1", "2"}) {
		t.Errorf("read %v; want 1 and 2", have)
	}
}

func TestSinkRetriesAfterAWhile(t *testing.T) {
	d := newFakeDisk()
	d.plain = true
	now := unixSec(1_700_000_000)
	creations := 0
	s := newSink(t, recsys.FileSinkConfig{
		Retry: 10 * time.Second, MaxBytes: 1, Clock: func() time.Time { return now },
		Create: func(path string) (io.WriteCloser, error) {
			creations++
			return d.create(path)
		},
	}, nil)
	check := func(id string, wantErr bool, creationsWant int, lost int64) {
		t.Helper()
		err := logOne(t, s, id)
		if st := s.Stats(); (err != nil) != wantErr || creations != creationsWant || st.Lost != lost {
			t.Errorf("%s: %v, %d files tried, %d lost; want error %v, %d, %d", id, err, creations, st.Lost, wantErr, creationsWant, lost)
		}
	}
	check("a", false, 1, 0)
	d.set(func() { d.createErr = syscall.EMFILE })
	check("b", true, 2, 1)  // begins a file for each record
	check("c", false, 2, 2) // lost without another try: the error was told
	now = now.Add(9 * time.Second)
	check("d", false, 2, 3)
	now = now.Add(time.Second)
	check("e", true, 3, 4)
	d.set(func() { d.createErr = nil })
	check("f", false, 3, 5)
	now = now.Add(10 * time.Second)
	check("g", false, 4, 5)
	records, _ := d.read(t)
	if have := logIDs(records); !slices.Equal(have, []string{"a", "g"}) {
		t.Errorf("read %v; want a and g", have)
	}
}

func TestErrorsOfSyncAndCloseSurface(t *testing.T) {
	d := newFakeDisk()
	d.syncErr, d.closeErr = syscall.EIO, syscall.EDQUOT
	s := newSink(t, recsys.FileSinkConfig{Sync: recsys.SyncAlways}, d)
	if err := logOne(t, s, "a"); !errors.Is(err, syscall.EIO) {
		t.Errorf("Flush returned %v; want EIO", err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Errorf("the second Flush returned %v: nothing went wrong since the first", err)
	}
	if err := s.Close(); !errors.Is(err, syscall.EDQUOT) {
		t.Errorf("Close returned %v; want EDQUOT", err)
	}
	if st := s.Stats(); st.Written != 1 || st.Lost != 0 || st.Errors != 2 {
		t.Errorf("%+v", st)
	}
}

// A pipeline shows in its answer that the record was dropped.
func TestDroppedRecordShowsInDegraded(t *testing.T) {
	d := newFakeDisk()
	s := newSink(t, recsys.FileSinkConfig{}, d)
	p, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1, 2, 3)), recsys.Log(s, recsys.Name("file"))).Build()
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 2})
	if err != nil || len(res.Degraded) != 0 {
		t.Fatalf("%v, %v", res.Degraded, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	res, err = p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 2})
	if err != nil || len(res.Items) != 2 {
		t.Fatalf("%v, %v", res.Items, err)
	}
	if len(res.Degraded) != 1 || res.Degraded[0].Stage != "log/file" || !errors.Is(res.Degraded[0].Err, recsys.ErrSinkClosed) {
		t.Errorf("degraded %v; want the sink", res.Degraded)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("the pipeline closes a sink that is closed: %v", err)
	}
}

// A record of a pipeline at LogFull, read back, replays to the same answer.
func TestLoggedRecordReplays(t *testing.T) {
	d := newFakeDisk()
	s := newSink(t, recsys.FileSinkConfig{}, d)
	columns := []recsys.Column{{Name: "x"}, {Name: "v", Kind: recsys.Vector, Dim: 3}, {Name: "u", Scope: recsys.PerRequest}, {Name: "c", Kind: recsys.ID}}
	hydrate := func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		if items == nil {
			out.FloatRow(0)[0] = float32(q.User)
			return nil
		}
		for i, id := range items {
			if id%5 == 0 {
				out.Miss(i)
				continue
			}
			out.FloatRow(i)[0] = float32(id) / 7
			out.ID[0][i] = uint64(id % 3)
			copy(out.VectorAt(0, i), []float32{float32(id), 1, 2})
		}
		return nil
	}
	rank := recsys.RankerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range out.Score {
			out.Score[i] = c.Row(i)[0]*c.Row(i)[1] + c.Vector(0, i)[0] // NaN where missing
		}
		return nil
	})
	fails := recsys.ReRankerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, []int32) ([]int32, error) {
		return nil, errors.New("no connection")
	})
	p, err := recsys.NewPipeline(
		recsys.Retrieve("a", ranked(1, 2, 3, 4, 5, 6, 7, 8)), recsys.Retrieve("b", ranked(8, 9, 10, 11)),
		recsys.Features(recsys.FeatureFunc{Cols: columns, Func: hydrate}), recsys.Rank(rank), recsys.ReRank(fails),
		recsys.Log(s, recsys.LogFull),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
	var want []*recsys.Result
	for u := range 20 {
		res, err := p.Recommend(t.Context(), &recsys.Request{ID: fmt.Sprint(u), User: recsys.UserID(u), K: 4, Now: unixSec(int64(u))})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Degraded) == 0 {
			t.Fatal("nothing degraded: the test shows less than it should")
		}
		want = append(want, res)
	}
	flush(t, s)
	records, _ := d.read(t)
	for i, rec := range records {
		if err := rec.Exposure.Diff(want[i]); err != nil {
			t.Error(err)
		}
		res, err := p.Replay(t.Context(), rec.Exposure)
		if err != nil {
			t.Fatal(err)
		}
		if err := rec.Exposure.Diff(res); err != nil {
			t.Error(err)
		}
	}
	if len(records) != 20 {
		t.Errorf("%d records", len(records))
	}
}

const killVariable = "RECSYS_TEST_LOG_DIR"

// TestKilledProcessLeavesAReadableLog kills a process of its own in the middle of
// writing. What it had flushed is there, and the next process logs on.
func TestKilledProcessLeavesAReadableLog(t *testing.T) {
	if dir := os.Getenv(killVariable); dir != "" {
		logForEver(dir)
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	flushed := 0
	for run := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLeavesAReadableLog$")
		cmd.Env = append(os.Environ(), killVariable+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 20*(run+1) && lines.Scan(); n++ { // each line: a flush of 100 records
			flushed += 100
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	paths, err := recsys.LogFiles(dir, "")
	if err != nil || len(paths) < 3 {
		t.Fatalf("files %v, %v", paths, err)
	}
	r, err := recsys.OpenLog(paths...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := drain(r)
	if err != nil {
		t.Fatal(err)
	}
	if st := r.Stats(); n < flushed || st.Torn > 3 || flushed != 12_000 {
		t.Errorf("%d records, %+v; at least %d were flushed", n, st, flushed)
	}
}

func logForEver(dir string) {
	s, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{Block: true})
	if err != nil {
		panic(err)
	}
	g := newLogGen(1)
	x := g.exposure(nil)
	for i := 0; ; i++ {
		if err := s.LogExposure(context.Background(), x); err != nil {
			panic(err)
		}
		if i%100 == 99 {
			if err := s.Flush(context.Background()); err != nil {
				panic(err)
			}
			fmt.Println(i)
		}
	}
}
