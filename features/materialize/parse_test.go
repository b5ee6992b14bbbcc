package materialize_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/materialize"
)

const noon = 1_700_000_000_000_000_000

func TestLineIsTheEventItNames(t *testing.T) {
	want := materialize.Event{ID: "a7", User: 17, Item: math.MaxUint64, Kind: recsys.Click, Value: -1.5, Time: noon, Created: noon + 250e6}
	for _, text := range []string{
		`{"time":1700000000000000000,"user":17,"item":"18446744073709551615","kind":"click","value":-1.5,"id":"a7","created":1700000000250000000}`,
		` { "id" : "a7" , "created":"1700000000250000000", "time":"2023-11-14T22:13:20Z","user":"17","item":18446744073709551615,"kind":"click","value":"-15e-1" } `,
		`{"x":{"y":[1,{},"}",[]],"time":3},"time":"2023-11-14T23:13:20+01:00","created":"2023-11-14T22:13:20.25Z","user":17,"item":"18446744073709551615","kind":"cl\u0069ck","value":-15e-1,"id":"\u0061\u0037"}`,
		`{"type":"event","id":"a7","surface":null,"time":1700000000000000000,"user":17,"item":"18446744073709551615","kind":"click","value":-1.5,"created":1700000000250000000}` + "\r",
	} {
		l := materialize.ParseLine(text, time.Nanosecond)
		require.Empty(t, l.Reason, text)
		require.Equal(t, materialize.Line{Event: want}, l, text)
	}
}

func TestTimesAreOfTheDeclaredUnit(t *testing.T) {
	for unit, text := range map[time.Duration]string{time.Second: "1700000000", time.Millisecond: "1700000000000", time.Microsecond: "1700000000000000"} {
		line := `{"time":` + text + `,"user":1,"item":2,"kind":"like"}`
		l := materialize.ParseLine(line, unit)
		require.Empty(t, l.Reason)
		require.EqualValues(t, noon, l.Event.Time)
		l = materialize.ParseLine(line, time.Nanosecond)
		require.Equal(t, "time", l.Field)
		require.Contains(t, l.Reason, "is Log.TimeUnit right?")
	}
}

func TestFeedbackOfARecsysLogIsAnEvent(t *testing.T) {
	f := recsys.Feedback{ID: "f1", Request: "r", User: 0, Item: 9, Kind: recsys.Purchase, Value: 12.25, Time: time.Unix(0, noon)}
	l := materialize.ParseLine(string(recsys.AppendFeedback(nil, &f)), time.Nanosecond)
	require.Equal(t, materialize.Line{Event: materialize.Event{ID: "f1", Item: 9, Kind: recsys.Purchase, Value: 12.25, Time: noon}}, l)
	for _, other := range []string{`{"type":"exposure","id":"x","user":"1","rows":[{"item":"4"}]}`, `{"type":"schema"}`, "", " \t\r"} {
		require.True(t, materialize.ParseLine(other, time.Nanosecond).Skip, other)
	}
}

func TestMalformedLineNamesTheField(t *testing.T) {
	good := `"time":1700000000000000000,"user":1,"item":2,"kind":"click"`
	for _, c := range []struct{ text, field, reason string }{
		{`{`, "", "the line ends early"},
		{`[1]`, "", `found '['`},
		{`{}`, "time", "is missing"},
		{`{"time":1700000000000000000,"user":1,"kind":"click"}`, "item", "is missing"},
		{`{"time":1700000000000000000,"item":1,"kind":"click"}`, "user", "is missing"},
		{`{"time":1700000000000000000,"user":1,"item":1}`, "kind", "is missing"},
		{`{"time":null,"user":1,"item":2,"kind":"click"}`, "time", "is missing"},
		{`{` + good + `}x`, "", "after the event"},
		{`{` + good + `,"time":1700000000000000000}`, "time", "stands twice"},
		{`{` + good + `,"value":1e400}`, "value", "want a finite number"},
		{`{` + good + `,"value":"NaN"}`, "value", "want a finite number"},
		{`{` + good + `,"value":[1]}`, "value", "want a string or a number"},
		{`{` + good + `,"value":01}`, "", "want ','"},
		{`{` + good + `,"value":1.}`, "value", "want a digit"},
		{`{` + good + `,"id":"` + strings.Repeat("i", 257) + `"}`, "id", "at most 256"},
		{`{` + good + `,"id":"` + "\xff" + `"}`, "id", "not UTF-8"},
		{`{` + good + `,"id":"a` + "\x01" + `"}`, "id", "control character"},
		{`{` + good + `,"x":tru}`, "", "want true"},
		{`{` + good + `,"x":` + strings.Repeat("[", 80), "", "nested more than"},
		{`{` + good + `,"created":-1}`, "created", "want a whole number"},
		{`{` + good + `,"created":"2023-13-14T22:13:20Z"}`, "created", "RFC 3339"},
		{`{` + good + `,"created":"0001-01-01T00:00:00Z"}`, "created", "1971 to 2261"},
		{`{` + good + `,"created":99999999999999999999}`, "created", "want a whole number"},
		{`{"time":1.5e18,"user":1,"item":2,"kind":"click"}`, "time", "want a whole number"},
		{`{"time":1700000000000000000,"user":-1,"item":2,"kind":"click"}`, "user", "without sign"},
		{`{"time":1700000000000000000,"user":18446744073709551616,"item":2,"kind":"click"}`, "user", "64 bits"},
		{`{"time":1700000000000000000,"user":1,"item":"B00","kind":"click"}`, "item", "set Log.Key"},
		{`{"time":1700000000000000000,"user":1,"item":"","kind":"click"}`, "item", "want a decimal number"},
		{`{"time":1700000000000000000,"user":1,"item":2,"kind":"clack"}`, "kind", `"clack" is no kind`},
		{`{"time":1700000000000000000,"user":1,"item":2,"kind":1}`, "kind", `want '"'`},
	} {
		l := materialize.ParseLine(c.text, time.Nanosecond)
		require.Equal(t, c.field, l.Field, c.text)
		require.Contains(t, l.Reason, c.reason, c.text)
	}
}

func FuzzLine(f *testing.F) {
	f.Add(`{"time":1700000000000000000,"user":17,"item":"5","kind":"click","value":1.5,"id":"a7","created":1700000000250000000}`)
	f.Add(`{"time":"2023-11-14T22:13:20.25Z","user":1,"item":2,"kind":"kind-64","x":[{"y":null}]}`)
	f.Add(`{"type":"feedback","id":"\ud83d\ude00","time":1700000000000000000}`)
	f.Add(`{"a":[`)
	f.Fuzz(func(t *testing.T, text string) {
		l := materialize.ParseLine(text, time.Nanosecond)
		if l.Reason != "" || l.Skip {
			return
		}
		e := l.Event
		again := fmt.Sprintf(`{"type":"feedback","time":%d,"user":%d,"item":%d,"kind":%q,"value":%v,"id":%s`, e.Time, e.User, e.Item, e.Kind, e.Value, quoted(e.ID))
		if e.Created != 0 {
			again += fmt.Sprintf(`,"created":%d`, e.Created)
		}
		if got := materialize.ParseLine(again+"}", time.Nanosecond); got.Event != e || got.Reason != "" {
			t.Fatalf("%q is %+v; written again as %q it is %+v", text, e, again, got)
		}
	})
}
