package asof

import "context"

// SortRecords sorts records of some words with a budget in bytes, and returns them, how many runs there
// were and what the scratch folder was; after is called when the cursor stands before the first record.
func SortRecords(ctx context.Context, records [][]uint64, words int, budget int64, temp string, after func(dir string)) (out [][]uint64, runs int, err error) {
	disk := &scratch{parent: temp}
	defer func() {
		if clean := disk.clean(); err == nil {
			err = clean
		}
	}()
	var stats sortStats
	c, err := sorted(ctx, words, func(yield func([]uint64, error) bool) {
		for _, rec := range records {
			if !yield(rec, ctx.Err()) {
				return
			}
		}
	}, budget, disk, &stats)
	if err != nil {
		return nil, stats.runs, err
	}
	after(disk.dir)
	for rec := c.peek(); rec != nil; rec = c.peek() {
		out = append(out, append([]uint64(nil), rec...))
		c.advance()
	}
	return out, stats.runs, c.failed()
}
