package xgboost

import (
	"errors"
	"strconv"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// exact is the largest number up to which a document keeps whole numbers.
const exact = 1 << 53

// Categories returns what a file of XGBoost 3.1 or later, JSON or UBJSON, has of the data frame that was trained on: by
// feature, in the order of their numbers, the categories as text, integers in decimals; nil for a feature without any.
// It is nil if the file has none. Errors are those of the readers.
//
// Source: XGBoost 3.5, doc/tutorials/saving_model.rst, "Categories", and src/data/cat_container.cc.
func Categories(data []byte, ubjson bool) ([][]string, error) {
	format, parse := "XGBoost JSON", document.ReadJSON
	if ubjson {
		format, parse = "XGBoost UBJSON", document.ReadUBJSON
	}
	root, err := parse(data)
	var all [][]string
	if err == nil {
		all, err = categories(root)
	}
	var at *document.Error
	if errors.As(err, &at) {
		return nil, &tree.FileError{Format: format, Where: at.Where, Reason: at.Reason}
	}
	return all, err
}

func categories(root document.Node) ([][]string, error) {
	booster, err := root.Field("learner", "gradient_booster")
	if err != nil {
		return nil, err
	}
	if inner, ok := booster.Find("gbtree"); ok { // of dart
		booster = inner
	}
	model, _ := booster.Find("model")
	cats, ok := model.Find("cats")
	if !ok {
		return nil, nil
	}
	enc, err := cats.Field("enc")
	if err != nil {
		return nil, err
	}
	columns, err := enc.Items()
	if err != nil || len(columns) == 0 {
		return nil, err
	}
	all, some := make([][]string, len(columns)), false
	for j, column := range columns {
		if all[j], err = categoriesOf(column); err != nil {
			return nil, err
		}
		some = some || all[j] != nil
	}
	if !some {
		return nil, nil
	}
	return all, nil
}

// categoriesOf reads those of one feature: integers, or texts one after the other with where they begin and end.
func categoriesOf(column document.Node) ([]string, error) {
	field, err := column.Field("values")
	if err != nil {
		return nil, err
	}
	values, err := field.Numbers()
	if err != nil {
		return nil, err
	}
	bounds, ok := column.Find("offsets")
	if ok {
		return texts(field, bounds)
	}
	var out []string
	for i, v := range values {
		if v != float64(int64(v)) || v >= exact || v <= -exact {
			return nil, field.Fail("element %d is %v; want a whole number below 2^53", i, v)
		}
		out = append(out, strconv.FormatInt(int64(v), 10))
	}
	return out, nil
}

func texts(field, bounds document.Node) ([]string, error) {
	letters, err := field.Ints(-128, 255) // bytes, signed or not
	if err != nil {
		return nil, err
	}
	offsets, err := bounds.Ints(0, len(letters))
	if err != nil {
		return nil, err
	}
	text := make([]byte, len(letters))
	for i, b := range letters {
		text[i] = byte(b)
	}
	var out []string
	for k := 1; k < len(offsets); k++ {
		from, to := offsets[k-1], offsets[k]
		if from > to {
			return nil, bounds.Fail("element %d is %d, and the one before it %d", k, to, from)
		}
		out = append(out, string(text[from:to]))
	}
	return out, nil
}
