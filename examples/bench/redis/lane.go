package main

import (
	"context"
	"fmt"
	"math"
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

// report prints the lanes. Feast's layout is the first of them, its server the second.
func (b *bench) report() {
	wall := func(t turn) float64 { return t.wall }
	layout, server := b.lanes[0], b.lanes[1]
	fmt.Printf("%d entities x %d floats of %d; medians of %d rounds\n\n", b.batch, b.columns, b.entities, b.rounds)
	fmt.Printf("%-16s %35s %8s %10s %9s\n", "", "microseconds per batch", "allocs", "bytes per", "of")
	fmt.Printf("%-16s %8s %8s %8s %8s %8s %10s %9s\n", "", "wall", "least", "cpu", "server's", "", "entity", "Feast's")
	for _, l := range b.lanes {
		size, share := "", ""
		if l.bytes > 0 {
			size, share = fmt.Sprintf("%.0f", l.bytes), fmt.Sprintf("%.3f", l.bytes/layout.bytes)
		}
		least := math.Inf(1)
		for _, t := range l.turns {
			least = min(least, t.wall)
		}
		fmt.Printf("%-16s %8.0f %8.0f %8.0f %8.0f %8.0f %10s %9s\n", l.name, l.of(wall), least,
			l.of(func(t turn) float64 { return t.client }), l.of(func(t turn) float64 { return t.server }),
			l.of(func(t turn) float64 { return t.allocs }), size, share)
	}
	fmt.Printf("\n%-16s %21s %21s\n", "times as quick", "as Feast's layout", "as Feast's server")
	fmt.Printf("%-16s %10s %10s %10s %10s\n", "", "wall", "cpu", "wall", "cpu")
	for _, l := range b.lanes {
		fmt.Printf("%-16s %10.1f %10.1f %10.1f %10.1f\n", l.name,
			l.ratio(layout, wall), l.ratio(layout, turn.cpu), l.ratio(server, wall), l.ratio(server, turn.cpu))
	}
}
