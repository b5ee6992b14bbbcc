package retrieval_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

type reader func(io.Reader, string, retrieval.ReadOptions) (*retrieval.Interactions, error)

// dump writes interactions as "user: item=weight@time ...", histories in order.
func dump(x *retrieval.Interactions) string {
	var b strings.Builder
	for u, id := range x.Users() {
		fmt.Fprintf(&b, "%d:", id)
		for _, e := range x.History(u) {
			fmt.Fprintf(&b, " %d", e.Item)
			if e.Value != 1 {
				fmt.Fprintf(&b, "=%v", e.Value)
			}
			if x.HasTimes() {
				fmt.Fprintf(&b, "@%s", e.Time.Format(time.RFC3339Nano))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// words reads ids that are numbers or words, of which the id is the length.
var words = retrieval.ReadOptions{
	UserID: func(s string) (recsys.UserID, error) { return recsys.UserID(wordID(s)), nil },
	ItemID: func(s string) (recsys.ItemID, error) { return recsys.ItemID(wordID(s)), nil },
}

func wordID(s string) uint64 {
	if id, err := strconv.ParseUint(s, 10, 64); err == nil {
		return id
	}
	return uint64(len(s))
}

func TestReadInteractionsUnderstands(t *testing.T) {
	const pairs = "1: 10 11\n2: 10\n"
	const timed = "1: 11@2009-02-13T23:31:30Z 10@2009-02-13T23:31:31Z\n2: 10@2009-02-13T23:31:32Z\n"
	for _, c := range []struct {
		name, text, want string
		opt              retrieval.ReadOptions
	}{
		{name: "spaces", text: "1 10\n1 11\n2 10\n", want: pairs},
		{name: "runs of spaces and tabs", text: "  1 \t 10\n1   11  \n2 10", want: pairs, opt: retrieval.ReadOptions{Separator: ' '}},
		{name: "tabs", text: "1\t10\n1\t11\n2\t10\n", want: pairs},
		{name: "commas", text: "1,10\n1, 11\n 2 ,10\n", want: pairs},
		{name: "semicolons", text: "1;10\n1;11\n2;10\n", want: pairs},
		{name: "CRLF, blank lines, byte order mark", text: "\xef\xbb\xbf1,10\r\n\r\n1,11\r\n  \n\n2,10\r\n\n", want: pairs},
		{name: "quotes", text: "\"1\",\"10\"\n1, \"11\" \n2,10\n", want: pairs},
		{name: "header", text: "user,item\n1,10\n1,11\n2,10\n", want: pairs},
		{name: "header in another order, with more columns", text: "movieId\tpad\tuser_id\n10\tx\t1\n11\ty\t1\n10\t\t2\n", want: pairs},
		{name: "header with types", text: "\xef\xbb\xbfuser_id:token item_id:token\n1 10\n1 11\n2 10\n", want: pairs},
		{name: "header of other names above numbers", text: "who,what\n1,10\n1,11\n2,10\n", want: pairs},
		{name: "header of other names above numbers, columns", text: "what,who\n10,1\n11,1\n10,2\n", want: pairs, opt: retrieval.ReadOptions{Columns: []string{"item", "user"}}},
		{name: "header of other names, ids as strings", text: "\nwho,what,when\n1,10,2020-01-01T00:00:00Z\n1,11,2020-01-02T00:00:00Z\n2,10,2020-01-03T00:00:00Z\n", want: "1: 10@2020-01-01T00:00:00Z 11@2020-01-02T00:00:00Z\n2: 10@2020-01-03T00:00:00Z\n", opt: words},
		{name: "strings alone are data", text: "anna,tea\nbo,milk\n", want: "2: 4\n4: 3\n", opt: words},
		{name: "a number in the first line makes it data", text: "1,tea\n1,11\n2,10\n", want: "1: 3 11\n2: 10\n", opt: words},
		{name: "strings in the second line make the first data", text: "anna,tea\n1,tea\n", want: "1: 3\n4: 3\n", opt: words},
		{name: "header alone", text: "user,item\n", want: ""},
		{name: "header set aside for Columns", text: "user,item\n10,1\n11,1\n10,2\n", want: pairs, opt: retrieval.ReadOptions{Columns: []string{"item", "user"}}},
		{name: "skipped header", text: "who,what\n1,10\n1,11\n2,10\n", want: pairs, opt: retrieval.ReadOptions{Header: retrieval.HeaderSkip}},
		{name: "skipped header, columns", text: "what,x,who\n10,x,1\n11,x,1\n10,x,2\n", want: pairs, opt: retrieval.ReadOptions{Header: retrieval.HeaderSkip, Columns: []string{"item", "", "user"}}},
		{name: "nothing", text: "", want: ""},
		{name: "blank lines alone", text: "\n \r\n", want: ""},
		{name: "values", text: "1 10 3.5\n1 11 0\n2 10 1e3\n", want: "1: 10=3.5 11=0\n2: 10=1000\n"},
		{name: "repeated pairs", text: "1 10 3\n1 11 1\n1 10 2\n", want: "1: 10=3 11 10=2\n"},
		{name: "the largest ids", text: "18446744073709551615 0\n0 18446744073709551615", want: "0: 18446744073709551615\n18446744073709551615: 0\n"},
		{name: "seconds", text: "1 10 1234567891\n1 11 1234567890\n2 10 1234567892\n", want: timed},
		{name: "milliseconds", text: "1 10 1 1234567891000\n1 11 1 1234567890000\n2 10 1 1234567892000\n", want: timed},
		{name: "RFC 3339", text: "1 10 2009-02-13T23:31:31Z\n1 11 2009-02-14T00:31:30+01:00\n2 10 2009-02-13T23:31:32Z\n", want: timed},
		{name: "mixed times, named", text: "time,user,item,rating\n2009-02-13T23:31:31Z,1,10,1\n1234567890,1,11,1\n1234567892000,2,10,1\n", want: timed},
		{
			name: "decimals", text: "1 10 1 1396437466.94\n1 11 2 1396437468212.318001\n1 12 1 -0.5\n",
			want: "1: 12@1969-12-31T23:59:59.5Z 10@2014-04-02T11:17:46.94Z 11=2@2014-04-02T11:17:48.212318001Z\n",
		},
		{name: "small numbers are values", text: "1 10 99999999\n1 11 2\n2 10 3", want: "1: 10=1e+08 11=2\n2: 10=3\n"},
		{name: "small numbers are times if named so", text: "1 10 5", want: "1: 10@1970-01-01T00:00:05Z\n", opt: retrieval.ReadOptions{Columns: []string{"user", "item", "time"}}},
		{name: "fewer columns than named", text: "1 10 5", want: "1: 10@1970-01-01T00:00:05Z\n", opt: retrieval.ReadOptions{Columns: []string{"user", "item", "time", "value"}}},
		{name: "large numbers are values if named so", text: "1 10 4e9", want: "1: 10=4e+09\n", opt: retrieval.ReadOptions{Columns: []string{"user", "item", "value"}}},
		{name: "equal times keep the order of lines", text: "1 12 1 7\n1 10 1 7\n1 11 1 6\n", want: "1: 11@1970-01-01T00:00:06Z 12@1970-01-01T00:00:07Z 10@1970-01-01T00:00:07Z\n"},
	} {
		x, err := retrieval.ReadInteractions(strings.NewReader(c.text), "file", c.opt)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := dump(x); got != c.want {
			t.Errorf("%s: got\n%s, want\n%s", c.name, got, c.want)
		}
		y, err := retrieval.ReadInteractions(iotest.OneByteReader(strings.NewReader(c.text)), "file", c.opt)
		if err != nil || dump(y) != c.want {
			t.Errorf("%s, byte by byte: %v, or something else", c.name, err)
		}
	}
}

func TestReadListsAndSessionsUnderstand(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		read             reader
		opt              retrieval.ReadOptions
	}{
		{name: "lists", text: "1 10 9 10\n2 7\n", want: "1: 10 9 10\n2: 7\n", read: retrieval.ReadLists},
		{name: "a user in two lines", text: "1 10 9\n2 7\n1 8\n", want: "1: 10 9 8\n2: 7\n", read: retrieval.ReadLists},
		{name: "a user without items", text: "1\n2 7\n3\n", want: "2: 7\n", read: retrieval.ReadLists},
		{name: "commas", text: "1,10,9\r\n\r\n2,7", want: "1: 10 9\n2: 7\n", read: retrieval.ReadLists},
		{name: "nothing", text: "", want: "", read: retrieval.ReadLists},
		{name: "sessions", text: "10 9 10\n\n7\n", want: "1: 10 9 10\n3: 7\n", read: retrieval.ReadSessions},
	} {
		x, err := c.read(strings.NewReader(c.text), "file", c.opt)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := dump(x); got != c.want {
			t.Errorf("%s: got\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

func TestStringsBecomeIDsThroughTheOptions(t *testing.T) {
	users, items := map[string]recsys.UserID{}, map[string]recsys.ItemID{}
	opt := retrieval.ReadOptions{
		UserID: func(s string) (recsys.UserID, error) {
			if _, ok := users[s]; !ok {
				users[s] = recsys.UserID(len(users))
			}
			return users[s], nil
		},
		ItemID: func(s string) (recsys.ItemID, error) {
			if _, ok := items[s]; !ok {
				items[s] = recsys.ItemID(len(items))
			}
			return items[s], nil
		},
	}
	const text = "# ann,\u00a0x\r\r\n# ann,\"say \"\"hi\"\"\"\n# ann,\"a,b\"\nbob,#1\nbob,\"a,b\"\n# ann,\"a,b\"\n"
	x, err := retrieval.ReadInteractions(strings.NewReader(text), "file", opt)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(x), "0: 0 1 2 2\n1: 3 2\n"; got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	wantUsers := map[string]recsys.UserID{"# ann": 0, "bob": 1}
	wantItems := map[string]recsys.ItemID{"\u00a0x": 0, `say "hi"`: 1, "a,b": 2, "#1": 3}
	if !reflect.DeepEqual(users, wantUsers) || !reflect.DeepEqual(items, wantItems) {
		t.Errorf("users %v, items %v", users, items)
	}
}

func TestReadErrorsNameThePlaceAndTheRemedy(t *testing.T) {
	boom := errors.New("no such user")
	for _, c := range []struct {
		text, want string
		read       reader
		opt        retrieval.ReadOptions
	}{
		{text: "1 2\n3 x4\n", want: `retrieval: f.txt:2: item "x4": want an unsigned decimal number below 2^64; for other ids set ReadOptions.ItemID`},
		{text: "uid_a,2\n", want: `retrieval: f.txt:1: user "uid_a": want an unsigned decimal number below 2^64; for other ids set ReadOptions.UserID, for a header of other names Columns and HeaderSkip`},
		{text: "-1 2\n", want: `retrieval: f.txt:1: user "-1": want an unsigned decimal number below 2^64; for other ids set ReadOptions.UserID, for a header of other names Columns and HeaderSkip`},
		{text: "1 2\n\n1 18446744073709551616\n", want: `retrieval: f.txt:3: item "18446744073709551616": want an unsigned decimal number below 2^64; for other ids set ReadOptions.ItemID`},
		{text: "1 2 3\n1 2 -3\n", want: `retrieval: f.txt:2: value "-3": want a finite number >= 0; drop such lines or map the scale`},
		{text: "1 2 NaN\n", want: `retrieval: f.txt:1: value "NaN": want a finite number >= 0; drop such lines or map the scale`},
		{text: "1 2 inf\n", want: `retrieval: f.txt:1: value "inf": want a finite number >= 0; drop such lines or map the scale`},
		{text: "1 2 1e39\n", want: `retrieval: f.txt:1: value "1e39": want a finite number >= 0; drop such lines or map the scale`},
		{text: "1 2 x x\n", want: `retrieval: f.txt:1: value "x": want a finite number >= 0; drop such lines or map the scale`},
		{text: "1 2 1 yesterday\n", want: `retrieval: f.txt:1: time "yesterday": want Unix seconds, Unix milliseconds or RFC 3339, in the years 1678 to 2261`},
		{text: "1 2 1 9214646400\n", want: `retrieval: f.txt:1: time "9214646400": want Unix seconds, Unix milliseconds or RFC 3339, in the years 1678 to 2261`},
		{text: "1 2 1 9999999999999999\n", want: `retrieval: f.txt:1: time "9999999999999999": want Unix seconds, Unix milliseconds or RFC 3339, in the years 1678 to 2261`},
		{text: "1 2 1 1677-01-01T00:00:00Z\n", want: `retrieval: f.txt:1: time "1677-01-01T00:00:00Z": want Unix seconds, Unix milliseconds or RFC 3339, in the years 1678 to 2261`},
		{text: "1 2 1 5.x\n", want: `retrieval: f.txt:1: time "5.x": want Unix seconds, Unix milliseconds or RFC 3339, in the years 1678 to 2261`},
		{text: "1,2\n1,\n", want: `retrieval: f.txt:2: item "": it is empty`},
		{text: ",\n1,2\n", want: `retrieval: f.txt:1: user "": it is empty`},
		{text: "anna,\n1,2\n", opt: words, want: `retrieval: f.txt:1: item "": it is empty`},
		{text: "1 2\n1\n", want: `retrieval: f.txt:2: 1 fields; want 2 as in line 1 (ReadOptions.Separator is ' ')`},
		{text: "1\n", want: `retrieval: f.txt:1: 1 fields: want user, item, and at most value and time; else set ReadOptions.Columns (no separator found)`},
		{text: "1 2 3 4 5\n", want: `retrieval: f.txt:1: 5 fields: want user, item, and at most value and time; else set ReadOptions.Columns (ReadOptions.Separator is ' ')`},
		{text: "user,item,time\n1,2\n", want: `retrieval: f.txt:2: 2 fields; want 3 as in the header (ReadOptions.Separator is ',')`},
		{text: "who,what,when\nanna,tea,3\n", opt: retrieval.ReadOptions{
			UserID: func(string) (recsys.UserID, error) { return 0, nil }, ItemID: func(string) (recsys.ItemID, error) { return 0, nil },
		}, want: `retrieval: f.txt:1: value "when": want a finite number >= 0; drop such lines or map the scale; if this is a header, it must name a user and an item`},
		{text: "user,uid,item\n", want: `retrieval: f.txt:1: 3 fields: of the header's columns user is there twice; set ReadOptions.Columns (ReadOptions.Separator is ',')`},
		{text: "1,2,3\n", opt: retrieval.ReadOptions{Columns: []string{"user", "item"}}, want: `retrieval: f.txt:1: 3 fields; want 2 as in ReadOptions.Columns and line 1 (ReadOptions.Separator is ',')`},
		{text: "1,2,3\n1,2\n", opt: retrieval.ReadOptions{Columns: []string{"user", "item", "time", "value"}}, want: `retrieval: f.txt:2: 2 fields; want 3 as in ReadOptions.Columns and line 1 (ReadOptions.Separator is ',')`},
		{text: "1,2\n", opt: retrieval.ReadOptions{Columns: []string{"user", "time", "item"}}, want: `retrieval: f.txt:1: 2 fields: want user and item among them (ReadOptions.Separator is ',')`},
		{text: "1,2\n\"1,2\n", want: `retrieval: f.txt:2: a double quote is not closed on its line`},
		{text: "\"1\"2,3\n", want: `retrieval: f.txt:1: "2" follows a closing double quote; double the quotes inside of a field`},
		{text: "1 2\n" + strings.Repeat("x", 100) + " 1\n", want: `retrieval: f.txt:2: user "` + strings.Repeat("x", 37) + `...": want an unsigned decimal number below 2^64; for other ids set ReadOptions.UserID`},
		{text: "1 2\n1 23456\n", opt: retrieval.ReadOptions{MaxLine: 6}, want: `retrieval: f.txt:2: longer than 6 bytes; raise ReadOptions.MaxLine if the line is meant`},
		{text: "1 2\n1 2345678901234567\n", opt: retrieval.ReadOptions{MaxLine: 6}, want: `retrieval: f.txt:2: longer than 6 bytes; raise ReadOptions.MaxLine if the line is meant`},
		{text: "\x1f\x8b\x08\x00", want: `retrieval: f.txt:1: the file is compressed; give the reader of compress/gzip`},
		{text: "\xff\xfe1\x00", want: `retrieval: f.txt:1: the file is in UTF-16; want UTF-8`},
		{text: "1 2\n3 4\n", opt: retrieval.ReadOptions{UserID: func(s string) (recsys.UserID, error) {
			if s == "3" {
				return 0, boom
			}
			return 0, nil
		}}, want: `retrieval: f.txt:2: user "3": no such user`},
		{text: "1 2\n", read: retrieval.ReadLists, opt: retrieval.ReadOptions{UserID: func(string) (recsys.UserID, error) { return 0, boom }}, want: `retrieval: f.txt:1: user "1": no such user`},
		{text: "1 2 y\n", read: retrieval.ReadLists, want: `retrieval: f.txt:1: item "y": want an unsigned decimal number below 2^64; for other ids set ReadOptions.ItemID`},
		{text: "1,2,\n", read: retrieval.ReadLists, want: `retrieval: f.txt:1: item "": it is empty`},
		{text: "4 5\n1 y\n", read: retrieval.ReadSessions, want: `retrieval: f.txt:2: item "y": want an unsigned decimal number below 2^64; for other ids set ReadOptions.ItemID`},
	} {
		if c.read == nil {
			c.read = retrieval.ReadInteractions
		}
		x, err := c.read(strings.NewReader(c.text), "f.txt", c.opt)
		if err == nil || x != nil || err.Error() != c.want {
			t.Errorf("%q: %v\nwant %s", c.text, err, c.want)
			continue
		}
		var re *retrieval.ReadError
		if !errors.As(err, &re) || re.File != "f.txt" || re.Line < 1 {
			t.Errorf("%q: %#v is no *ReadError with its place", c.text, err)
		}
		if strings.Contains(c.want, boom.Error()) != errors.Is(err, boom) {
			t.Errorf("%q: the cause is not wrapped", c.text)
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	for want, opt := range map[string]retrieval.ReadOptions{
		"retrieval: ReadOptions.MaxLine is -1; want >= 0 (0 means 16 MiB)":                                                   {MaxLine: -1},
		`retrieval: ReadOptions.Separator is '|'; want ',', ';', '\t', ' ', or 0 to detect it`:                               {Separator: '|'},
		"retrieval: ReadOptions.Header is 3; want HeaderDetect (0), HeaderSkip (1) or HeaderNone (2)":                        {Header: 3},
		"retrieval: ReadOptions.Merge is 7; want SumWeights (0) or LastWeight (1)":                                           {Merge: 7},
		`retrieval: ReadOptions.Columns is ["user" "items"]; want the names user, item, value, time, or "" to skip a column`: {Columns: []string{"user", "items"}},
		`retrieval: ReadOptions.Columns is ["user" "item" "item"]; item is there twice`:                                      {Columns: []string{"user", "item", "item"}},
		`retrieval: ReadOptions.Columns is ["user" "time"]; want user and item among them`:                                   {Columns: []string{"user", "time"}},
		`retrieval: ReadOptions.Columns is []; want user and item among them`:                                                {Columns: []string{}},
	} {
		for _, read := range []reader{retrieval.ReadInteractions, retrieval.ReadLists, retrieval.ReadSessions} {
			if _, err := read(strings.NewReader("1 2\n"), "f", opt); err == nil || err.Error() != want {
				t.Errorf("%v\nwant %s", err, want)
			}
		}
	}
}

func TestHeaderNoneTakesTheFirstLineForData(t *testing.T) {
	var users []string
	opt := retrieval.ReadOptions{
		Header: retrieval.HeaderNone,
		UserID: func(s string) (recsys.UserID, error) { users = append(users, s); return 0, nil },
		ItemID: func(string) (recsys.ItemID, error) { return 0, nil },
	}
	if x, err := retrieval.ReadInteractions(strings.NewReader("user,item\n"), "f", opt); err != nil || x.NumRecords() != 1 || users[0] != "user" {
		t.Errorf("%v, users %q", err, users)
	}
}

func TestMaxLineCountsWithoutTheEnd(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		for n := 1; n <= 200; n++ {
			text := "1 " + strings.Repeat("0", n)
			for limit, fits := range map[int]bool{len(text): true, len(text) - 1: false} {
				_, err := retrieval.ReadLists(strings.NewReader("1 1\n"+text+end), "f", retrieval.ReadOptions{MaxLine: max(limit, 3)})
				if fits && err != nil || !fits && err == nil && limit >= 3 {
					t.Fatalf("a line of %d bytes and %q under a limit of %d: %v", len(text), end, limit, err)
				}
			}
		}
	}
	if _, err := retrieval.ReadLists(strings.NewReader("1 1\n"), "f", retrieval.ReadOptions{MaxLine: math.MaxInt}); err != nil {
		t.Error(err)
	}
}

func TestErrorsOfTheReaderComeThrough(t *testing.T) {
	boom := errors.New("boom")
	for _, read := range []reader{retrieval.ReadInteractions, retrieval.ReadLists, retrieval.ReadSessions} {
		x, err := read(io.MultiReader(strings.NewReader("1 2\n3 "), iotest.ErrReader(boom)), "f", retrieval.ReadOptions{})
		if x != nil || !errors.Is(err, boom) {
			t.Errorf("%v; want boom", err)
		}
	}
}

func TestMergeOptionReachesTheMatrix(t *testing.T) {
	for merge, want := range map[retrieval.Merge]float32{retrieval.SumWeights: 5, retrieval.LastWeight: 2} {
		x, err := retrieval.ReadInteractions(strings.NewReader("1 10 3\n1 10 2\n"), "f", retrieval.ReadOptions{Merge: merge})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := x.ByUser().At(0, 0); got != want {
			t.Errorf("merge %d: weight %v; want %v", merge, got, want)
		}
	}
}
