// Package annset holds what programs that measure vector search share: readers
// of vector files, a synthetic set of vectors, exact answers to compare with,
// recall, and a clock that counts CPU time.
//
// Vectors come in two formats, plain or gzip, little endian:
//
//	fvecs  per row an int32 with the length d, then d float32; all rows of one length
//	raw    float32 alone, d of them per row
//
// Lists of ids, the answers, come as ivecs, which is fvecs with int32 for
// float32, or raw likewise.
//
// A reader takes memory in proportion to what the file holds, whatever its
// numbers claim, and its errors are those of package cli: they name the file,
// the row, counted from 0, and the reason.
package annset

// Lists is a list of lists of ids, all of one length.
type Lists struct {
	Width int     // length of a list, > 0
	IDs   []int32 // Len() × Width
}

// Len returns the number of lists.
func (l Lists) Len() int { return len(l.IDs) / l.Width }

// Row returns list i, which shares memory with IDs.
func (l Lists) Row(i int) []int32 {
	return l.IDs[i*l.Width : (i+1)*l.Width : (i+1)*l.Width]
}
