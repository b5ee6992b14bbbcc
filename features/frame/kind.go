package frame

import "fmt"

// Kind is the type of a column's values.
type Kind uint8

// The kinds of a column.
const (
	Float64 Kind = iota
	Float32
	Int64
	Uint64 // IDs, hashes, counts
	String
	Time   // an instant: Unix nanoseconds in an int64, so 1677 to 2262
	Vector // Dim float32s
	kinds
)

var kindNames = [kinds]string{"float64", "float32", "int64", "uint64", "string", "time", "vector"}

// String returns "float64", "float32", "int64", "uint64", "string", "time" or "vector".
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Field declares a column.
type Field struct {
	Name string
	Kind Kind
	Dim  int // values of a Vector, >= 1; 0 for the other kinds
}

// String returns "name kind", for a vector "name vector[dim]".
func (f Field) String() string {
	if f.Kind == Vector {
		return fmt.Sprintf("%s vector[%d]", f.Name, f.Dim)
	}
	return f.Name + " " + f.Kind.String()
}

// maxDim bounds what a declaration can make a reader allocate per row.
const maxDim = 1 << 20

func (f Field) check() error {
	switch {
	case f.Kind >= kinds:
		return fmt.Errorf("frame: column %q is of unknown kind %d", f.Name, f.Kind)
	case f.Kind == Vector && (f.Dim < 1 || f.Dim > maxDim):
		return fmt.Errorf("frame: column %q is a vector of dimension %d; want 1 to %d", f.Name, f.Dim, maxDim)
	case f.Kind != Vector && f.Dim != 0:
		return fmt.Errorf("frame: column %q: Dim is %d for kind %v; want 0", f.Name, f.Dim, f.Kind)
	}
	return nil
}

// CheckFields returns an error when a field is invalid or two have one name.
func CheckFields(fields []Field) error {
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if err := f.check(); err != nil {
			return err
		}
		if seen[f.Name] {
			return fmt.Errorf("frame: column %q comes twice", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}
