package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
)

// reader reads the rows of items.
type reader func(ctx context.Context, items []recsys.ItemID, out *recsys.Block) error

// lane is a reader that is timed.
type lane struct {
	name  string
	read  reader
	block *recsys.Block
	bytes float64 // of memory per entity
	turns []turn
}

// turn is what a batch took in a turn: microseconds of wall time and of CPU time, and allocations.
type turn struct{ wall, client, server, allocs float64 }

func (t turn) cpu() float64 { return t.client + t.server }

// of returns the median of a figure over the turns.
func (l *lane) of(f func(turn) float64) float64 {
	x := make([]float64, len(l.turns))
	for i, t := range l.turns {
		x[i] = f(t)
	}
	return median(x)
}

// ratio returns the median over the rounds of first's figure divided by l's.
func (l *lane) ratio(first *lane, f func(turn) float64) float64 {
	x := make([]float64, len(l.turns))
	for i, t := range l.turns {
		x[i] = f(first.turns[i]) / f(t)
	}
	return median(x)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

func (b *bench) report() {
	wall := func(t turn) float64 { return t.wall }
	first := b.lanes[0]
	fmt.Printf("%d entities x %d floats of %d; microseconds per batch, medians of %d rounds\n", b.batch, b.columns, b.entities, b.rounds)
	fmt.Printf("%-22s %8s %8s %8s %8s %8s %8s %8s %8s %8s\n",
		"", "wall", "speed-up", "least", "cpu here", "server", "speed-up", "allocs", "B/entity", "share")
	for _, l := range b.lanes {
		size, share := "", ""
		if l.bytes > 0 {
			size, share = fmt.Sprintf("%.0f", l.bytes), fmt.Sprintf("%.3f", l.bytes/first.bytes)
		}
		least := slices.MinFunc(l.turns, func(x, y turn) int { return int(1e3*x.wall) - int(1e3*y.wall) }).wall
		fmt.Printf("%-22s %8.0f %8.1f %8.0f %8.0f %8.0f %8.1f %8.0f %8s %8s\n", l.name, l.of(wall), l.ratio(first, wall), least,
			l.of(func(t turn) float64 { return t.client }), l.of(func(t turn) float64 { return t.server }), l.ratio(first, turn.cpu),
			l.of(func(t turn) float64 { return t.allocs }), size, share)
	}
}
