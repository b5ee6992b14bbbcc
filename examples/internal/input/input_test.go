package input_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/input"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	return name
}

func TestFormatsReadTheSame(t *testing.T) {
	for format, text := range map[string]string{
		"lists": "7 30 10\n9 20\n",
		"pairs": "7 30\n7 10\n9 20\n",
		"csv":   "user,item\n7,30\n7,10\n9,20\n",
	} {
		in, err := input.Interactions(file(t, text), format, input.NewIDs("number"))
		require.NoError(t, err, format)
		require.Equal(t, []recsys.UserID{7, 9}, in.Users(), format)
		require.Equal(t, []int32{2, 0}, in.AppendItemRows(nil, 0), format)
	}
}

func TestNamesTellTheFormat(t *testing.T) {
	for name, want := range map[string]string{
		"log.csv": "csv", "a.b/log.CSV": "csv", "log.tsv.gz": "csv", "log.csv.gz": "csv",
		"train.txt.gz": "lists", "csv": "lists", "log.csv.old": "lists", "": "lists",
	} {
		require.Equal(t, want, input.Format(name, "lists"), name)
	}
}

func TestSessionsAreTheirLines(t *testing.T) {
	ids := input.NewIDs("string")
	in, err := input.Interactions(file(t, "tea milk tea\n\nmilk tea\n"), "sessions", ids)
	require.NoError(t, err)
	require.Equal(t, []recsys.UserID{1, 3}, in.Users())
	require.Equal(t, 3, in.HistoryLen(0))
	require.Equal(t, in.History(0)[0].Item, in.History(1)[1].Item)
	require.NotEqual(t, in.History(0)[0].Item, in.History(0)[1].Item)
}

func TestErrorsNameFileLineAndReason(t *testing.T) {
	for _, format := range []string{"lists", "pairs", "csv", "sessions"} {
		name := file(t, "1 2\n2 x\n")
		_, err := input.Interactions(name, format, input.NewIDs("number"))
		require.ErrorContains(t, err, name+`:2: item "x": want an unsigned number`)
		require.Equal(t, 2, cli.ExitCode(err))
	}
	_, err := input.Interactions(file(t, "1\n"), "lists", input.NewIDs("number"))
	require.ErrorContains(t, err, "no interactions")
	_, err = input.Interactions(filepath.Join(t.TempDir(), "none"), "lists", input.NewIDs("number"))
	require.Equal(t, 2, cli.ExitCode(err))
	require.Nil(t, input.NewIDs("uuid"))
}
