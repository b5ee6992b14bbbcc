package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file of no bytes is a mistake of the step before; one of a header alone has no rows, and so has the output.
func TestPredictSaysWhatIsWrongWithAnEmptyFile(t *testing.T) {
	folder := t.TempDir()
	plain, encoded := filepath.Join(folder, "plain.gbdt"), filepath.Join(folder, "encoded.gbdt")
	train := []string{
		"train", "-data", write(t, tastes(500, 1)), "-header", "-label", "click", "-cat", "user,item",
		"-objective", "logloss", "-rounds", "3", "-leaves", "4",
	}
	result(t, append(train, "-model", plain)...)
	result(t, append(train, "-model", encoded, "-encode", "auto")...)
	header, out := "user,item,x\n", filepath.Join(folder, "out.csv")
	for _, model := range []string{plain, encoded} {
		for _, empty := range []string{"", "\n", "\n\n\n"} {
			code, stdout, errs := program(t, "predict", "-model", model, "-data", write(t, empty), "-header")
			require.Equal(t, 2, code, errs)
			require.Empty(t, stdout)
			require.Contains(t, errs, "there are no rows, and no header")
			code, _, errs = program(t, "predict", "-model", model, "-data", write(t, empty), "-header", "-out", out)
			require.Equal(t, 2, code, errs)
			require.NoFileExists(t, out)
		}
		code, stdout, errs := program(t, "predict", "-model", model, "-data", write(t, header), "-header")
		require.Zero(t, code, errs)
		require.Empty(t, stdout)
		require.Contains(t, errs, "has no rows: the output is empty")
		require.EqualValues(t, 0, result(t, "predict", "-model", model, "-data", write(t, header), "-header", "-out", out)["rows"])
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		require.Empty(t, data)
		require.NoError(t, os.Remove(out))

		// All that is not there is named, and what is.
		code, _, errs = program(t, "predict", "-model", model, "-data", write(t, "item,click,age\n1,2,3\n"), "-header")
		require.Equal(t, 2, code)
		require.Regexp(t, `:1: no column (user, x|x, user) \(columns: item, click, age\)`, errs)
	}
	code, _, errs := program(t, "predict", "-model", plain, "-data", write(t, ""))
	require.Equal(t, 2, code)
	require.Contains(t, errs, "there are no rows")
	code, _, errs = program(t, "predict", "-model", plain, "-data", write(t, "# nothing here\n"), "-format", "libsvm")
	require.Zero(t, code)
	require.Contains(t, errs, "has no rows")
}
