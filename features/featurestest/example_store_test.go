package featurestest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/featurestest"
)

// What a feed of one's own does when the store takes rows of the future: it has no rows that the store refused.
func ExampleMemory() {
	view := features.View{Name: "item.stats", Columns: []recsys.Column{{Name: "ctr"}}}
	tomorrow := time.Now().Add(24 * time.Hour)
	for _, fault := range []featurestest.Fault{featurestest.NoFault, featurestest.TakesFuture} {
		store, err := featurestest.NewMemory(view, fault)
		if err != nil {
			fmt.Println(err)
			return
		}
		w, err := store.PutBatch(context.Background(), []features.Row{{Key: 7, Time: tomorrow, Floats: []float32{0.25}}})
		fmt.Println(w.Stored, w.Future, err)
	}
	// Output:
	// 0 1 <nil>
	// 1 0 <nil>
}

// The test of a store of one's own is one call.
func ExampleRunStore() {
	_ = func(t *testing.T) { // func TestStoreKeepsTheContract(t *testing.T)
		featurestest.RunStore(t, func(t *testing.T, v features.View) features.OnlineStore {
			s, err := features.NewStore(features.StoreConfig{View: v})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	}
}

// What the suite says of a store in which late rows win.
func ExampleCheckStore() {
	for _, v := range featurestest.CheckStore(func(v features.View) features.OnlineStore {
		s, err := featurestest.NewMemory(v, featurestest.LateWins)
		if err != nil {
			panic(err)
		}
		return s
	}) {
		fmt.Println(v)
	}
	// Output:
	// late: PutBatch says {Stored:2 Late:0 Future:0}; want {Stored:1 Late:1 Future:0}
	// 	the contract: A write that meets a row of later event time is refused and counted as late.
	// undated: PutBatch says {Stored:1 Late:0 Future:0}; want {Stored:0 Late:1 Future:0}
	// 	the contract: A row without event time is older than any that has one.
}
