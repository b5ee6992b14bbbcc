package retrieval_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/retrieval"
)

// Every list, pair and session file of the data sets is compared with what a
// naive loop over its fields finds.
func TestGoldenFilesReadAsANaiveLoopReadsThem(t *testing.T) {
	root := reference.Dir(t, "data")
	for pattern, read := range map[string]reader{
		"cf-*/*.txt.gz":   retrieval.ReadLists,
		"seq-*/*.txt.gz":  retrieval.ReadLists, // pairs are lists of one
		"sess-*/*.txt.gz": retrieval.ReadSessions,
	} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(filepath.ToSlash(name), func(t *testing.T) { compareWithLoop(t, name, read) })
		}
	}
}

func compareWithLoop(t *testing.T, name string, read reader) {
	sessions := strings.HasPrefix(name, "sess-")
	histories, items := map[recsys.UserID][]recsys.ItemID{}, map[recsys.ItemID]bool{}
	records, line := 0, 0
	text := bufio.NewScanner(reference.Open(t, "data", name))
	text.Buffer(nil, 1<<20)
	for text.Scan() {
		line++
		var user recsys.UserID
		for i, field := range strings.Fields(text.Text()) {
			id, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				t.Skipf("line %d is no list of numbers: %v", line, err)
			}
			switch {
			case i == 0 && !sessions:
				user = recsys.UserID(id)
				continue
			case sessions:
				user = recsys.UserID(line)
			}
			histories[user] = append(histories[user], recsys.ItemID(id))
			items[recsys.ItemID(id)] = true
			records++
		}
	}
	if err := text.Err(); err != nil {
		t.Fatal(err)
	}
	x, err := read(reference.Open(t, "data", name), name, retrieval.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d users, %d items, %d cells of %d records", x.NumUsers(), x.NumItems(), x.Len(), x.NumRecords())
	if x.NumUsers() != len(histories) || x.NumItems() != len(items) || x.NumRecords() != records {
		t.Fatalf("want %d users, %d items, %d records", len(histories), len(items), records)
	}
	for _, m := range []*retrieval.CSR{x.ByUser(), x.ByItem()} {
		if err := m.Check(); err != nil {
			t.Error(err)
		}
	}
	for u, id := range x.Users() {
		cells := map[recsys.ItemID]bool{}
		for k, e := range x.History(u) {
			if e.Item != histories[id][k] {
				t.Fatalf("user %d: event %d is item %d; want %d", id, k, e.Item, histories[id][k])
			}
			cells[e.Item] = true
		}
		if cols, _ := x.ByUser().Row(u); len(cols) != len(cells) || x.HistoryLen(u) != len(histories[id]) {
			t.Fatalf("user %d: %d cells of %d events; want %d of %d", id, len(cols), x.HistoryLen(u), len(cells), len(histories[id]))
		}
	}
}

func TestGoldenTableWithHeaderAndTimesReads(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(reference.Dir(t, "data"), "sess-yoochoose*", "*_train_full.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		folder, file := filepath.Base(filepath.Dir(path)), filepath.Base(path)
		x, err := retrieval.ReadInteractions(reference.Open(t, "data", folder, file), file, retrieval.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(reference.Open(t, "data", folder, file))
		records := -1 // the header
		for lines.Scan() {
			records++
		}
		if x.NumRecords() != records || !x.HasTimes() {
			t.Errorf("%s: %d records, times %v; want %d with times", file, x.NumRecords(), x.HasTimes(), records)
		}
		for u := range x.Users() {
			h := x.History(u)
			for k := range h {
				if k > 0 && h[k].Time.Before(h[k-1].Time) {
					t.Fatalf("%s: a history is not in the order of time", file)
				}
			}
		}
	}
}

// Every file of the layout of train.txt.gz and test.txt.gz in a folder cf-* is
// read, and no pair is in both.
func TestGoldenTrainAndTestDoNotOverlap(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(reference.Dir(t, "data"), "cf-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "test.txt.gz")); err != nil {
			continue
		}
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			train, err := retrieval.ReadLists(reference.Open(t, "data", name, "train.txt.gz"), "train.txt.gz", retrieval.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			test, err := retrieval.ReadLists(reference.Open(t, "data", name, "test.txt.gz"), "test.txt.gz", retrieval.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			both := 0
			for u, id := range test.Users() {
				known, ok := train.UserRow(id)
				if !ok {
					continue
				}
				items, _ := test.ByUser().Row(u)
				for _, i := range items {
					if row, ok := train.ItemRow(test.Items()[i]); ok {
						if _, ok := train.ByUser().At(known, row); ok {
							both++
						}
					}
				}
			}
			if both != 0 {
				t.Errorf("%d pairs are in both files", both)
			}
		})
	}
}
