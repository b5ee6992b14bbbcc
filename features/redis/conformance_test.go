package redis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/featurestest"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
)

func TestStoreKeepsTheContract(t *testing.T) {
	single := server.Start(t)
	for _, c := range []struct {
		name  string
		addrs []string
		near  int64
		half  bool
	}{
		{"single", []string{single.Addr}, 0, false},
		{"single-half", []string{single.Addr}, 0, true},
		{"single-near", []string{single.Addr}, 1 << 20, false},
		{"cluster", theCluster(t).Addrs(), 0, false},
		{"cluster-near", theCluster(t).Addrs(), 1 << 20, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			featurestest.Run(t, func(t *testing.T) recsys.FeatureSource {
				s := open(t, redis.Config{
					Client: client(c.addrs...), View: statsView(), Prefix: t.Name() + ":", Half: c.half,
					Near: redis.Near{Bytes: c.near}, Timeout: server.Patience,
				})
				put(t, s, features.Written{Stored: 3}, statsRow(1, noon), statsRow(2, noon), statsRow(3, noon))
				return s
			}, featurestest.Config{
				Items: []recsys.ItemID{1, 2, 3}, Unknown: []recsys.ItemID{4, 1 << 60}, Written: noon,
				Write: func(s recsys.FeatureSource, n int) {
					if _, err := s.(*redis.Store).PutBatch(context.Background(), []features.Row{statsRow(uint64(n%3+1), noon.Add(time.Duration(n)))}); err != nil {
						t.Error(err)
					}
				},
			})
		})
	}
}

func TestStoreKeepsTheContractOfStores(t *testing.T) {
	single := server.Start(t)
	for _, c := range []struct {
		name  string
		addrs []string
		near  int64
		half  bool
	}{
		{"single", []string{single.Addr}, 0, false},
		{"single-half", []string{single.Addr}, 0, true},
		{"single-near", []string{single.Addr}, 1 << 20, false},
		{"cluster", theCluster(t).Addrs(), 0, false},
		{"cluster-near", theCluster(t).Addrs(), 1 << 20, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			stores := 0
			featurestest.RunStore(t, func(t *testing.T, v features.View) features.OnlineStore {
				stores++ // views come again from case to case
				return open(t, redis.Config{
					Client: client(c.addrs...), View: v, Prefix: fmt.Sprintf("%s.%d:", c.name, stores), Half: c.half,
					Near: redis.Near{Bytes: c.near}, Timeout: server.Patience, Clock: time.Now,
				})
			})
		})
	}
}
