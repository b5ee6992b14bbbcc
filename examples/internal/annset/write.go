package annset

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"

	"github.com/recsyskit/recsys/retrieval/vector"
)

// EncodeVectors writes vectors as fvecs.
func EncodeVectors(w io.Writer, v vector.Matrix) error {
	bw := bufio.NewWriter(w)
	row := make([]byte, 4+4*v.Dim)
	binary.LittleEndian.PutUint32(row, uint32(v.Dim))
	for i := range v.Rows {
		for j, x := range v.Row(i) {
			binary.LittleEndian.PutUint32(row[4+4*j:], math.Float32bits(x))
		}
		bw.Write(row) // its error comes back from Flush
	}
	return bw.Flush()
}

// EncodeLists writes lists as ivecs.
func EncodeLists(w io.Writer, l Lists) error {
	bw := bufio.NewWriter(w)
	row := make([]byte, 4+4*l.Width)
	binary.LittleEndian.PutUint32(row, uint32(l.Width))
	for i := range l.Len() {
		for j, id := range l.Row(i) {
			binary.LittleEndian.PutUint32(row[4+4*j:], uint32(id))
		}
		bw.Write(row)
	}
	return bw.Flush()
}
