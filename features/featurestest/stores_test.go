package featurestest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/featurestest"
)

func memory(f featurestest.Fault) func(v features.View) features.OnlineStore {
	return func(v features.View) features.OnlineStore {
		m, err := featurestest.NewMemory(v, f)
		if err != nil {
			panic(err)
		}
		return m
	}
}

func TestMemoryKeepsTheContractOfStores(t *testing.T) {
	featurestest.RunStore(t, func(_ *testing.T, v features.View) features.OnlineStore { return memory(featurestest.NoFault)(v) })
}

func TestStoreKeepsTheContractOfStores(t *testing.T) {
	for name, config := range map[string]features.StoreConfig{
		"unbounded":      {},
		"one shard":      {Shards: 1},
		"with room":      {Capacity: 1000},
		"few rows":       {MaxRows: 100},
		"rows per shard": {MaxRows: 5000, Shards: 16},
		"bytes":          {MaxBytes: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			featurestest.RunStore(t, func(t *testing.T, v features.View) features.OnlineStore {
				config.View = v
				s, err := features.NewStore(config)
				require.NoError(t, err)
				return s
			})
		})
	}
}

func TestEachFaultOfAStoreIsFound(t *testing.T) {
	found := map[string]bool{}
	for fault, want := range map[featurestest.Fault]string{
		featurestest.LateWins: "late", featurestest.FirstWins: "same-time", featurestest.TakesFuture: "future",
		featurestest.HalfBatch: "whole-batch", featurestest.ForgetsTTL: "ttl", featurestest.EarlyTTL: "ttl",
		featurestest.NeverStale: "stale", featurestest.ServesStale: "stale", featurestest.NoAge: "age",
		featurestest.NoDefault: "default", featurestest.KeepsRows: "own-memory", featurestest.LendsRows: "own-memory",
		featurestest.TearsRows: "whole-rows", featurestest.Miscounts: "late", featurestest.IgnoresItem: "entities",
		featurestest.WrapsNoCancel: "cancelled-store", featurestest.WrongColumns: "served-columns", featurestest.Silent: "feature-source",
		featurestest.UndatedWins: "undated", featurestest.Backwards: "lookup",
	} {
		var names []string
		for _, v := range featurestest.CheckStore(memory(fault)) {
			names = append(names, v.Case)
		}
		require.Contains(t, names, want, "fault %d", fault)
		found[want] = true
	}
	for _, name := range featurestest.StoreCaseNames() {
		require.True(t, found[name], "no faulty store breaks %q", name)
	}
}
