package goapi

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what [Load] reads. The zero value reads the installed toolchain.
type Config struct {
	// Root is the toolchain's folder, the one with src in it. "" means
	// what [FindRoot] returns.
	Root string

	// Workers is the number of goroutines that parse, >= 0; 0 means
	// runtime.GOMAXPROCS(0). The result is the same for every number.
	Workers int

	// MinItems is the number of distinct items that make a file a user, >= 0;
	// 0 means 5.
	MinItems int

	// Unused keeps symbols that no user uses in the catalogue. They can be
	// recommended, by their features, and never be right. By default they are left
	// out: half of what the library declares is in package syscall, most of it
	// for other systems.
	Unused bool

	// Progress, when not nil, is told how many of all files have been parsed: every
	// 256 files, and at the end. Calls do not overlap, and done increases.
	Progress func(done, total int)
}

// Load reads the source tree and returns the data set. The whole tree of Go 1.26
// takes about two seconds on two cores and 60 MB of memory (BenchmarkLoad).
//
// A file that does not parse is skipped and listed in [Stats].Unparsed. Errors:
// a negative number in cfg; [ErrNoSource] when there is no src folder; a file or
// folder that cannot be read, by its path; an error that wraps ctx.Err() when ctx
// ends first. Without the api folder there is no error: see [Dataset].HasAge.
func Load(ctx context.Context, cfg Config) (*Dataset, error) {
	start := time.Now()
	if cfg.Workers < 0 {
		return nil, fmt.Errorf("goapi: Config.Workers is %d; want >= 0 (0 means all cores)", cfg.Workers)
	}
	if cfg.MinItems < 0 {
		return nil, fmt.Errorf("goapi: Config.MinItems is %d; want >= 0 (0 means 5)", cfg.MinItems)
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.MinItems == 0 {
		cfg.MinItems = 5
	}
	if cfg.Root == "" {
		root, err := FindRoot(ctx)
		if err != nil {
			return nil, err
		}
		cfg.Root = root
	}
	src, err := sourceOf(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w; install the toolchain's source, or set Config.Root",
			ErrNoSource, filepath.Join(cfg.Root, "src"), err)
	}
	paths, ignored, err := listFiles(src)
	if err != nil {
		return nil, err
	}
	sources, err := parseAll(ctx, src, paths, cfg)
	if err != nil {
		return nil, err
	}
	since, notes, err := readAPI(filepath.Join(cfg.Root, "api"))
	if err != nil {
		return nil, err
	}
	d := assemble(sources, since, cfg)
	d.Version = readVersion(filepath.Join(cfg.Root, "VERSION"))
	d.Notes = append(d.Notes, notes...)
	d.Stats.Version = d.Version
	d.Stats.Ignored = ignored
	d.Stats.Elapsed = time.Since(start)
	return d, nil
}

// parseAll returns the sources of paths, in their order.
func parseAll(ctx context.Context, src string, paths []string, cfg Config) ([]*source, error) {
	sources := make([]*source, len(paths))
	errs := make([]error, len(paths))
	var next atomic.Int64
	var done int
	var mu sync.Mutex // guards done and calls of Progress
	report := func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		if cfg.Progress != nil && (done%256 == 0 || done == len(paths)) {
			cfg.Progress(done, len(paths))
		}
	}
	var wg sync.WaitGroup
	for range min(cfg.Workers, len(paths)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(paths) {
					return
				}
				sources[i], errs[i] = readSource(src, paths[i])
				report()
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil && done < len(paths) {
		return nil, fmt.Errorf("goapi: stopped after %d of %d files: %w", done, len(paths), err)
	}
	for _, err := range errs {
		if err != nil {
			return nil, err // the first by path, whoever met it
		}
	}
	return sources, nil
}
