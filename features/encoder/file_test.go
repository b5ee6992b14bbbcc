package encoder_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/encoder"
)

func saved(t testing.TB, set *encoder.Set) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := set.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	return b.Bytes()
}

func TestFilesGiveBackTheSet(t *testing.T) {
	set := fitted(t)
	b := saved(t, set)
	var back encoder.Set
	n, err := back.ReadFrom(bytes.NewReader(append(b, "behind"...)))
	require.NoError(t, err)
	require.Equal(t, int64(len(b)), n)
	require.Equal(t, set.Hash(), back.Hash())
	require.Equal(t, set.Columns(), back.Columns())
	require.Equal(t, "all", back.Name())
	require.Equal(t, set.Inputs(), back.Inputs())
	require.Equal(t, b, saved(t, &back), "the bytes depend on nothing but the set")
	rows := random(300, 8)
	requireSame(t, apply(t, set, rows), apply(t, &back, rows))

	path := filepath.Join(t.TempDir(), "encoders")
	require.NoError(t, set.Save(path))
	loaded, err := encoder.Load(path)
	require.NoError(t, err)
	require.Equal(t, set.Hash(), loaded.Hash())
	_, err = encoder.Load(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)

	unfitted, err := encoder.NewSet(encoder.Config{Inputs: inputs, Steps: steps(t)})
	require.NoError(t, err)
	require.NoError(t, unfitted.Save(path))
	loaded, err = encoder.Load(path)
	require.NoError(t, err)
	require.False(t, loaded.Fitted())
	loaded, err = loaded.Fit(t.Context(), encoder.One(random(700, 1), random(300, 2)), encoder.FitConfig{})
	require.NoError(t, err)
	require.Equal(t, set.Hash(), loaded.Hash())
}

func TestSharedTablesAreWrittenOnce(t *testing.T) {
	big := table(t, nil, 1000, 16)
	config := encoder.Config{Inputs: id, Steps: []encoder.Step{
		{Name: "a", From: []string{"x"}, Encoder: encoder.Embedding{Table: big}},
		{Name: "b", From: []string{"x"}, Encoder: encoder.Pooling{Table: big}},
	}}
	set, err := encoder.NewSet(config)
	require.NoError(t, err)
	require.Less(t, len(saved(t, set)), 4*16*1000+4096)
}

func TestDamagedFilesAreTypedErrors(t *testing.T) {
	set := fitted(t)
	b := saved(t, set)
	var s encoder.Set
	require.NoError(t, readInto(&s, b))
	hash := s.Hash()
	for i := 0; i < len(b); i += 7 {
		bad := bytes.Clone(b)
		bad[i] ^= 0x20
		err := readInto(&s, bad)
		require.Error(t, err, "byte %d", i)
		require.True(t, typed(err), "%v", err)
		err = readInto(&s, b[:i])
		require.ErrorIs(t, err, encoder.ErrTruncated)
	}
	require.ErrorIs(t, readInto(&s, []byte("something else that is long enough to be looked at as a header of a file")), encoder.ErrKind)
	require.Equal(t, hash, s.Hash(), "a set stays as it was")
}

func readInto(s *encoder.Set, b []byte) error {
	_, err := s.ReadFrom(bytes.NewReader(b))
	return err
}

func typed(err error) bool {
	for _, want := range []error{encoder.ErrKind, encoder.ErrNewer, encoder.ErrTruncated, encoder.ErrCorrupt} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}
