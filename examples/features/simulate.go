package main

import (
	"bufio"
	"container/heap"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
)

// The simulated log; see the documentation of the program.
const (
	topics      = 12
	sessionStep = 8 * time.Second // mean pause within a session
	arrivalRate = time.Second     // mean time from one session's start to the next
	goOn        = 0.9             // probability that a session goes on
	hotEvery    = 20 * time.Minute
	hotFor      = 30 * time.Minute
	hotShare    = 0.05        // of what is shown
	delay       = time.Second // mean
	lateOne     = 100         // of so many events one arrives late
	lateBy      = 3 * time.Minute
	doubledOne  = 50 // of so many events one comes twice
)

// dayOne is when the simulated log starts.
var dayOne = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// act is a line of the log to be.
type act struct {
	arrives, time int64
	user, item    uint64
	kind          recsys.EventKind
	value         float64
	id            int
}

// acts is a heap, by the time of arrival, then by id.
type acts []act

func (a acts) Len() int { return len(a) }
func (a acts) Less(i, j int) bool {
	return a[i].arrives < a[j].arrives || a[i].arrives == a[j].arrives && a[i].id < a[j].id
}
func (a acts) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *acts) Push(x any)   { *a = append(*a, x.(act)) }
func (a *acts) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// session is a user who looks at something at a time.
type session struct {
	at   int64
	user int
}

// world is what the simulation knows.
type world struct {
	o       *options
	rng     *rand.Rand
	zipf    *rand.Zipf
	appeal  []float64 // of items
	hot     int       // item
	hotTill int64
	nextHot int64
	ids     int

	pending acts // have not arrived
	out     *bufio.Writer
	written int
}

// simulate writes the log.
func simulate(o *options, stderr io.Writer) (err error) {
	f, err := os.Create(o.log)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	rng := rand.New(rand.NewPCG(o.Seed, 0x6665617475726573))
	w := &world{o: o, rng: rng, zipf: rand.NewZipf(rng, 1.1, 8, uint64(o.items-1)), out: bufio.NewWriterSize(f, 1<<16)}
	for range o.items {
		w.appeal = append(w.appeal, 0.02+0.3*rng.Float64()*rng.Float64())
	}
	progress := cli.NewProgress(stderr, "events of the simulated log", o.events, nil)
	start := dayOne.UnixNano()
	w.nextHot = start
	sessions := []session{}
	next := start
	for w.written < o.events {
		// The next thing that happens is the start of a session, or a step of the first one.
		first := -1
		for i := range sessions {
			if first < 0 || sessions[i].at < sessions[first].at {
				first = i
			}
		}
		if first < 0 || next < sessions[first].at {
			sessions = append(sessions, session{next, rng.IntN(o.users)})
			next += exponential(rng, arrivalRate)
			continue
		}
		s := &sessions[first]
		before := w.written
		w.step(s.at, s.user)
		progress.Add(min(w.written, o.events) - min(before, o.events))
		if rng.Float64() < goOn {
			s.at += exponential(rng, sessionStep)
		} else {
			sessions[first] = sessions[len(sessions)-1]
			sessions = sessions[:len(sessions)-1]
		}
	}
	progress.Done()
	return w.out.Flush()
}

func exponential(rng *rand.Rand, mean time.Duration) int64 {
	return 1 + int64(rng.ExpFloat64()*float64(mean))
}

// step shows an item to a user, who may click it.
func (w *world) step(now int64, user int) {
	if now >= w.nextHot {
		w.hot, w.hotTill, w.nextHot = w.rng.IntN(w.o.items), now+int64(hotFor), now+int64(hotEvery)
	}
	began := now
	item := int(w.zipf.Uint64())
	if now < w.hotTill && w.rng.Float64() < hotShare {
		item = w.hot
	}
	w.happens(now, user, item, recsys.Impression, 0)
	p := w.appeal[item]
	if user%topics == item%topics {
		p *= 2
	}
	if w.rng.Float64() < p {
		now += exponential(w.rng, 2*time.Second)
		w.happens(now, user, item, recsys.Click, 0)
		stay := math.Exp(3 + w.rng.NormFloat64())
		w.happens(now+int64(stay*float64(time.Second)), user, item, recsys.Dwell, math.Round(stay*10)/10)
	}
	w.arrive(began) // what happens later arrives later
}

// happens makes an event, which arrives later.
func (w *world) happens(at int64, user, item int, kind recsys.EventKind, value float64) {
	w.ids++
	a := act{time: at, arrives: at + exponential(w.rng, delay), user: uint64(user + 1), item: uint64(item + 1), kind: kind, value: value, id: w.ids}
	if w.rng.IntN(lateOne) == 0 {
		a.arrives += w.rng.Int64N(int64(lateBy))
	}
	heap.Push(&w.pending, a)
	if w.rng.IntN(doubledOne) == 0 {
		a.arrives += exponential(w.rng, 10*time.Second)
		heap.Push(&w.pending, a)
	}
}

// arrive writes what has arrived by a time.
func (w *world) arrive(by int64) {
	var line []byte
	for len(w.pending) > 0 && w.pending[0].arrives <= by && w.written < w.o.events {
		a := heap.Pop(&w.pending).(act)
		line = fmt.Appendf(line[:0], `{"time":%d,"created":%d,"user":%d,"item":%d,"kind":%q,"id":"%d"`, a.time, a.arrives, a.user, a.item, a.kind, a.id)
		if a.value != 0 {
			line = append(line, `,"value":`...)
			line = strconv.AppendFloat(line, a.value, 'g', -1, 64)
		}
		w.out.Write(append(line, "}\n"...)) // an error stays until Flush
		w.written++
	}
}
