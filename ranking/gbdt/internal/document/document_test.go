package document_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
)

func TestJSONAsLibrariesWriteIt(t *testing.T) {
	n, err := document.ReadJSON([]byte(" {\"a\": [1, -2.5e3, NaN, Infinity, -Infinity, true, inf], \"b\\u0041\": \"x\\n\", \"c\": null, \"d\": [[], {}, 7, \"s\"]} \n"))
	require.NoError(t, err)
	field, err := n.Field("a")
	require.NoError(t, err)
	a, err := field.Numbers()
	require.NoError(t, err)
	require.True(t, math.IsNaN(a[2]))
	a[2] = 0
	require.Equal(t, []float64{1, -2500, 0, math.Inf(1), math.Inf(-1), 1, math.Inf(1)}, a)
	require.Equal(t, []string{"a", "bA", "c", "d"}, n.Keys())
	_, ok := n.Find("c")
	require.False(t, ok)
	d, err := n.Field("d")
	require.NoError(t, err)
	items, err := d.Items()
	require.NoError(t, err)
	require.Len(t, items, 4)
	_, err = items[3].Number()
	require.EqualError(t, err, `d[3]: is "s"; want a number`)
	_, err = n.Field("d", "e")
	require.EqualError(t, err, "d.e: is missing")
}

func TestMixedArrayKeepsItsNumbers(t *testing.T) {
	for _, text := range []string{`[1,2,"x"]`, `[{},1,2]`, `["x",1]`} {
		n, err := document.ReadJSON([]byte(text))
		require.NoError(t, err)
		_, err = n.Numbers()
		require.Error(t, err)
		items, err := n.Items()
		require.NoError(t, err)
		require.Equal(t, strings.Count(text, ",")+1, len(items))
	}
}

func TestWrongJSONIsNamedByPlace(t *testing.T) {
	for text, want := range map[string]string{
		``: "ends where a value", `{`: "want the name of a field", `{"a"}`: `want ":" after "a"`, `{"a":1`: "in an object",
		`[1`: "in an array", `[1 2]`: "in an array", `"x`: "does not end", `"\q"`: "a string is wrong", `1 2`: "after the document",
		`nul`: "is no value", `0x`: "is no value", `+1`: "is no value", `[,]`: "is no value", `{"a":}`: "is no value",
		strings.Repeat("[", 1<<20): "nest deeper",
	} {
		_, err := document.ReadJSON([]byte(text))
		require.ErrorContains(t, err, want, "%.20s", text)
	}
}

func TestUBJSON(t *testing.T) {
	data := "{i\x01a[$l#i\x02\x00\x00\x00\x01\xff\xff\xff\xfei\x01b[d\x3f\x80\x00\x00TFN]i\x01cSU\x02hii\x01d[#i\x01Zi\x01e{$U#i\x01i\x01x\x07i\x01f[$L#i\x00}"
	n, err := document.ReadUBJSON([]byte(data))
	require.NoError(t, err)
	for name, want := range map[string][]float64{"a": {1, -2}, "b": {1, 1, 0}, "f": nil} {
		field, err := n.Field(name)
		require.NoError(t, err)
		got, err := field.Numbers()
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	c, err := n.Field("c")
	require.NoError(t, err)
	s, err := c.Text()
	require.NoError(t, err)
	require.Equal(t, "hi", s)
	x, err := n.Field("e", "x")
	require.NoError(t, err)
	i, err := x.Int(0, 10)
	require.NoError(t, err)
	require.Equal(t, 7, i)
}

func TestWrongUBJSON(t *testing.T) {
	for data, want := range map[string]string{
		"":                                      "0 bytes are left",
		"x":                                     "unknown type",
		"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff": "a length of",
		"[$Z#i\x02":                             "take no bytes",
		"[$d":                                   "without a count",
		"SL\xff\xff\xff\xff\xff\xff\xff\xff":    "a length of -1",
		"Si\x05hi":                              "2 bytes are left",
		"Z]":                                    "1 bytes after",
		"Hi\x01x":                               "is no number",
		strings.Repeat("[", 1<<20):              "nest deeper",
	} {
		_, err := document.ReadUBJSON([]byte(data))
		require.ErrorContains(t, err, want, "%.20q", data)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"a":[1,NaN,{"b":"c"}]}`))
	f.Add([]byte("{i\x01a[$l#i\x02\x00\x00\x00\x01\xff\xff\xff\xfe}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = document.ReadJSON(data)
		_, _ = document.ReadUBJSON(data)
	})
}
