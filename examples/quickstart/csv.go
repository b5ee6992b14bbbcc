package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
)

// minEvents is how many different items make somebody a user: fewer leave no history to go by.
const minEvents = 2

// fromCSV reads user,item,time[,value[,attribute…]] lines. A header is optional; it
// names the columns in any order, and what it names beyond the four are attributes of
// the item, of which one serves for caps (see isMaker). The value is a rating or an amount. Users are drawn into the parts by name.
func fromCSV(name string, seed uint64) (*data, error) {
	file, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csvReader{name: name, seed: seed, attribute: -1, users: map[string]int{}, items: map[string]recsys.ItemID{}, d: &data{segments: 1}}
	if err := r.read(file); err != nil {
		return nil, err
	}
	return r.finish()
}

type csvReader struct {
	name   string
	seed   uint64
	d      *data
	users  map[string]int
	items  map[string]recsys.ItemID
	makers map[string]uint64

	columns    [4]int // of user, item, time, value; -1: there is none
	attributes []int
	attribute  int // the one that serves; -1: there is none
	events     int
}

var (
	csvColumns = [4]string{"user", "item", "time", "value"}
	csvNames   = [4][]string{ // what a header may call them
		{"user", "user_id", "userid", "uid"},
		{"item", "item_id", "itemid", "iid", "video", "video_id", "product_id"},
		{"time", "timestamp", "ts", "event_time"},
		{"value", "rating", "weight", "watch_seconds", "watch_time", "dwell"},
	}
	makerNames = []string{"creator", "author", "artist", "channel", "seller", "brand", "publisher", "maker", "category", "genre"}
)

func (r *csvReader) read(file io.Reader) error {
	in := csv.NewReader(file)
	in.ReuseRecord, in.FieldsPerRecord, in.TrimLeadingSpace = true, -1, true
	for first := true; ; first = false {
		record, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				return cli.Inputf(r.name, bad.Line, "%v", bad.Err)
			}
			return cli.Inputf(r.name, 0, "%v", err)
		}
		line, _ := in.FieldPos(0)
		if first {
			record[0] = strings.TrimPrefix(record[0], "\ufeff")
			if isHeader, err := r.header(line, record); err != nil || isHeader {
				if err != nil {
					return err
				}
				continue
			}
		}
		if err := r.add(line, record); err != nil {
			return err
		}
	}
}

// header finds the columns. The first line is a header if it names a user and an item.
func (r *csvReader) header(line int, record []string) (bool, error) {
	at := func(names []string) int {
		for _, name := range names {
			if i := slices.IndexFunc(record, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) }); i >= 0 {
				return i
			}
		}
		return -1
	}
	if at(csvNames[0]) < 0 || at(csvNames[1]) < 0 {
		_, noNumber := strconv.ParseFloat(strings.TrimSpace(record[min(2, len(record)-1)]), 64)
		if noNumber != nil && !strings.ContainsAny(strings.Join(record, ""), "0123456789") {
			return false, cli.Inputf(r.name, line, "header %q names no user and item; want user,item,time[,value[,attribute…]]", record)
		}
		r.columns = [4]int{0, 1, 2, -1}
		if len(record) > 3 {
			r.columns[3] = 3
		}
		if len(record) > 4 {
			return false, cli.Inputf(r.name, line, "%d fields without a header; want user,item,time[,value], or a header that names the item columns", len(record))
		}
		return false, nil
	}
	for i, names := range csvNames {
		r.columns[i] = at(names)
	}
	if r.columns[2] < 0 {
		return true, cli.Inputf(r.name, line, "the header names no time; want user,item,time[,value]")
	}
	for i, name := range record {
		if !slices.Contains(r.columns[:], i) {
			r.attributes = append(r.attributes, i)
			if r.attribute < 0 || !isMaker(record[r.attribute]) && isMaker(name) {
				r.attribute = i
			}
		}
	}
	if r.attribute >= 0 {
		r.d.attribute = strings.TrimSpace(record[r.attribute])
		r.makers = map[string]uint64{}
	}
	return true, nil
}

func (r *csvReader) add(line int, record []string) error {
	field := func(i int) (string, error) {
		at := r.columns[i]
		if at >= len(record) {
			return "", cli.Inputf(r.name, line, "%d fields; the %s is field %d", len(record), csvColumns[i], at+1)
		}
		s := strings.TrimSpace(record[at])
		if s == "" {
			return "", cli.Inputf(r.name, line, "the %s is empty", csvColumns[i])
		}
		return s, nil
	}
	var text [3]string
	for i := range text {
		var err error
		if text[i], err = field(i); err != nil {
			return err
		}
	}
	at, err := parseTime(text[2])
	if err != nil {
		return cli.Inputf(r.name, line, "time %q: %v", text[2], err)
	}
	value := 1.0
	if v := r.columns[3]; v >= 0 && v < len(record) && strings.TrimSpace(record[v]) != "" {
		value, err = strconv.ParseFloat(strings.TrimSpace(record[v]), 32)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return cli.Inputf(r.name, line, "value %q is not a finite number", record[v])
		}
	}
	u, known := r.users[text[0]]
	if !known {
		u = len(r.d.users)
		r.users[text[0]] = u
		r.d.users = append(r.d.users, user{name: text[0], part: partOf(text[0], r.seed)})
	}
	id, known := r.items[text[1]]
	if !known {
		id = recsys.ItemID(len(r.d.items))
		r.items[text[1]] = id
		r.d.items = append(r.d.items, item{name: text[1]})
	}
	if r.attribute >= 0 {
		r.setMaker(id, !known, record)
	}
	r.d.users[u].events = append(r.d.users[u].events, recsys.Event{Item: id, Kind: recsys.Click, Value: float32(value), Time: at})
	r.events++
	return nil
}

// isMaker reports whether a column says who is behind an item: what caps are for.
func isMaker(name string) bool {
	return slices.ContainsFunc(makerNames, func(s string) bool { return strings.HasPrefix(strings.ToLower(strings.TrimSpace(name)), s) })
}

// maker numbers the value of the attribute. Where it is empty the item gets a value of
// its own: unknown makers are not one maker.
func (r *csvReader) maker(record []string) uint64 {
	value := ""
	if r.attribute < len(record) {
		value = strings.TrimSpace(record[r.attribute])
	}
	if value == "" {
		r.d.makers = append(r.d.makers, "unknown")
		return uint64(len(r.d.makers) - 1)
	}
	n, known := r.makers[value]
	if !known {
		n = uint64(len(r.d.makers))
		r.makers[value] = n
		r.d.makers = append(r.d.makers, value)
	}
	return n
}

// setMaker gives a new item its maker. A later line that names another one is counted.
func (r *csvReader) setMaker(id recsys.ItemID, fresh bool, record []string) {
	it := &r.d.items[id]
	named := r.attribute < len(record) && strings.TrimSpace(record[r.attribute]) != ""
	switch {
	case fresh:
		it.maker = r.maker(record)
		if !named {
			r.d.makerless++
		}
	case !named:
	case r.d.makers[it.maker] == "unknown":
		it.maker = r.maker(record)
		r.d.makerless--
	case r.d.makers[it.maker] != strings.TrimSpace(record[r.attribute]):
		r.d.twoMakers++
	}
}

// finish sorts the events and checks that there is something to learn from.
func (r *csvReader) finish() (*data, error) {
	d := r.d
	users := d.users[:0]
	for _, u := range d.users {
		if u.events = sortEvents(u.events, r.columns[3] >= 0); len(u.events) >= minEvents {
			users = append(users, u)
		}
	}
	few := len(d.users) - len(users)
	if d.users = users; len(users) < 3 {
		return nil, cli.Inputf(r.name, 0, "%d users with at least %d different items; want three: to train the sources, to train the ranker, to test", len(users), minEvents)
	}
	d.fillParts(r.seed)
	d.size = fmt.Sprintf("%d users, %d items, %d events; %d users with fewer than %d different items left out", len(users), len(d.items), r.events, few, minEvents)
	return d.settle(), nil
}

// fillParts makes sure that each part has users. Where the draw left one empty, as it may
// with few users, a fifth of them in the order of hashes becomes part C, the next B.
func (d *data) fillParts(seed uint64) {
	if len(d.of(goapi.PartA)) > 0 && len(d.of(goapi.PartB)) > 0 && len(d.of(goapi.PartC)) > 0 {
		return
	}
	order := make([]int, len(d.users))
	key := make([]uint64, len(d.users))
	for i, u := range d.users {
		order[i], key[i] = i, recsys.HashID(fmt.Sprint(seed, " ", u.name))
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(key[a], key[b]), cmp.Compare(a, b)) })
	fifth := max(1, len(order)/5)
	for i, u := range order {
		switch {
		case i < fifth:
			d.users[u].part = goapi.PartC
		case i < 2*fifth:
			d.users[u].part = goapi.PartB
		default:
			d.users[u].part = goapi.PartA
		}
	}
}

// partOf draws a user's part by name.
func partOf(name string, seed uint64) goapi.Part { return goapi.PartOf("csv:"+name, seed) }

// parseTime reads Unix seconds, Unix milliseconds (from 1e11 on) or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case math.IsNaN(n) || math.Abs(n) > 9e15:
			return time.Time{}, errors.New("out of range for Unix seconds or milliseconds")
		case math.Abs(n) >= 1e11:
			return time.UnixMilli(int64(n)).UTC(), nil
		}
		whole, fraction := math.Modf(n)
		return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errors.New("want Unix seconds or milliseconds, or RFC 3339 like 2024-05-01T12:00:00Z")
	}
	return t.UTC(), nil
}
