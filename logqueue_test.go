package recsys_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recsyskit/recsys"
)

func TestFullQueueDropsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{QueueRecords: 3}, d)
		var want []string
		log := func(id string) error { return s.LogFeedback(t.Context(), &recsys.Feedback{ID: id}) }
		if err := log("first"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the goroutine is in Write
		for i := range 5 {
			id := fmt.Sprint(i)
			switch err := log(id); {
			case i < 3 && err == nil:
				want = append(want, id)
			case i >= 3 && errors.Is(err, recsys.ErrRecordDropped):
			default:
				t.Errorf("record %d: %v", i, err)
			}
		}
		if st := s.Stats(); st.Queued != 3 || st.Dropped != 2 {
			t.Errorf("%+v; want 3 queued and 2 dropped", st)
		}
		close(d.gate)
		flush(t, s)
		records, _ := d.read(t)
		if have := logIDs(records); !slices.Equal(have, append([]string{"first"}, want...)) {
			t.Errorf("records %v", have)
		}
	})
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{QueueBytes: 1000}, d)
		log := func(n int) error {
			return s.LogFeedback(t.Context(), &recsys.Feedback{ID: strings.Repeat("x", n)})
		}
		if err := log(1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := log(5000); err != nil {
			t.Errorf("an empty queue refuses a large record: %v", err)
		}
		if err := log(1); !errors.Is(err, recsys.ErrRecordDropped) {
			t.Errorf("%v beyond the bytes; want ErrRecordDropped", err)
		}
		close(d.gate)
		flush(t, s)
		if err := log(5000); err != nil {
			t.Error(err)
		}
	})
}

func TestBlockWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{Block: true, QueueRecords: 1}, d)
		log := func(ctx context.Context, id string) error { return s.LogFeedback(ctx, &recsys.Feedback{ID: id}) }
		for _, id := range []string{"written", "queued"} {
			if err := log(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := log(ctx, "given up"); !errors.Is(err, recsys.ErrRecordDropped) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after the deadline; want ErrRecordDropped and DeadlineExceeded", err)
		}
		results := make(chan error, 20)
		for range 20 {
			go func() { results <- log(context.Background(), "waits") }()
		}
		synctest.Wait()
		if len(results) != 0 {
			t.Fatalf("%d calls returned while there was no room", len(results))
		}
		close(d.gate)
		for range 20 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if records, _ := d.read(t); len(records) != 22 || s.Stats().Written != 22 {
			t.Errorf("%d records; want 22", len(records))
		}
	})
}

// One large record that leaves the queue makes room for many small ones.
func TestRoomIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{Block: true, QueueBytes: 2000}, d)
		log := func(n int) error {
			return s.LogFeedback(context.Background(), &recsys.Feedback{ID: strings.Repeat("x", n)})
		}
		for _, n := range []int{1, 5000} { // one in Write, one that fills the queue
			if err := log(n); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		results := make(chan error, 10)
		for range 10 {
			go func() { results <- log(1) }()
		}
		synctest.Wait()
		if len(results) != 0 {
			t.Fatalf("%d calls found room", len(results))
		}
		d.gate <- struct{}{} // the large record leaves the queue, and the next Write waits
		synctest.Wait()
		if len(results) != 10 {
			t.Errorf("%d of 10 calls found the room for them", len(results))
		}
		close(d.gate)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseReleasesWhoWaitsAndDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{Block: true, QueueRecords: 2}, d)
		results := make(chan error, 10)
		for range 10 {
			go func() { results <- s.LogFeedback(context.Background(), &recsys.Feedback{}) }()
		}
		synctest.Wait()
		closed := make(chan error, 2)
		for range 2 {
			go func() { closed <- s.Close() }()
		}
		synctest.Wait()
		accepted := 0
		for range 10 {
			switch err := <-results; err {
			case nil:
				accepted++
			case recsys.ErrSinkClosed:
			default:
				t.Error(err)
			}
		}
		if len(closed) != 0 {
			t.Error("Close returned before the queue was written")
		}
		close(d.gate)
		for range 2 {
			if err := <-closed; err != nil {
				t.Error(err)
			}
		}
		records, _ := d.read(t)
		if st := s.Stats(); len(records) != accepted || accepted < 2 || st.Written != int64(accepted) || st.Dropped != int64(10-accepted) {
			t.Errorf("%d accepted, %d read, %+v", accepted, len(records), st)
		}
		for _, err := range []error{
			s.LogExposure(t.Context(), &recsys.Exposure{}), s.LogFeedback(t.Context(), &recsys.Feedback{}), s.Flush(t.Context()),
		} {
			if err != recsys.ErrSinkClosed {
				t.Errorf("%v after Close; want ErrSinkClosed", err)
			}
		}
	})
}

func TestFlushGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk()
		d.gate = make(chan struct{})
		s := newSink(t, recsys.FileSinkConfig{}, d)
		if err := s.LogFeedback(t.Context(), &recsys.Feedback{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want DeadlineExceeded", err)
		}
		close(d.gate)
		flush(t, s)
	})
}
