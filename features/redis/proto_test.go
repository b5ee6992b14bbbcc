package redis_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand"
	"os"
	"sort"
	"strings"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
)

func cpu(pid int) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(b)[strings.LastIndex(string(b), ")")+1:])
	u, _ := strconv.Atoi(f[11])
	k, _ := strconv.Atoi(f[12])
	return float64(u+k) / 100
}

func TestProto(t *testing.T) {
	s := server.Start(t)
	var cols []features.Column
	for i := range 50 {
		cols = append(cols, features.Column{Name: fmt.Sprintf("feature_%02d", i)})
	}
	v := features.View{Name: "item.stats", Columns: cols}
	const n = 20000
	mem := func() int {
		for _, l := range strings.Split(s.Must(t, "INFO", "memory"), "\r\n") {
			if x, ok := strings.CutPrefix(l, "used_memory:"); ok {
				i, _ := strconv.Atoi(x)
				return i
			}
		}
		return 0
	}
	opt := rueidis.ClientOption{InitAddress: []string{s.Addr}}
	m0 := mem()
	st, err := redis.Open(redis.Config{Client: opt, View: v})
	if err != nil {
		t.Fatal(err)
	}
	m0 = mem()
	rng := rand.New(rand.NewSource(1))
	var rows []features.Row
	for k := range n {
		r := features.Row{Key: uint64(k), Time: time.Unix(1700000000, 0)}
		for range 50 {
			r.Floats = append(r.Floats, rng.Float32())
		}
		rows = append(rows, r)
	}
	ctx := context.Background()
	t0 := time.Now()
	w, err := st.PutBatch(ctx, rows)
	t.Log(w, err, time.Since(t0))
	m1 := mem()
	fs, err := redis.OpenFeast(redis.FeastConfig{Client: opt, View: v, Project: "my_project", Join: "item_id"})
	if err != nil {
		t.Fatal(err)
	}
	cl, _ := rueidis.NewClient(opt)
	fields := fs.Fields()
	m1 = mem()
	for a := 0; a < n; a += 1000 {
		var cmds []rueidis.Completed
		for _, r := range rows[a : a+1000] {
			key, _ := fs.Key(r.Key)
			c := cl.B().Hset().Key(key).FieldValue()
			for j, f := range r.Floats {
				b := binary.LittleEndian.AppendUint32([]byte{0x35}, math.Float32bits(f))
				c = c.FieldValue(fields[j], string(b))
			}
			c = c.FieldValue(fields[50], "\x08\x80\xe2\xcf\xaa\x06")
			cmds = append(cmds, c.Build())
		}
		for _, r := range cl.DoMulti(ctx, cmds...) {
			if r.Error() != nil {
				t.Fatal(r.Error())
			}
		}
	}
	m2 := mem()
	t.Log("ours", (m1-m0)/n, "feast", (m2-m1)/n, float64(m1-m0)/float64(m2-m1))
	k0, _ := fs.Key(1)
	t.Log(s.Must(t, "OBJECT", "ENCODING", k0), s.Must(t, "MEMORY", "USAGE", k0))
	b := recsys.NewBlock(cols, recsys.PerItem, 500)
	sch, _ := recsys.NewSchema(recsys.SchemaConfig{})
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: time.Unix(1700000001, 0)}, sch, "x")
	items := make([]recsys.ItemID, 500)
	ctx2, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	med := func(x []float64) float64 { sort.Float64s(x); return x[len(x)/2] }
	var wo, wf []float64
	var co, cf float64
	for range 40 {
		for i := range items {
			items[i] = recsys.ItemID(rng.Intn(n))
		}
		c0 := cpu(os.Getpid()) + cpu(s.PID())
		for range 10 {
			t0 := time.Now()
			if err := st.Hydrate(ctx2, q, items, b); err != nil {
				t.Fatal(err)
			}
			wo = append(wo, time.Since(t0).Seconds()*1e6)
		}
		c1 := cpu(os.Getpid()) + cpu(s.PID())
		for range 2 {
			t0 = time.Now()
			if err := fs.Hydrate(ctx2, q, items, b); err != nil {
				t.Fatal(err)
			}
			wf = append(wf, time.Since(t0).Seconds()*1e6)
		}
		c2 := cpu(os.Getpid()) + cpu(s.PID())
		co += (c1 - c0) / 10
		cf += (c2 - c1) / 2
	}
	t.Log(s.Must(t, "INFO", "commandstats"))
	t.Logf("cpu ours %.0f feast %.0f", co/40*1e6, cf/40*1e6)
	t.Logf("ours %.0f us, feast %.0f us: %.1fx; cpu ratio %.1f", med(wo), med(wf), med(wf)/med(wo), cf/co)
	t.Log(testing.AllocsPerRun(100, func() { st.Hydrate(ctx2, q, items, b) }))
	c := cl
	names := make([]string, 500)
	for i := range names {
		names[i] = fmt.Sprintf("item.stats@%08x:%d", v.RowHash()>>32, i)
	}
	t.Log(testing.AllocsPerRun(100, func() { c.Do(ctx2, c.B().Mget().Key(names...).Build()).ToArray() }))
}
