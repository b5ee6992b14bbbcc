package encoder_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/encoder"
)

// Source: testdata/hash_vectors.txt, which the reference implementation of XXH64 made; its header says how.
func TestHashesAreThoseOfTheReference(t *testing.T) {
	f, err := os.Open("testdata/hash_vectors.txt")
	require.NoError(t, err)
	defer f.Close()
	vectors := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(line, "\t")
		require.Len(t, field, 5, line)
		number := func(s string, base int) uint64 {
			v, err := strconv.ParseUint(s, base, 64)
			require.NoError(t, err, line)
			return v
		}
		seed, buckets := number(field[0], 10), number(field[1], 10)
		var ids []uint64
		for _, s := range strings.Split(field[2], ",") {
			ids = append(ids, number(s, 10))
		}
		h := encoder.HashIDs(seed, ids...)
		require.Equal(t, number(field[3], 16), h, line)
		require.Equal(t, number(field[4], 10), encoder.Bucket(h, buckets), line)

		var e encoder.Encoder = encoder.Hash{Buckets: buckets, Seed: seed}
		if len(ids) > 1 {
			e = encoder.Cross{Buckets: buckets, Seed: seed}
		}
		inputs := encoder.List("id", len(ids))
		set, err := encoder.NewSet(encoder.Config{
			Inputs: inputs, Steps: []encoder.Step{{Name: "out", From: encoder.Names(inputs), Encoder: e}},
		})
		require.NoError(t, err)
		rows, out := encoder.NewRows(inputs, 1), encoder.NewRows(set.Columns(), 1)
		for i, id := range ids {
			rows.Values[i].IDs[0] = id
		}
		require.NoError(t, set.Apply(t.Context(), out, rows))
		require.Equal(t, number(field[4], 10), out.Values[0].IDs[0], line)
		vectors++
	}
	require.Equal(t, 77, vectors)
	last := encoder.HashIDs(0, recsys.HashID("red"), recsys.HashID("größe"))
	require.Equal(t, uint64(0x957bce78c5d2378c), last, "the last line is of two strings")
}

func TestBucketsOfAHashAreFilledEvenly(t *testing.T) {
	const n, buckets = 100000, 100
	var count [buckets]int
	for id := range uint64(n) {
		count[encoder.Bucket(encoder.HashIDs(3, id), buckets)]++
	}
	chi := 0.0
	for _, c := range count {
		d := float64(c) - n/buckets
		chi += d * d / (n / buckets)
	}
	// 99 degrees of freedom: mean 99, deviation 14; a fixed input, so no luck is involved.
	require.Less(t, chi, 160.0)
}

func TestHashIDsDoesNotAllocate(t *testing.T) {
	ids := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	var h uint64
	require.Zero(t, testing.AllocsPerRun(100, func() { h += encoder.HashIDs(1, ids...) + encoder.HashIDs(2, 5) }))
}
