package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/features/parquet"
)

// A file in which any number, wherever it stands, has become the largest int32 asks for no memory to speak of: lengths of pages
// are compared with what there is before the library allocates them.
func TestNumbersInDamagedFilesAllocateNothing(t *testing.T) {
	const largest = "\xfe\xff\xff\xff\x0f" // as a zigzag varint; as a plain one 4 GiB, which is how packed bytes begin
	for _, codec := range []parquet.Compression{parquet.Snappy, parquet.Uncompressed} {
		data := write(t, random(rand.New(rand.NewPCG(5, 6)), 40), parquet.WriterConfig{Compression: codec}, 64)
		for at := range len(data) - len(largest) {
			b := bytes.Clone(data)
			copy(b[at:], largest)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := read(b, parquet.ReaderConfig{})
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "%v, byte %d: %v", codec, at, err)
			require.False(t, errors.Is(err, io.EOF), "%v, byte %d: %v is the end of a table", codec, at, err)
		}
	}
}

func TestWriterIsClosedOnce(t *testing.T) {
	f := random(rand.New(rand.NewPCG(7, 8)), 10)
	var out bytes.Buffer
	w, err := parquet.NewWriter(&out, f.Fields(), parquet.WriterConfig{})
	require.NoError(t, err)
	_, err = frame.Copy(w, frame.NewReader(f, 0)) // closes it
	require.NoError(t, err)
	size := out.Len()
	require.NoError(t, w.Close())
	require.ErrorContains(t, w.Write(f), "the writer is closed")
	require.Equal(t, size, out.Len(), "bytes behind the footer")
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	f, err := frame.New(frame.Field{Name: "city", Kind: frame.String})
	require.NoError(t, err)
	f.Columns[0].String, f.Rows = []string{"Z\u00fcrich", "Z\xfcrich"}, 2
	w, err := parquet.NewWriter(io.Discard, f.Fields(), parquet.WriterConfig{})
	require.NoError(t, err)
	require.ErrorContains(t, w.Write(f), `column "city", row 1 of the chunk: "Z\xfcrich" is not UTF-8`)
	f.Columns[0].SetMissing(1)
	require.NoError(t, w.Write(f), "a filler is not written")
	require.NoError(t, w.Close())
}
