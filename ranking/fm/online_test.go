package fm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

// clicked labels click by whether there was one, buy not at all.
func clicked(dst []float32, feedback []recsys.Feedback) error {
	dst[0] = 0
	for _, f := range feedback {
		if f.Kind == recsys.Click {
			dst[0] = 1
		}
	}
	return nil
}

func newOnline(t testing.TB, m *fm.Model, publish int) *fm.Online {
	t.Helper()
	o, err := fm.NewOnline(m, fm.OnlineConfig{Label: clicked, Publish: publish, Join: recsys.JoinerConfig{Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// traffic returns slates of five rows of d a minute apart, and clicks where d says so.
func traffic(s *recsys.Schema, d *ranking.Dataset) (slates []*recsys.Exposure, clicks []recsys.Feedback) {
	c := tableOf(s, d)
	for from := 0; from+5 <= d.Len(); from += 5 {
		at := noon.Add(time.Duration(from) * time.Minute / 5)
		x := &recsys.Exposure{ID: fmt.Sprint("r", from), Now: at, Schema: s, Shown: 5}
		for i := from; i < from+5; i++ {
			row := recsys.ExposureRow{Item: recsys.ItemID(i), Position: i - from, Floats: slices.Clone(c.Row(i))}
			for k := range 4 {
				row.IDs = append(row.IDs, c.IDColumn(k)[i])
			}
			x.Rows = append(x.Rows, row)
			if d.Labels[2*i] == 1 {
				clicks = append(clicks, recsys.Feedback{
					ID: fmt.Sprint("f", i), Request: x.ID, Item: row.Item, Kind: recsys.Click, Time: at.Add(20 * time.Minute),
				})
			}
		}
		slates = append(slates, x)
	}
	return slates, clicks
}

func log(t testing.TB, o *fm.Online, slates ...*recsys.Exposure) {
	t.Helper()
	for _, x := range slates {
		if err := o.Sink().LogExposure(context.Background(), x); err != nil {
			t.Fatal(err)
		}
	}
}

func learn(t testing.TB, o *fm.Online, feedback ...recsys.Feedback) {
	t.Helper()
	if err := o.Learn(context.Background(), feedback); err != nil {
		t.Fatal(err)
	}
}

func TestOnlineConforms(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1, Resumable: true}, problem(200, 0.1, 41))
	rankingtest.Run(t, func(t *testing.T) recsys.Ranker { return newOnline(t, m, 10) }, columns()...)
}

// Feedback may come in any order, late within the window, and doubled: the same is learned.
func TestFeedbackInAnyOrderTeachesTheSame(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1, Resumable: true, HashBits: 8}, problem(200, 0, 42))
	slates, clicks := traffic(schemaOf(t, perItem()), problem(400, 0.1, 43))
	version := func(shuffled bool) string {
		o := newOnline(t, m, 64)
		r := rand.New(rand.NewPCG(1, 1))
		for from := 0; from < len(slates); from += 10 {
			// What comes in ten minutes, a slate and its feedback apart from each other.
			now := slates[from : from+10]
			var came []recsys.Feedback
			for _, f := range clicks {
				if slices.ContainsFunc(now, func(x *recsys.Exposure) bool { return x.ID == f.Request }) {
					came = append(came, f)
				}
			}
			if !shuffled {
				log(t, o, now...)
				learn(t, o, came...)
				continue
			}
			came = append(came, came...)
			r.Shuffle(len(came), func(i, j int) { came[i], came[j] = came[j], came[i] })
			learn(t, o, came[:len(came)/2]...) // before their slates
			for _, i := range r.Perm(10) {
				log(t, o, now[i], now[i])
			}
			learn(t, o)
			learn(t, o, came[len(came)/2:]...)
		}
		if err := o.Flush(); err != nil {
			t.Fatal(err)
		}
		stats := o.Stats()
		if stats.Learned != 400 || stats.Waiting != 0 || stats.Join.Joined != len(clicks) {
			t.Errorf("shuffled %v: %+v; want 400 rows and %d clicks", shuffled, stats, len(clicks))
		}
		if doubled := stats.Join.DuplicateFeedback == len(clicks) && stats.Join.DuplicateExposures == len(slates); doubled != shuffled {
			t.Errorf("shuffled %v: %+v", shuffled, stats.Join)
		}
		return o.Snapshot().Version()
	}
	want := version(false)
	if want == m.Version() {
		t.Error("nothing was learned")
	}
	if got := version(true); got != want {
		t.Errorf("in order the model becomes %s, shuffled and doubled %s", want, got)
	}
}

// A model that learns from what comes approaches one that was trained on it.
func TestOnlineLearns(t *testing.T) {
	first, then, held := problem(50, 0, 44), problem(20000, 0, 45), problem(2000, 0, 46)
	for _, cfg := range shapes {
		if cfg.Kind == fm.Linear || cfg.Optimizer == fm.Adam {
			continue
		}
		cfg.Epochs, cfg.Resumable, cfg.HashBits = 1, true, 12
		m := train(t, cfg, first)
		o := newOnline(t, m, 1000)
		if err := o.Update(then); err != nil {
			t.Fatal(err)
		}
		before, after := logLoss(predict(t, m, held), held), logLoss(predict(t, o.Model(), held), held)
		if before[0] < 0.5 || after[0] > 0.25 {
			t.Errorf("%s: log loss %.3f before, %.3f after", name(cfg), before[0], after[0])
		}
	}
}

// Training goes on where it ended, from the model or from its file.
func TestSnapshotGoesOn(t *testing.T) {
	for _, cfg := range shapes {
		cfg.Epochs, cfg.Resumable = 1, true
		a, b := problem(100, 0, 47), problem(100, 0, 48)
		o := newOnline(t, train(t, cfg, problem(200, 0, 49)), 0)
		if err := o.Update(a); err != nil {
			t.Fatal(err)
		}
		snapshot := o.Snapshot()
		var back fm.Model
		if _, err := back.ReadFrom(bytes.NewReader(encode(t, snapshot))); err != nil {
			t.Fatal(err)
		}
		again := newOnline(t, &back, 0)
		for _, x := range []*fm.Online{o, again} {
			if err := x.Update(b); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := again.Snapshot().Version(), o.Snapshot().Version(); got != want || want == snapshot.Version() {
			t.Errorf("%s: went on to %s; from the file to %s", name(cfg), want, got)
		}
		if p, q := predict(t, o.Model(), a), predict(t, o.Snapshot(), a); !slices.Equal(p, q) {
			t.Errorf("%s: requests see another model than the snapshot", name(cfg))
		}
	}
}

// What is served stays as it is until enough rows were learned, and then changes as a whole.
func TestPublicationIsImmutable(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1, Resumable: true}, problem(100, 0, 50))
	data := problem(100, 0, 51)
	s := schemaOf(t, perItem())
	o := newOnline(t, m, 30)
	r := bind(t, o, s)
	served := func() []float32 {
		out := recsys.NewScores(data.Len(), 2)
		if err := r.Rank(t.Context(), nil, tableOf(s, data), out); err != nil {
			t.Fatal(err)
		}
		return out.Heads
	}
	first, old := served(), o.Model()
	slates, clicks := traffic(s, data)
	log(t, o, slates...)
	learn(t, o, clicks...)
	if !slices.Equal(served(), first) {
		t.Error("rows whose window is open were learned")
	}
	log(t, o, &recsys.Exposure{ID: "later", Now: noon.Add(48 * time.Hour), Schema: s})
	learn(t, o)
	stats := o.Stats()
	if stats.Published != 3 || stats.Learned != 90 || stats.Waiting != 10 {
		t.Errorf("%+v; want 3 publications of 30 rows, and 10 rows that wait", stats)
	}
	if slices.Equal(served(), first) {
		t.Error("nothing was published")
	}
	if p := predict(t, old, data); !slices.Equal(p, predict(t, m, data)) {
		t.Error("a model that was published changed")
	}
	if v := o.Model().Version(); v != m.Version()+"-online-3" || o.Version() != m.Version()+"-online" {
		t.Errorf("versions %s and %s", v, o.Version())
	}
}

func TestRequestsAndLearningRunTogether(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1, Resumable: true, HashBits: 8}, problem(100, 0, 52))
	data := problem(200, 0, 53)
	s := schemaOf(t, perItem())
	o := newOnline(t, m, 16)
	r := bind(t, o, s)
	slates, clicks := traffic(s, data)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			out, c := recsys.NewScores(data.Len(), 2), tableOf(s, data)
			for range 30 {
				if err := r.Rank(context.Background(), nil, c, out); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for i, x := range slates {
			x.Now = x.Now.Add(time.Duration(i) * 3 * time.Hour)
			if err := o.Sink().LogExposure(context.Background(), x); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for i := range clicks {
			if err := o.Learn(context.Background(), clicks[i:i+1]); err != nil {
				t.Error(err)
			}
			_ = o.Stats()
		}
	})
	wg.Wait()
	if err := o.Flush(); err != nil {
		t.Fatal(err)
	}
	if stats := o.Stats(); stats.Learned != 200 {
		t.Errorf("%+v; want 200 rows", stats)
	}
}

// From request to feedback and back through a pipeline.
func TestOnlineInAPipeline(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1, Resumable: true, HashBits: 8}, problem(100, 0, 54))
	data := problem(50, 0, 55)
	source := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "price"}, {Name: "taste"}, {Name: "user", Kind: recsys.ID}, {Name: "item", Kind: recsys.ID}, {Name: "noise", Kind: recsys.ID}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				copy(out.FloatRow(i), data.FloatRow(int(id)))
				for k := range 3 {
					out.ID[k][i] = data.IDRow(int(id))[k]
				}
			}
			return nil
		},
	}
	all := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(0); id < 50 && out.Add(id, 0); id++ {
		}
		return nil
	})
	o := newOnline(t, m, 10)
	p, err := recsys.NewPipeline(recsys.Retrieve("all", all), recsys.Features(source), recsys.Rank(o), recsys.Log(o.Sink())).Build()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		at := noon.Add(time.Duration(i) * time.Minute)
		req := &recsys.Request{ID: fmt.Sprint("r", i), K: 5, Now: at}
		res, err := p.Recommend(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		// The item at the top is what everyone takes.
		if err := p.Learn(t.Context(), []recsys.Feedback{{Request: req.ID, Item: res.Items[0].ID, Kind: recsys.Click, Time: at}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Flush(); err != nil {
		t.Fatal(err)
	}
	if stats := o.Stats(); stats.Learned != 200 || stats.Join.Joined != 40 {
		t.Errorf("%+v; want 200 rows and 40 clicks", stats)
	}
}

func TestOnlineErrors(t *testing.T) {
	data := problem(100, 0, 56)
	fixed, m := train(t, fm.Config{Epochs: 1}, data), train(t, fm.Config{Epochs: 1, Resumable: true}, data)
	for want, build := range map[string]func() (*fm.Online, error){
		"train it with Config.Resumable": func() (*fm.Online, error) { return fm.NewOnline(fixed, fm.OnlineConfig{Label: clicked}) },
		"OnlineConfig.Label is nil":      func() (*fm.Online, error) { return fm.NewOnline(m, fm.OnlineConfig{}) },
		"OnlineConfig.Publish is -1":     func() (*fm.Online, error) { return fm.NewOnline(m, fm.OnlineConfig{Label: clicked, Publish: -1}) },
		"OnlineConfig.Join: recsys: Join": func() (*fm.Online, error) {
			return fm.NewOnline(m, fm.OnlineConfig{Label: clicked, Join: recsys.JoinerConfig{Window: -1}})
		},
	} {
		if _, err := build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	s := schemaOf(t, perItem())
	slates, _ := traffic(s, data)
	boom := errors.New("boom")
	for i, label := range []func(dst []float32, _ []recsys.Feedback) error{
		func([]float32, []recsys.Feedback) error { return boom },
		func(dst []float32, _ []recsys.Feedback) error { dst[0] = 2; return nil },
		func(dst []float32, _ []recsys.Feedback) error { dst[0] = float32(math.Inf(1)); return nil },
	} {
		o, err := fm.NewOnline(m, fm.OnlineConfig{Label: label, Publish: 5})
		if err != nil {
			t.Fatal(err)
		}
		log(t, o, slates[0])
		err = o.Flush()
		if err == nil || i == 0 && !errors.Is(err, boom) || i == 1 && !strings.Contains(err.Error(), `label of head "click" is 2`) {
			t.Errorf("label %d: error %v", i, err)
		}
		if stats := o.Stats(); stats.Learned != 0 || o.Snapshot().Version() != m.Version() {
			t.Errorf("label %d: %+v", i, stats)
		}
	}
	o := newOnline(t, m, 0)
	for want, d := range map[string]*ranking.Dataset{
		`no column ["taste"`:   {Columns: []string{"price"}, Floats: []float32{1}, Heads: []string{"click", "buy"}, Labels: []float32{1, 1}},
		`has no head "buy"`:    {Columns: data.Columns, Floats: data.Floats, IDColumns: data.IDColumns, IDs: data.IDs, Heads: []string{"click"}, Labels: data.Labels[:100]},
		`"click" is 2; want 0`: {Heads: []string{"click"}, Labels: []float32{2}},
	} {
		if err := o.Update(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	// A step that would leave the bounds is taken back.
	wild := train(t, fm.Config{Loss: fm.Squared, Epochs: 1, Resumable: true, LearningRate: 10}, data)
	o = newOnline(t, wild, 0)
	huge := *data
	huge.Labels = slices.Clone(data.Labels)
	for i := range huge.Labels {
		huge.Labels[i] = 3e38 * float32(1-2*(i%3/2))
	}
	if err := o.Update(&huge); !errors.Is(err, ranking.ErrDiverged) || o.Snapshot().Version() != wild.Version() {
		t.Errorf("error %v; the model is %s, was %s", err, o.Snapshot().Version(), wild.Version())
	}
}

func TestAHeadThatDivergesLeavesTheOthersLearning(t *testing.T) {
	data := problem(100, 0, 56)
	m := train(t, fm.Config{Loss: fm.Squared, Epochs: 1, Resumable: true}, data)
	for wild := range 2 {
		bad := *data
		bad.Labels = slices.Clone(data.Labels)
		for i := range data.Len() {
			bad.Labels[2*i+wild] = 3e38 * float32(1-2*(i%3/2))
		}
		o := newOnline(t, m, 0)
		if err := o.Update(&bad); !errors.Is(err, ranking.ErrDiverged) || !strings.Contains(err.Error(), strconv.Quote(m.Heads()[wild])) {
			t.Fatalf("error %v", err)
		}
		if stats := o.Stats(); stats.Published != 1 || stats.Learned == 0 {
			t.Errorf("%+v; want one publication", stats)
		}
		before, err := m.Predict(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		after, err := o.Model().Predict(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		for h := range 2 {
			same := true
			for i := range data.Len() {
				same = same && before[2*i+h] == after[2*i+h]
			}
			if same != (h == wild) {
				t.Errorf("head %d diverges, head %d stays as it was: %v", wild, h, same)
			}
		}
	}
}

func TestCancelledLearningGoesOnLater(t *testing.T) {
	m := train(t, fm.Config{Epochs: 1, Resumable: true}, problem(100, 0, 57))
	s := schemaOf(t, perItem())
	slates, _ := traffic(s, problem(100, 0, 58))
	o := newOnline(t, m, 10)
	log(t, o, slates...)
	log(t, o, &recsys.Exposure{ID: "later", Now: noon.Add(48 * time.Hour), Schema: s})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Learn(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := o.Stats().Learned; n != 0 {
		t.Errorf("%d rows were learned", n)
	}
	learn(t, o)
	if n := o.Stats().Learned; n != 100 {
		t.Errorf("%d rows were learned later; want 100", n)
	}
}
