package gbdt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/recsyskit/recsys"
)

// pandas makes vocabularies of the categories that the Python package of LightGBM has left in a file: a list
// for each column of dtype category, in the order of the columns, which are the categorical features.
func (m *Model) pandas(data []byte) error {
	key := []byte("pandas_categorical")
	at := bytes.LastIndex(data, key)
	if at < 0 {
		return errors.New("Options.Pandas: the file has no pandas_categorical")
	}
	rest := bytes.TrimLeft(data[at+len(key):], "\": ")
	var lists [][]any
	d := json.NewDecoder(bytes.NewReader(rest))
	d.UseNumber()
	if err := d.Decode(&lists); err != nil {
		return &FileError{Format: "LightGBM", Where: "pandas_categorical", Reason: err.Error()}
	}
	var features []int
	for j := range m.features {
		if m.features[j].Categorical {
			features = append(features, j)
		}
	}
	if len(lists) != len(features) {
		return fmt.Errorf("Options.Pandas: the file has categories for %d columns and %d categorical features; give Options.Categories", len(lists), len(features))
	}
	for i, list := range lists {
		ids := make([]uint64, len(list))
		for c, category := range list {
			id, err := pandasID(category)
			if err != nil {
				return fmt.Errorf("Options.Pandas: feature %q: %w", m.features[features[i]].Name, err)
			}
			ids[c] = id
		}
		m.setVocabulary(features[i], ids)
	}
	return nil
}

// pandasID returns the ID of a category, by the rule of [ranking.CSVConfig]: a decimal number is the
// ID itself, other text stands for its [recsys.HashID].
func pandasID(category any) (uint64, error) {
	var text string
	switch x := category.(type) {
	case string:
		text = x
	case json.Number:
		if text = x.String(); bytes.ContainsAny([]byte(text), ".eE") {
			v, err := x.Float64()
			if err != nil || v != float64(int64(v)) {
				return 0, fmt.Errorf("category %s is neither text nor a whole number", text)
			}
			text = strconv.FormatInt(int64(v), 10)
		}
	default:
		return 0, fmt.Errorf("category %v is neither text nor a whole number", category)
	}
	if id, err := strconv.ParseUint(text, 10, 64); err == nil {
		return id, nil
	}
	return recsys.HashID(text), nil
}
