package gbdt

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/xgboost"
)

// fileKind is a format of model files.
type fileKind uint8

const (
	unknownFile fileKind = iota
	ownFile
	lightgbmText
	lightgbmJSON
	xgboostJSON
	xgboostUBJSON // or the binary format before it
)

// detect tells the format of data by its first bytes, and of JSON by the names at its top.
func detect(data []byte) fileKind {
	switch text := bytes.TrimLeft(data, " \t\r\n"); {
	case bytes.HasPrefix(data, []byte("recsys\x1a\n")):
		return ownFile
	case bytes.HasPrefix(data, []byte("tree\n")), bytes.HasPrefix(data, []byte("tree\r\n")):
		return lightgbmText
	case xgboost.IsBinary(data):
		return xgboostUBJSON
	case len(data) > 1 && data[0] == '{' && bytes.IndexByte([]byte("iUIlL$#N"), data[1]) >= 0:
		return xgboostUBJSON
	case len(text) > 0 && text[0] == '{':
		return detectJSON(text)
	}
	return unknownFile
}

// detectJSON looks for a name that only one of the libraries has at the top of its document.
// It skips values without reading them.
func detectJSON(text []byte) fileKind {
	depth, key := 0, true
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '{', '[':
			depth++
			key = text[at] == '{'
		case '}', ']':
			depth--
		case ',':
			key = true
		case ':':
			key = false
		case '"':
			end := stringEnd(text, at)
			if depth == 1 && key {
				switch string(text[at:end]) {
				case `"learner"`:
					return xgboostJSON
				case `"tree_info"`, `"num_class"`, `"feature_infos"`:
					return lightgbmJSON
				}
			}
			at = end - 1
		}
	}
	return unknownFile
}

// stringEnd returns where the string that begins at at ends, behind its quote.
func stringEnd(text []byte, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

// unknown says what data is not.
func unknown(data []byte) error {
	const want = "a LightGBM model begins with \"tree\", a dump of it has tree_info, a model of XGBoost learner"
	e := &FileError{Format: "model file", Where: "byte 0"}
	switch {
	case len(data) == 0:
		e.Reason = "the file is empty"
	case json.Valid(data):
		e.Reason = "a JSON document of another kind; " + want
	default:
		e.Reason = fmt.Sprintf("begins with %q; %s", data[:min(16, len(data))], want)
	}
	return e
}
