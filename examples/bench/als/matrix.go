package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// matrix says who took what: the items of user u are index[start[u]:start[u+1]], ascending.
type matrix struct {
	users, items int
	start, index []int32
}

// synthetic draws a matrix of a planted rank and items of unequal popularity: user u takes
// the items with the largest 0.6 p·q - 0.9 ln(rank of the item) + Gumbel noise, where p and q
// are normal. The number of items is log-normal.
func synthetic(users, items, cells int, seed uint64) *matrix {
	const rank = 16
	rng := rand.New(rand.NewPCG(seed, 1))
	normal := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	p, q := normal(users*rank), normal(items*rank)
	popularity := make([]float64, items)
	for at, i := range rng.Perm(items) {
		popularity[i] = -0.9 * math.Log(float64(at+1))
	}
	m := &matrix{users: users, items: items, start: make([]int32, 1, users+1)}
	scores, order := make([]float64, items), make([]int32, items)
	for u, n := range lengths(rng, users, items, cells) {
		for i := range scores {
			dot := 0.0
			for k := range rank {
				dot += p[u*rank+k] * q[i*rank+k]
			}
			scores[i], order[i] = 0.6*dot+popularity[i]-math.Log(rng.ExpFloat64()), int32(i)
		}
		slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(scores[b], scores[a]) })
		taken := slices.Clone(order[:n])
		slices.Sort(taken)
		m.index = append(m.index, taken...)
		m.start = append(m.start, int32(len(m.index)))
	}
	return m
}

// lengths draws how many items each user has: 5 to half of them, cells in all as far as they
// fit.
func lengths(rng *rand.Rand, users, items, cells int) []int {
	weights, sum := make([]float64, users), 0.0
	for u := range weights {
		weights[u] = math.Exp(rng.NormFloat64())
		sum += weights[u]
	}
	n := make([]int, users)
	most, left := max(items/2, 1), cells
	for u, w := range weights {
		n[u] = min(max(5, int(w/sum*float64(cells))), most)
		left -= n[u]
	}
	for u := 0; left > 0 && u < 1000*users; u++ {
		if v := rng.IntN(users); n[v] < most {
			n[v]++
			left--
		}
	}
	return n
}

// Names of the files of a matrix.
const (
	metaFile  = "meta.txt"    // users items interactions
	startFile = "indptr.i32"  // little endian
	indexFile = "indices.i32" // little endian
)

// write writes the matrix to a folder.
func (m *matrix) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	meta := fmt.Sprintln(m.users, m.items, len(m.index))
	return errors.Join(
		os.WriteFile(filepath.Join(dir, metaFile), []byte(meta), 0o644),
		writeInts(filepath.Join(dir, startFile), m.start),
		writeInts(filepath.Join(dir, indexFile), m.index),
	)
}

func writeInts(path string, x []int32) error {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, x); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// read reads what write wrote.
func read(dir string) (*matrix, error) {
	m := new(matrix)
	path := filepath.Join(dir, metaFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, cli.Inputf(path, 0, "%w", err)
	}
	cells := 0
	if _, err := fmt.Sscan(string(text), &m.users, &m.items, &cells); err != nil || min(m.users, m.items, cells) < 0 || max(m.users, m.items, cells) >= math.MaxInt32 {
		return nil, cli.Inputf(path, 1, "%q; want the numbers of users, items and interactions", text)
	}
	if m.start, err = readInts(filepath.Join(dir, startFile), m.users+1, cells+1); err != nil {
		return nil, err
	}
	if m.index, err = readInts(filepath.Join(dir, indexFile), cells, m.items); err != nil {
		return nil, err
	}
	if !slices.IsSorted(m.start) || m.start[0] != 0 || int(m.start[m.users]) != cells {
		return nil, cli.Inputf(filepath.Join(dir, startFile), 0, "the rows do not follow each other from 0 to %d", cells)
	}
	return m, nil
}

// readInts reads n numbers in [0, limit).
func readInts(path string, n, limit int) ([]int32, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, cli.Inputf(path, 0, "%w", err)
	}
	if len(data) != 4*n {
		return nil, cli.Inputf(path, 0, "%d bytes; want %d", len(data), 4*n)
	}
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(binary.LittleEndian.Uint32(data[4*i:]))
		if x[i] < 0 || int(x[i]) >= limit {
			return nil, cli.Inputf(path, 0, "number %d is %d; want 0 to %d", i, x[i], limit-1)
		}
	}
	return x, nil
}

// interactions returns the matrix with weights of 1.
func (m *matrix) interactions() (*retrieval.Interactions, error) {
	var r retrieval.Records
	for u := range m.users {
		for _, i := range m.index[m.start[u]:m.start[u+1]] {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i))
		}
	}
	return retrieval.NewInteractions(r, retrieval.SumWeights)
}
