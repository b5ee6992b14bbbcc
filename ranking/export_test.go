package ranking

// What tests look at from outside.
var (
	Sigmoids    = sigmoids
	Dot2        = dot2
	Dot2At      = dot2At
	DotGaps     = dotGaps
	ShuffleRows = shuffle
)

// Careful reports whether the model scores in float64.
func Careful(m *Linear) bool { return m.careful }

// SchemaHash is what a model file's header holds for the names.
func SchemaHash(columns, idColumns, heads []string) uint64 {
	return (&Linear{columns: columns, idColumns: idColumns, heads: heads}).schemaHash()
}
