package features_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// The numbers stand in stored rows, model files and logs, so they never change. They were computed by a
// Python program that was written from the documentation of Hash and PairKey and the specification of XXH64.
func TestGoldenViewHashes(t *testing.T) {
	stats := statsView()
	encoded := statsView()
	encoded.Encoders = &derived{hash: 0xdeadbeef}
	computed, both := statsView(), encoded
	computed.Computed, both.Computed = 0xc0ffee00, 0xc0ffee00
	for _, c := range []struct {
		view      features.View
		hash, row uint64
	}{
		{stats, 0x7c434fec2b35ce67, 0x7c434fec2b35ce67},
		{encoded, 0x191885ab02547721, 0x7c434fec2b35ce67},
		{computed, 0x3445d99fd22ee3b7, 0x3445d99fd22ee3b7},
		{both, 0x0c0fe8eb02b9372a, 0x3445d99fd22ee3b7},
		{features.View{Name: "user", Entity: features.User, Columns: []features.Column{
			{Name: "age"}, {Name: "country", Kind: recsys.ID},
		}}, 0xeafb8b3962dc49e5, 0xeafb8b3962dc49e5},
		{features.View{Name: "pair", Entity: features.UserItem, Columns: []features.Column{
			{Name: "clicks.7d"},
		}}, 0xa55c4246b0b79bfc, 0xa55c4246b0b79bfc},
		{features.View{Name: "geo", Entity: features.Context, Key: "country", Columns: []features.Column{
			{Name: "é", Kind: recsys.ID},
		}}, 0x3523ab4d7fb2d5f0, 0x3523ab4d7fb2d5f0},
	} {
		require.Equal(t, fmt.Sprintf("%016x", c.hash), fmt.Sprintf("%016x", c.view.Hash()), c.view.Name)
		require.Equal(t, fmt.Sprintf("%016x", c.row), fmt.Sprintf("%016x", c.view.RowHash()), c.view.Name)
	}
}

func TestGoldenPairKeys(t *testing.T) {
	for _, c := range []struct {
		user recsys.UserID
		item recsys.ItemID
		key  uint64
	}{
		{0, 0, 0xcc29b39be50f8e6b},
		{1, 2, 0x22f7a0b36d61a51f},
		{2, 1, 0x6618a8294c103d0c},
		{42, 7, 0x6dd8535a75a77f3c},
		{math.MaxUint64, math.MaxUint64, 0x4298beb1268f514c},
	} {
		require.Equal(t, fmt.Sprintf("%016x", c.key), fmt.Sprintf("%016x", features.PairKey(c.user, c.item)), "%d, %d", c.user, c.item)
	}
}
