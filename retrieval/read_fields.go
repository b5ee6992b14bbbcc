package retrieval

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// columns says which field of a line is what; -1 means none.
type columns struct {
	user, item, value, time int
	n                       int // fields of a line
}

// columnsOf reads the names of [ReadOptions].Columns.
func columnsOf(names []string) (columns, error) {
	c := columns{user: -1, item: -1, value: -1, time: -1, n: len(names)}
	for i, name := range names {
		if name == "" {
			continue
		}
		at, ok := map[string]*int{"user": &c.user, "item": &c.item, "value": &c.value, "time": &c.time}[name]
		switch {
		case !ok:
			return c, fmt.Errorf(`want the names user, item, value, time, or "" to skip a column`)
		case *at >= 0:
			return c, fmt.Errorf("%s is there twice", name)
		}
		*at = i
	}
	if c.user < 0 || c.item < 0 {
		return c, errors.New("want user and item among them")
	}
	return c, nil
}

// headerNames are the column names that a header may have, in lower case without
// punctuation.
var headerNames = map[string]string{
	"user": "user", "userid": "user", "uid": "user", "session": "user", "sessionid": "user",
	"visitor": "user", "visitorid": "user", "customer": "user", "customerid": "user",
	"item": "item", "itemid": "item", "iid": "item", "product": "item", "productid": "item",
	"movie": "item", "movieid": "item", "article": "item", "articleid": "item", "track": "item", "trackid": "item",
	"value": "value", "weight": "value", "rating": "value", "score": "value", "count": "value",
	"time": "time", "timestamp": "time", "ts": "time", "date": "time", "datetime": "time",
}

// headerColumns returns what the fields name, and whether they are a header: they
// name a user and an item.
func headerColumns(fields [][]byte) (columns, bool, error) {
	names := make([]string, len(fields))
	var users, items bool
	for i, f := range fields {
		name, _, _ := strings.Cut(string(f), ":") // RecBole has user_id:token
		names[i] = headerNames[strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))]
		users = users || names[i] == "user"
		items = items || names[i] == "item"
	}
	if !users || !items {
		return columns{}, false, nil
	}
	c, err := columnsOf(names)
	if err != nil {
		err = fmt.Errorf("of the header's columns %w; set ReadOptions.Columns", err)
	}
	return c, true, err
}

// namesAbove reports whether a first line without a number, or an empty field, stands above a line
// of numbers and times alone: then it can only be names, whatever they are.
func namesAbove(first, second [][]byte) bool {
	return len(first) == len(second) && !slices.ContainsFunc(first, func(f []byte) bool { return len(f) == 0 || numeric(f) }) &&
		!slices.ContainsFunc(second, func(f []byte) bool { return !numeric(f) })
}

// numeric reports whether a field is a number or a time.
func numeric(field []byte) bool {
	if _, err := strconv.ParseFloat(string(field), 64); err == nil {
		return bytes.ContainsAny(field, "0123456789") // not NaN and Inf
	}
	_, err := parseTime(field)
	return err == nil
}

// guessColumns returns the columns of a file without names, from its first line
// of data.
func guessColumns(fields [][]byte) (columns, error) {
	names := []string{"user", "item", "value", "time"}
	if len(fields) < 2 || len(fields) > len(names) {
		return columns{}, errors.New("want user, item, and at most value and time; else set ReadOptions.Columns")
	}
	switch {
	case len(fields) == 3 && looksLikeTime(fields[2]):
		names[2] = "time"
	case len(fields) == 4 && looksLikeTime(fields[2]) && !looksLikeTime(fields[3]):
		names[2], names[3] = "time", "value" // the other usual order
	}
	return columnsOf(names[:len(fields)])
}

func looksLikeTime(field []byte) bool {
	if _, err := parseTime(field); err != nil {
		return false
	}
	v, err := strconv.ParseFloat(string(field), 64)
	return err != nil || v >= 1e8
}

// Times lie in the years 1678 to 2261, for which Unix nanoseconds are an int64.
const minSecond, maxSecond = -9_214_560_000, 9_214_646_400

var (
	errEmpty = errors.New("it is empty")
	errID    = errors.New("want an unsigned decimal number below 2^64")
	errValue = errors.New("want a finite number >= 0; drop such lines or map the scale")
	errTime  = errors.New("want Unix seconds, Unix milliseconds or RFC 3339, in the years 1678 to 2261")
)

func parseID(field []byte) (uint64, error) {
	id, err := strconv.ParseUint(string(field), 10, 64)
	if err != nil {
		return 0, errID
	}
	return id, nil
}

func parseValue(field []byte) (float32, error) {
	v, err := strconv.ParseFloat(string(field), 32)
	if w := float32(v); err == nil && validWeight(w) {
		return w, nil
	}
	return 0, errValue
}

// parseTime returns Unix nanoseconds.
func parseTime(field []byte) (int64, error) {
	whole, fraction, _ := bytes.Cut(field, []byte("."))
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		t, err := time.Parse(time.RFC3339, string(field))
		if s := t.Unix(); err != nil || s < minSecond || s >= maxSecond {
			return 0, errTime
		}
		return t.UnixNano(), nil
	}
	unit := int64(time.Second)
	if n >= 1e11 || n <= -1e11 {
		unit = int64(time.Millisecond)
	}
	if perSecond := int64(time.Second) / unit; n <= minSecond*perSecond || n >= maxSecond*perSecond {
		return 0, errTime
	}
	nano := int64(0)
	for place := unit / 10; len(fraction) > 0; place, fraction = place/10, fraction[1:] {
		if fraction[0] < '0' || fraction[0] > '9' {
			return 0, errTime
		}
		nano += int64(fraction[0]-'0') * place
	}
	if whole[0] == '-' {
		nano = -nano
	}
	return n*unit + nano, nil
}
