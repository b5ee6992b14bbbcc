package gbdt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/lightgbm"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/xgboost"
)

// frame makes vocabularies of the categories that a Python package has left in a file.
func (m *Model) frame(data []byte) error {
	switch kind := detect(data); kind {
	case xgboostJSON, xgboostUBJSON:
		return m.recoded(data, kind == xgboostUBJSON)
	}
	return m.pandas(data)
}

// recoded makes vocabularies of the categories that XGBoost, from 3.1 on, keeps of a data frame.
func (m *Model) recoded(data []byte, ubjson bool) error {
	all, err := xgboost.Categories(data, ubjson)
	if err != nil {
		return err
	}
	if all == nil {
		return errors.New("Options.Pandas: the file has no categories; XGBoost keeps those of a data frame from 3.1 on")
	}
	if len(all) != len(m.features) {
		return fmt.Errorf("Options.Pandas: the file has categories for %d columns, and %d features; give Options.Categories", len(all), len(m.features))
	}
	for j, texts := range all {
		if texts == nil {
			continue
		}
		if !m.features[j].Categorical {
			return fmt.Errorf("Options.Pandas: feature %q has categories in the file, and is not categorical; give Options.Categories", m.features[j].Name)
		}
		ids := make([]uint64, len(texts))
		for c, text := range texts {
			ids[c] = textID(text)
		}
		m.setVocabulary(j, ids)
	}
	return nil
}

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
	return m.missingIsZero(data)
}

// missingIsZero takes back that missing rows are none of the category with the ID 0, for the features that
// [Model.WriteLightGBM] has named.
func (m *Model) missingIsZero(data []byte) error {
	header, _, _ := bytes.Cut(data, []byte("\nTree="))
	_, rest, found := bytes.Cut(header, []byte("\n"+lightgbm.MissingIsZero+"="))
	if !found || detect(data) != lightgbmText {
		return nil
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	for _, field := range bytes.Fields(line) {
		j, err := strconv.Atoi(string(field))
		if err != nil || j < 0 || j >= len(m.features) || !m.isApart(j) {
			return &FileError{Format: "LightGBM", Where: lightgbm.MissingIsZero, Reason: fmt.Sprintf("%.40q; want a feature with the category 0", field)}
		}
		m.apart[j] = false
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
	return textID(text), nil
}

func textID(text string) uint64 {
	if id, err := strconv.ParseUint(text, 10, 64); err == nil {
		return id
	}
	return recsys.HashID(text)
}
