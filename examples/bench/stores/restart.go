package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features"
)

// restart times a snapshot: what a process waits for when it ends and begins.
func (o *options) restart(ctx context.Context, out io.Writer) error {
	columns := orElse(o.columns, 50)
	config := features.StoreConfig{View: o.view(columns), Capacity: o.rows}
	s, err := o.load(config)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(o.folder, "stores")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "items.features")
	start := time.Now()
	if err := s.Save(path); err != nil {
		return err
	}
	save := time.Since(start).Seconds()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	s = nil
	var loads []float64
	for range orElse(o.rounds, 5) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		runtime.GC()
		start := time.Now()
		restored, err := features.NewStore(features.StoreConfig{View: config.View})
		if err == nil {
			err = restored.Load(path)
		}
		if err != nil {
			return err
		}
		loads = append(loads, time.Since(start).Seconds())
		if restored.Len() != o.rows {
			return fmt.Errorf("%d rows came back of %d", restored.Len(), o.rows)
		}
	}
	slices.Sort(loads)
	load := loads[len(loads)/2]
	return o.line(out, cli.Object{
		cli.F("work", "restart"), cli.F("rows", o.rows), cli.F("columns", columns), cli.F("mb", float64(info.Size())/1e6),
		cli.F("save_s", save), cli.F("load_s", load), cli.F("slowest_load_s", loads[len(loads)-1]),
	}, "%d rows × %d, %.0f MB: saved in %.2f s, loaded in %.2f s (median of %d, slowest %.2f)",
		o.rows, columns, float64(info.Size())/1e6, save, load, len(loads), loads[len(loads)-1])
}
