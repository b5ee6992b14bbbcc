package encoder_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/internal/npy"
)

func TestNewTableNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		ids  []uint64
		data []float32
		dim  int
		want string
	}{
		{nil, []float32{1}, 0, "dim is 0"},
		{nil, []float32{1, 2, 3}, 2, "3 values are no rows of 2"},
		{nil, nil, 2, "0 rows"},
		{[]uint64{1}, []float32{1, 2}, 1, "1 IDs for 2 rows"},
		{[]uint64{4, 4}, []float32{1, 2}, 1, "ID 4 has two rows"},
		{nil, []float32{1, 2, 3, inf}, 2, "value 1 of row 1 is +Inf"},
	} {
		_, err := encoder.NewTable(c.ids, c.data, c.dim)
		require.ErrorContains(t, err, c.want)
	}
}

func TestTablesComeFromNumpy(t *testing.T) {
	var file bytes.Buffer
	file.Write(npy.AppendHeader(nil, "<f4", 2, 3))
	require.NoError(t, binary.Write(&file, binary.LittleEndian, []float32{1, 2, 3, 4, 5, 6}))
	path := filepath.Join(t.TempDir(), "table.npy")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o644))
	table, err := encoder.LoadTable(path, []uint64{10, 20})
	require.NoError(t, err)
	require.Equal(t, 2, table.Len())
	require.Equal(t, 3, table.Dim())
	require.Equal(t, []float32{4, 5, 6}, table.Row(20))
	require.Nil(t, table.Row(1))
	dense, err := encoder.ReadTable(bytes.NewReader(file.Bytes()), nil)
	require.NoError(t, err)
	require.Equal(t, []float32{4, 5, 6}, dense.Row(1))
	require.Nil(t, dense.Row(2))

	_, err = encoder.LoadTable(path, []uint64{10})
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "1 IDs for 2 rows")
	_, err = encoder.ReadTable(bytes.NewReader(file.Bytes()[:file.Len()-1]), nil)
	require.ErrorContains(t, err, "encoder: table: npy")
	_, err = encoder.LoadTable(filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	file.Reset()
	file.Write(npy.AppendHeader(nil, "<f4", 1))
	require.NoError(t, binary.Write(&file, binary.LittleEndian, []float32{1}))
	_, err = encoder.ReadTable(&file, nil)
	require.ErrorContains(t, err, "the array has shape [1]; want rows and columns")
}
