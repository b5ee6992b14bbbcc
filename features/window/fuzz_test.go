package window_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/window"
)

// FuzzReadFrom reads any bytes: an error or an aggregator that writes them again.
func FuzzReadFrom(f *testing.F) {
	config := declaration()
	for n := range 3 {
		a, err := window.New(config)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range stream(rand.New(rand.NewPCG(1, uint64(n))), 20*n+1) {
			a.Add(e)
		}
		f.Add(checkpoint(f, a))
	}
	f.Add([]byte("recsys"))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := window.New(config)
		require.NoError(t, err)
		if n, err := a.ReadFrom(bytes.NewReader(file)); err == nil {
			require.Equal(t, file[:n], checkpoint(t, a))
		}
	})
}

// FuzzRestore gives the words of a checkpoint behind its checksums: an error, or an
// aggregator that goes on without a panic.
func FuzzRestore(f *testing.F) {
	config := short()
	config.Changes = true
	const key = 3
	shard := window.ShardOf(key)
	for seed := range uint64(6) {
		a, err := window.New(config)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range stream(rand.New(rand.NewPCG(seed, 5)), 300) {
			if e.Key == key {
				a.Add(e)
			}
		}
		sizes, words := window.Dump(a, shard)
		newest, _ := a.Watermark()
		f.Add(newest+int64(config.Lateness), encode(sizes), encode(words), uint16(0), uint64(1))
		f.Add(newest+int64(config.Lateness), encode(sizes), encode(words), uint16(17*seed), uint64(1)<<(9*seed))
	}
	f.Fuzz(func(t *testing.T, newest int64, sizes, words []byte, at uint16, change uint64) {
		if newest > window.MaxTime || newest < -window.MaxTime {
			return
		}
		w := decode[uint64](words)
		if len(w) > 0 {
			w[int(at)%len(w)] ^= change
		}
		a, err := window.Restore(config, newest, shard, decode[uint32](sizes), w)
		if err != nil {
			return
		}
		var row window.Row
		again := func(now int64) {
			a.Read(key, now, &row)
			for _, column := range []string{"ids.30ns", "ids.300ns", "clicked.100ns"} {
				_, err := a.Registers(column, key, now, nil)
				require.NoError(t, err)
			}
		}
		again(newest)
		again(newest + 40)
		for range a.Rows(newest) {
			break
		}
		for i := range int64(60) {
			a.Add(window.Event{Key: key, Time: newest - 30 + 7*i, ID: uint64(i), Kind: 1, Value: float32(i)})
			again(newest)
		}
		s, w := window.Dump(a, shard)
		mark, _ := a.Watermark()
		b, err := window.Restore(config, mark+int64(config.Lateness), shard, s, w)
		require.NoError(t, err)
		s2, w2 := window.Dump(b, shard)
		require.Equal(t, s, s2)
		require.Equal(t, w, w2)
	})
}

func encode(values any) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		panic(err)
	}
	return b
}

func decode[T uint32 | uint64](b []byte) []T {
	out := make([]T, len(b)/binary.Size(T(0)))
	if _, err := binary.Decode(b, binary.LittleEndian, out); err != nil {
		panic(err)
	}
	return out
}
