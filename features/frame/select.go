package frame

// Select returns a reader of some columns of r, in the order of names. The error is a
// [*ColumnError] when one is not there. Readers of files that can leave columns out while they read,
// as CSVReader and that of features/parquet, do it better themselves.
func Select(r Reader, columns ...string) (Reader, error) {
	fields := r.Fields()
	have := names(fields)
	if err := missingColumns("", columns, have); err != nil {
		return nil, err
	}
	s := &selector{r: r}
	for _, name := range columns {
		for j, f := range fields {
			if f.Name == name {
				s.from, s.fields = append(s.from, j), append(s.fields, f)
			}
		}
	}
	return s, CheckFields(s.fields)
}

type selector struct {
	r      Reader
	fields []Field
	from   []int
	chunk  Frame
}

// Fields returns the selected columns.
func (s *selector) Fields() []Field { return s.fields }

// Next reads a chunk and lends its columns: they change places with those of chunk.
func (s *selector) Next(chunk *Frame) error {
	chunk.use(s.fields)
	if err := s.r.Next(&s.chunk); err != nil {
		return err
	}
	for j, from := range s.from {
		chunk.Columns[j], s.chunk.Columns[from] = s.chunk.Columns[from], chunk.Columns[j]
	}
	chunk.Rows = s.chunk.Rows
	return nil
}
