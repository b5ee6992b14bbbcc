package recsys

import "fmt"

// checkShape checks lengths and indexes, so that a reader of records can rely on them:
// whatever the schema has a width for is either absent or of that width.
func (x *Exposure) checkShape() error {
	if x.Shown < 0 || x.Shown > len(x.Rows) {
		return fmt.Errorf("shown is %d; the record has %d rows", x.Shown, len(x.Rows))
	}
	if s := x.Schema; s != nil {
		words := (len(s.groups) + 63) / 64
		if err := firstError(
			checkWidth("floats", len(x.Floats), s.reqFloats),
			checkWidth("ids", len(x.IDs), s.reqIDs),
			checkWidth("missing", len(x.Missing), words),
			checkWidth("stale", len(x.Stale), words),
			checkWidth("ages", len(x.Ages), len(s.groups)),
			checkVectors(x.Vectors, s.reqVectors),
		); err != nil {
			return err
		}
	}
	for i := range x.Rows {
		if err := x.Rows[i].checkShape(x.Schema); err != nil {
			return fmt.Errorf("rows[%d]: %w", i, err)
		}
		if at := x.Rows[i].Position; i < x.Shown && at != i || i >= x.Shown && at != -1 {
			return fmt.Errorf("rows[%d]: position is %d; the first %d rows are the slate in order", i, at, x.Shown)
		}
	}
	return nil
}

func (r *ExposureRow) checkShape(s *Schema) error {
	if r.Row < 0 {
		return fmt.Errorf("row is %d; want >= 0", r.Row)
	}
	if s == nil {
		return nil
	}
	return firstError(
		checkWidth("heads", len(r.Heads), len(s.heads)),
		checkWidth("floats", len(r.Floats), s.floats),
		checkWidth("ids", len(r.IDs), s.ids),
		checkWidth("ranks", len(r.Ranks), len(s.sources)),
		checkWidth("recall", len(r.Recall), len(s.sources)),
		checkWidth("ages", len(r.Ages), len(s.groups)),
		checkVectors(r.Vectors, s.vectors),
	)
}

func checkWidth(what string, have, want int) error {
	if have != 0 && have != want {
		return fmt.Errorf("%s has %d values; the schema says %d", what, have, want)
	}
	return nil
}

func checkVectors(vectors [][]float32, dims []int) error {
	if err := checkWidth("vectors", len(vectors), len(dims)); err != nil {
		return err
	}
	for j, v := range vectors {
		if len(v) != dims[j] {
			return fmt.Errorf("vectors[%d] has %d values; the schema says %d", j, len(v), dims[j])
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
