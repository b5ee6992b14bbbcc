package retrieval_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

const benchRecords = 1_000_000

// skewed returns a million records of 30,000 users and 40,000 items, of which a
// few are far more frequent, in random order.
func skewed() retrieval.Records {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 20, 39_999)
	var r retrieval.Records
	for range benchRecords {
		r.Users = append(r.Users, recsys.UserID(rng.IntN(30_000))*1_000_003)
		r.Items = append(r.Items, recsys.ItemID(zipf.Uint64())*7_000_001)
		r.Times = append(r.Times, rng.Int64N(1e18))
	}
	return r
}

func BenchmarkNewInteractions(b *testing.B) {
	records := skewed()
	for _, times := range []bool{false, true} {
		r := records
		if !times {
			r.Times = nil
		}
		b.Run(fmt.Sprintf("n=1M/times=%v", times), func(b *testing.B) {
			b.ReportAllocs()
			var x *retrieval.Interactions
			for b.Loop() {
				var err error
				if x, err = retrieval.NewInteractions(r, retrieval.SumWeights); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRecords, "ns/record")
			b.ReportMetric(heap(func() any { y, _ := retrieval.NewInteractions(r, retrieval.SumWeights); return y })/benchRecords, "kept-B/record")
			_ = x.Len()
		})
	}
}

// heap returns how many bytes what f returns keeps.
func heap(f func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

func BenchmarkRead(b *testing.B) {
	r := skewed()
	var lists, csv bytes.Buffer
	x, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		b.Fatal(err)
	}
	for u, id := range x.Users() {
		fmt.Fprint(&lists, id)
		for _, e := range x.History(u) {
			fmt.Fprint(&lists, " ", e.Item)
		}
		fmt.Fprintln(&lists)
	}
	csv.WriteString("user,item,rating,timestamp\n")
	for k, u := range r.Users {
		fmt.Fprintf(&csv, "%d,%d,%d.5,%d\n", u, r.Items[k], k%5, r.Times[k]/1e9)
	}
	for _, c := range []struct {
		name string
		text []byte
		read reader
	}{
		{"format=lists", lists.Bytes(), retrieval.ReadLists},
		{"format=csv", csv.Bytes(), retrieval.ReadInteractions},
	} {
		b.Run(c.name+"/n=1M", func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.read(bytes.NewReader(c.text), c.name, retrieval.ReadOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkItemRow(b *testing.B) {
	r := skewed()
	x, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		b.Fatal(err)
	}
	k, found := 0, 0
	for b.Loop() {
		if _, ok := x.ItemRow(r.Items[k]); ok {
			found++
		}
		if k++; k == len(r.Items) {
			k = 0
		}
	}
}
