package bins

import "context"

// layOut writes the columns a second time, by row.
func (t *Table) layOut(ctx context.Context) error {
	for first := 0; first < len(t.Columns); first += BlockColumns {
		n := min(len(t.Columns)-first, BlockColumns)
		b := Block{First: first, Columns: n, Stride: stride(n)}
		b.Data = make([]uint8, t.Rows*b.Stride)
		t.Blocks = append(t.Blocks, b)
	}
	return each(ctx, t.workers, chunks(t.Rows), func(_, chunk int) {
		from, to := chunk*chunkRows, min((chunk+1)*chunkRows, t.Rows)
		for i := range t.Blocks {
			b := &t.Blocks[i]
			rows := b.Data[from*b.Stride : to*b.Stride]
			for c := range b.Columns {
				at := c
				for _, bin := range t.Columns[b.First+c][from:to] {
					rows[at] = bin
					at += b.Stride
				}
			}
		}
	})
}
