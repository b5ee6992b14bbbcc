package recsys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
)

func newSink(t testing.TB, cfg recsys.FileSinkConfig, d *fakeDisk) *recsys.FileSink {
	t.Helper()
	if d != nil {
		cfg.Create = d.create
	}
	if cfg.Clock == nil {
		cfg.Clock = func() time.Time { return unixSec(1_700_000_000) }
	}
	s, err := recsys.NewFileSink(t.TempDir(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func flush(t testing.TB, s *recsys.FileSink) {
	t.Helper()
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func logIDs(records []recsys.LogRecord) (ids []string) {
	for _, rec := range records {
		if rec.Exposure != nil {
			ids = append(ids, rec.Exposure.ID)
		} else {
			ids = append(ids, rec.Feedback.ID)
		}
	}
	return ids
}

func TestFileSinkWritesWhatItIsGiven(t *testing.T) {
	dir := t.TempDir()
	s, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{})
	if err != nil {
		t.Fatal(err)
	}
	g := newLogGen(4)
	schemas := []*recsys.Schema{g.schema(t), g.schema(t), nil}
	var want []any
	for i := range 300 {
		if i%3 == 0 {
			f := g.feedback()
			want = append(want, f)
			err = s.LogFeedback(t.Context(), f)
		} else {
			x := g.exposure(schemas[g.IntN(3)])
			want = append(want, x.Clone())
			err = s.LogExposure(t.Context(), x)
			scribble(x) // the pipeline reuses it
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	paths, err := recsys.LogFiles(dir, "")
	if err != nil || len(paths) != 1 {
		t.Fatalf("files %v, %v; want one", paths, err)
	}
	r, err := recsys.OpenLog(paths...)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		var have any = rec.Exposure
		if rec.Feedback != nil {
			have = rec.Feedback
		}
		if fmt.Sprintf("%T", have) != fmt.Sprintf("%T", want[n]) {
			t.Fatalf("record %d is a %T; want %T", n, have, want[n])
		}
		if d := firstDifference(want[n], have); d != "" {
			t.Fatalf("record %d: %s", n, d)
		}
		n++
	}
	st := s.Stats()
	info, err := os.Stat(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if n != 300 || st.Written != 300 || st.Bytes != info.Size() || st.Files != 1 || st.Dropped+st.Lost+st.Errors != 0 || st.Queued != 0 || st.LastError != nil {
		t.Errorf("%d records in %d bytes; stats %+v", n, info.Size(), st)
	}
	if r.Stats().Schemas != 2 {
		t.Errorf("%d schema records; want 2", r.Stats().Schemas)
	}
}

func TestFileSinkKeepsEveryRecordOfConcurrentProducers(t *testing.T) {
	const producers, each = 8, 300
	d := newFakeDisk()
	s := newSink(t, recsys.FileSinkConfig{Block: true, QueueRecords: 5, QueueBytes: 20_000, MaxBytes: 50_000}, d)
	schemas := []*recsys.Schema{newLogGen(1).schema(t), newLogGen(2).schema(t)}
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			g := newLogGen(uint64(p))
			for i := range each {
				x := g.exposure(schemas[p%2])
				x.ID = fmt.Sprintf("%d/%04d", p, i)
				if err := s.LogExposure(context.Background(), x); err != nil {
					t.Error(err)
				}
				if i%50 == 0 {
					if err := s.Flush(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	records, _ := d.read(t)
	last := map[string]string{}
	for _, id := range logIDs(records) {
		producer, _, _ := strings.Cut(id, "/")
		if id <= last[producer] {
			t.Fatalf("record %s comes after %s", id, last[producer])
		}
		last[producer] = id
	}
	if len(records) != producers*each || s.Stats().Written != producers*each {
		t.Errorf("%d records, stats %+v; want %d", len(records), s.Stats(), producers*each)
	}
	if len(d.files) < 5 {
		t.Errorf("%d files; want several", len(d.files))
	}
}

func TestFileSinkRotatesBySize(t *testing.T) {
	d := newFakeDisk()
	const most = 4000
	s := newSink(t, recsys.FileSinkConfig{MaxBytes: most, Prefix: "home-page"}, d)
	schema := newLogGen(1).schema(t)
	head := len(recsys.AppendSchema(nil, schema))
	g := newLogGen(3)
	var want []string
	for i := range 100 {
		x := g.exposure(schema)
		x.ID = fmt.Sprint(i)
		if i == 50 { // larger than a file may be
			x.Surface = strings.Repeat("s", 2*most)
		}
		want = append(want, x.ID)
		if err := s.LogExposure(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, s)
	records, _ := d.read(t) // each file by itself: each must have its schema
	if have := logIDs(records); !slices.Equal(have, want) {
		t.Errorf("records %v", have)
	}
	large := 0
	for name, f := range d.files {
		if len(f.b) > most+head {
			large++
			if n := bytes.Count(f.b, []byte("\n")); n != 2 {
				t.Errorf("%s has %d bytes and %d lines", name, len(f.b), n)
			}
		}
		if !strings.HasPrefix(filepath.Base(name), "home-page-20231114T221320.000Z-00") {
			t.Errorf("name %s", name)
		}
	}
	if large != 1 || len(d.files) < 10 || int(s.Stats().Files) != len(d.files) {
		t.Errorf("%d files, %d larger than %d; stats %+v", len(d.files), large, most, s.Stats())
	}
}

func TestFileSinkNeverTouchesFilesThatExist(t *testing.T) {
	dir := t.TempDir()
	now := unixSec(1_700_000_000)
	var want []string
	for run := range 5 {
		s, err := recsys.NewFileSink(dir, recsys.FileSinkConfig{Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(run)
		want = append(want, id)
		if err := s.LogFeedback(t.Context(), &recsys.Feedback{ID: id}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		paths, err := recsys.LogFiles(dir, "")
		if err != nil || len(paths) != run+1 {
			t.Fatalf("files %v, %v", paths, err)
		}
		// The process died in the middle of a line, and a file was archived.
		last := paths[run]
		b, err := os.ReadFile(last)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, `{"type":"feedb`...)
		if run == 1 {
			b, last = zipped(t, b), last+".gz"
			if err := os.Remove(paths[run]); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(last, b, 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Duration(1-run) * time.Minute) // forward, then still, then back
	}
	for _, other := range []string{"exposures-eu-20231114T221320.000Z-0000.jsonl", "exposures.jsonl", "exposures-20231114T221320.000Z-0000.txt", "exposures-x.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, other), []byte("not a log"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := recsys.LogFiles(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := recsys.OpenLog(paths...)
	if err != nil {
		t.Fatal(err)
	}
	var records []recsys.LogRecord
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, rec)
	}
	if have := logIDs(records); !slices.Equal(have, want) || r.Stats().Torn != 5 {
		t.Errorf("records %v, %+v in %v; want %v and 5 torn", have, r.Stats(), paths, want)
	}
}

func TestSyncPolicies(t *testing.T) {
	for _, c := range []struct {
		policy                        recsys.SyncPolicy
		written, later, flush, closed int // syncs after one record, an hour later, after Flush, after Close
	}{
		{recsys.SyncNever, 0, 0, 0, 0},
		{recsys.SyncInterval, 0, 1, 2, 3},
		{recsys.SyncAlways, 1, 1, 2, 3},
	} {
		t.Run(fmt.Sprint("policy=", c.policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newFakeDisk()
				cfg := recsys.FileSinkConfig{Sync: c.policy}
				if c.policy == recsys.SyncInterval {
					cfg.SyncEvery = time.Minute
				}
				s := newSink(t, cfg, d)
				log := func() {
					t.Helper()
					if err := s.LogFeedback(t.Context(), &recsys.Feedback{}); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				check := func(when string, want int) {
					t.Helper()
					d.mu.Lock()
					defer d.mu.Unlock()
					if d.syncs != want {
						t.Errorf("%d syncs %s; want %d", d.syncs, when, want)
					}
				}
				log()
				check("after a record", c.written)
				time.Sleep(59 * time.Second)
				synctest.Wait()
				check("within the interval", c.written)
				time.Sleep(time.Hour)
				synctest.Wait()
				check("after an hour", c.later)
				log()
				flush(t, s)
				flush(t, s) // nothing new to sync
				check("after Flush", c.flush)
				log()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				check("after Close", c.closed)
			})
		})
	}
}

// A sink that never gets to wait syncs all the same.
func TestBusySinkSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{Sync: recsys.SyncInterval}, d)
		large := &recsys.Feedback{ID: strings.Repeat("x", 300_000)} // a write of its own
		for range 5 {
			if err := s.LogFeedback(t.Context(), large); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []int{0, 1, 1, 2} { // the second write ends after the interval of the first, …
			time.Sleep(1500 * time.Millisecond)
			d.gate <- struct{}{}
			synctest.Wait() // in the next write
			d.set(func() {
				if d.syncs != want {
					t.Errorf("%d syncs after %d writes; want %d", d.syncs, i+1, want)
				}
			})
		}
		close(d.gate)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestSyncAlwaysLeavesNothingUnsynced(t *testing.T) {
	d := newFakeDisk()
	s := newSink(t, recsys.FileSinkConfig{Sync: recsys.SyncAlways, MaxBytes: 2000}, d)
	g := newLogGen(8)
	for range 100 {
		if err := s.LogFeedback(t.Context(), g.feedback()); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, s)
	for name, f := range d.files {
		if f.synced != len(f.b) {
			t.Errorf("%s: %d of %d bytes are synced", name, f.synced, len(f.b))
		}
	}
}

// Two pipelines may have schemas of one hash that differ in what the hash leaves out:
// each record must be read with its own.
func TestSinkWritesSchemasThatShareAHash(t *testing.T) {
	schema := func(age time.Duration) *recsys.Schema {
		s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "p", MaxAge: age}}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, again, b := schema(1), schema(1), schema(2)
	if a.Hash() != b.Hash() {
		t.Fatal("the hash holds ages now")
	}
	d := newFakeDisk()
	s := newSink(t, recsys.FileSinkConfig{}, d)
	order := []*recsys.Schema{a, again, a, b, a}
	for _, schema := range order {
		if err := s.LogExposure(t.Context(), &recsys.Exposure{Schema: schema}); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, s)
	records, _ := d.read(t)
	for i, rec := range records {
		if diff := firstDifference(order[i], rec.Exposure.Schema); diff != "" {
			t.Errorf("record %d: %s", i, diff)
		}
	}
	for _, f := range d.files {
		if n := bytes.Count(f.b, []byte(`{"type":"schema"`)); n != 3 {
			t.Errorf("%d schema records; want 3", n)
		}
	}
}

func TestFileSinkConfigIsChecked(t *testing.T) {
	_, err := recsys.NewFileSink(t.TempDir(), recsys.FileSinkConfig{
		MaxBytes: -1, QueueRecords: -2, QueueBytes: -3, SyncEvery: -4, Retry: -5, Sync: 9, Prefix: "a/b",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"MaxBytes is -1", "QueueRecords is -2", "QueueBytes is -3", "SyncEvery is -4ns", "Retry is -5ns", "Sync is 9", `"a/b"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := recsys.NewFileSink(filepath.Join(t.TempDir(), "absent"), recsys.FileSinkConfig{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v for a directory that is absent", err)
	}
	d := newFakeDisk()
	d.createErr = syscall.EACCES
	if _, err := recsys.NewFileSink(t.TempDir(), recsys.FileSinkConfig{Create: d.create}); !errors.Is(err, syscall.EACCES) {
		t.Errorf("%v when the first file cannot be created", err)
	}
	if _, err := recsys.LogFiles(t.TempDir(), "a*"); err == nil {
		t.Error("LogFiles takes a prefix that no file can have")
	}
}

func TestLoggingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s, err := recsys.NewFileSink(t.TempDir(), recsys.FileSinkConfig{Block: true, QueueRecords: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, f := benchExposure(recsys.LogSlate, 20, 10), newLogGen(1).feedback()
	ctx := context.Background()
	log := func() {
		if err := errors.Join(s.LogExposure(ctx, x), s.LogFeedback(ctx, f)); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		log()
	}
	if n := testing.AllocsPerRun(2000, log); n != 0 {
		t.Errorf("%v allocations for two records; want 0", n)
	}
}

// BenchmarkFileSink measures a call of LogExposure, with the writing of it to a file
// behind: callers wait when the file is slower than they are.
func BenchmarkFileSink(b *testing.B) {
	for _, policy := range []string{"never", "interval"} {
		b.Run("sync="+policy, func(b *testing.B) {
			cfg := recsys.FileSinkConfig{Block: true}
			if policy == "interval" {
				cfg.Sync = recsys.SyncInterval
			}
			s, err := recsys.NewFileSink(b.TempDir(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			x := benchExposure(recsys.LogSlate, 20, 10)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.LogExposure(context.Background(), x); err != nil {
						b.Error(err)
					}
				}
			})
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(s.Stats().Bytes / max(1, s.Stats().Written))
		})
	}
}
