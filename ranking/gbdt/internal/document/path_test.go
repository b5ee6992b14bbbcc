package document_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
)

// A tree written as nested objects is as deep as the document: going down costs the same at every depth.
func TestGoingDownCostsTheSameAtEveryDepth(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	const depth = 2000
	n, err := document.ReadJSON([]byte(strings.Repeat(`{"left_child":`, depth) + "1" + strings.Repeat("}", depth)))
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range depth {
		n, _ = n.Find("left_child")
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256*depth))
}

func TestALongPathIsPrintedByItsEnd(t *testing.T) {
	const depth = 500
	n, err := document.ReadJSON([]byte(strings.Repeat(`{"a":[`, depth) + `{"b":"x"}` + strings.Repeat("]}", depth)))
	require.NoError(t, err)
	for range depth {
		items, err := n.Field("a")
		require.NoError(t, err)
		list, err := items.Items()
		require.NoError(t, err)
		n = list[0]
	}
	b, err := n.Field("b")
	require.NoError(t, err)
	_, err = b.Number()
	require.ErrorContains(t, err, `.a[0].a[0].b: is "x"; want a number`)
	require.Less(t, len(err.Error()), 300)
}
