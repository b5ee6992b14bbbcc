package retrieval_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// FuzzRead reads any text in three ways. What is read without an error must hold
// together, and read the same when it is written plainly and read again.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"", "1 2\n", "user,item,rating,timestamp\n1,2,3.5,1234567890\n", "1\t2\t2009-02-13T23:31:30Z\n",
		"\xef\xbb\xbf\"1\",\"2\"\r\n\r\n", "1 2 3 4 5 6\n7 8\n", "1;2;1;1234567890123.5\n", "1,2\n1,2\n1,3", "# 1 2\n", "1 2 NaN",
	} {
		for mode := range byte(6) {
			f.Add(text, mode)
		}
	}
	f.Fuzz(func(t *testing.T, text string, mode byte) {
		opt := retrieval.ReadOptions{MaxLine: 1000, Header: retrieval.Header(mode / 3 % 3)}
		read := []reader{retrieval.ReadInteractions, retrieval.ReadLists, retrieval.ReadSessions}[mode%3]
		if mode >= 128 { // strings as ids
			seen := map[string]uint64{}
			id := func(s string) uint64 {
				if s == "" {
					t.Error("an empty field was taken for an id")
				}
				if _, ok := seen[s]; !ok {
					seen[s] = uint64(len(seen))
				}
				return seen[s]
			}
			opt.UserID = func(s string) (recsys.UserID, error) { return recsys.UserID(id(s)), nil }
			opt.ItemID = func(s string) (recsys.ItemID, error) { return recsys.ItemID(id(s)), nil }
		}
		x, err := read(strings.NewReader(text), "f", opt)
		if err != nil {
			if x != nil {
				t.Error("something came with an error")
			}
			return
		}
		if err := x.ByUser().Check(); err != nil {
			t.Error(err)
		}
		var plain strings.Builder
		names := []string{"user", "item", "value"}
		if x.HasTimes() {
			names = append(names, "time")
		}
		for u, id := range x.Users() {
			for _, e := range x.History(u) {
				fmt.Fprintf(&plain, "%d,%d,%v", id, e.Item, e.Value)
				if x.HasTimes() {
					fmt.Fprintf(&plain, ",%s", e.Time.Format("2006-01-02T15:04:05.999999999Z07:00"))
				}
				plain.WriteString("\n")
			}
		}
		y, err := retrieval.ReadInteractions(strings.NewReader(plain.String()), "plain", retrieval.ReadOptions{Columns: names})
		if err != nil {
			t.Fatalf("%v\n%s", err, plain.String())
		}
		if dump(x) != dump(y) {
			t.Errorf("read again:\n%s, first\n%s", dump(y), dump(x))
		}
	})
}
