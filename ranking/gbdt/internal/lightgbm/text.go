package lightgbm

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

const format = "LightGBM text"

// Read reads a text model. Errors are a [*tree.FileError], with the line, or a
// [*tree.UnsupportedError]. It allocates a small multiple of len(data), whatever the
// numbers in it say.
func Read(data []byte) (*tree.Forest, error) {
	r := &reader{rest: data}
	f, err := r.forest()
	if err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, &tree.FileError{Format: format, Where: "after the last line", Reason: err.Error()}
	}
	return f, nil
}

// reader walks over the lines.
type reader struct {
	rest []byte
	line int // of the one that next returned, from 1
}

func (r *reader) next() (string, bool) {
	if len(r.rest) == 0 {
		return "", false
	}
	r.line++
	line := r.rest
	if at := bytes.IndexByte(r.rest, '\n'); at >= 0 {
		line, r.rest = r.rest[:at], r.rest[at+1:]
	} else {
		r.rest = nil
	}
	return strings.TrimSuffix(string(line), "\r"), true
}

func (r *reader) fail(line int, reason string, args ...any) error {
	return &tree.FileError{Format: format, Where: fmt.Sprintf("line %d", line), Reason: fmt.Sprintf(reason, args...)}
}

// section holds the "key=value" lines of the header or of a tree, and the line of each.
type section struct {
	r      *reader
	values map[string]string
	lines  map[string]int
	first  int
}

// section reads lines up to the first that is empty, or up to one that begins with stop.
// It returns that line.
func (r *reader) section(stop string) (*section, string, error) {
	s := &section{r: r, values: map[string]string{}, lines: map[string]int{}, first: r.line}
	for {
		line, ok := r.next()
		if !ok || stop == "" && line == "" || stop != "" && strings.HasPrefix(line, stop) {
			return s, line, nil
		}
		if line == "" {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if _, double := s.lines[key]; double {
			return nil, "", r.fail(r.line, "%s stands twice, first in line %d", key, s.lines[key])
		}
		s.values[key], s.lines[key] = value, r.line
	}
}

func (s *section) has(key string) bool { _, ok := s.values[key]; return ok }

func (s *section) fail(key, reason string, args ...any) error {
	line, ok := s.lines[key]
	if !ok {
		line = s.first
	}
	return s.r.fail(line, "%s: %s", key, fmt.Sprintf(reason, args...))
}

// number reads one integer between low and high. A key that is absent is an error.
func (s *section) number(key string, low, high int) (int, error) {
	if !s.has(key) {
		return 0, s.fail(key, "is missing")
	}
	n, err := strconv.Atoi(strings.TrimSpace(s.values[key]))
	if err != nil || n < low || n > high {
		return 0, s.fail(key, "%q; want a whole number from %d to %d", document.Clip(s.values[key]), low, high)
	}
	return n, nil
}

// want says how many values a key must have, and whether it may be absent.
type want struct {
	n        int
	optional bool
}

func array[T any](s *section, key string, w want, parse func(string) (T, error)) ([]T, error) {
	if !s.has(key) {
		if w.optional {
			return nil, nil
		}
		return nil, s.fail(key, "is missing")
	}
	fields := strings.Fields(s.values[key])
	if len(fields) != w.n {
		if len(fields) == 0 && w.optional {
			return nil, nil
		}
		return nil, s.fail(key, "%d values; want %d", len(fields), w.n)
	}
	out := make([]T, len(fields))
	for i, field := range fields {
		v, err := parse(field)
		if err != nil {
			return nil, s.fail(key, "value %d is %q; want a number", i, document.Clip(field))
		}
		out[i] = v
	}
	return out, nil
}

func (s *section) floats(key string, w want) ([]float64, error) {
	return array(s, key, w, func(v string) (float64, error) { return strconv.ParseFloat(v, 64) })
}

func (s *section) ints(key string, w want) ([]int32, error) {
	return array(s, key, w, func(v string) (int32, error) {
		n, err := strconv.ParseInt(v, 10, 32)
		return int32(n), err
	})
}

func (s *section) words(key string, w want) ([]uint32, error) {
	return array(s, key, w, func(v string) (uint32, error) {
		n, err := strconv.ParseUint(v, 10, 32)
		return uint32(n), err
	})
}

// forest reads the whole file.
func (r *reader) forest() (*tree.Forest, error) {
	if line, _ := r.next(); line != "tree" {
		return nil, r.fail(1, "begins with %q; want \"tree\"", document.Clip(line))
	}
	head, line, err := r.section("Tree=")
	if err != nil {
		return nil, err
	}
	f, err := head.forest()
	if err != nil {
		return nil, err
	}
	for ; strings.HasPrefix(line, "Tree="); line = r.skipEmpty() {
		if line != "Tree="+strconv.Itoa(len(f.Trees)) {
			return nil, r.fail(r.line, "%q; want tree %d", document.Clip(line), len(f.Trees))
		}
		t, err := r.tree(f)
		if err != nil {
			return nil, err
		}
		t.Output = len(f.Trees) % f.Outputs
		f.Trees = append(f.Trees, t)
	}
	switch {
	case line != "end of trees" && line != "":
		return nil, r.fail(r.line, "%q; want a tree or \"end of trees\"", document.Clip(line))
	case line == "":
		return nil, r.fail(r.line, "the file ends after tree %d; want \"end of trees\"", len(f.Trees)-1)
	case len(f.Trees)%f.Outputs != 0:
		return nil, r.fail(r.line, "%d trees for %d outputs", len(f.Trees), f.Outputs)
	}
	for i := range f.Trees {
		for _, n := range f.Trees[i].Nodes {
			if n.Categorical && n.Feature >= 0 && int(n.Feature) < len(f.Features) {
				f.Features[n.Feature].Categorical = true
			}
		}
	}
	return f, nil
}

func (r *reader) skipEmpty() string {
	for {
		line, ok := r.next()
		if line != "" || !ok {
			return line
		}
	}
}

// forest makes a forest without trees of the header.
func (s *section) forest() (*tree.Forest, error) {
	switch v := s.values["version"]; v {
	case "v2", "v3", "v4":
	case "":
		return nil, s.fail("version", "is missing")
	default:
		return nil, &tree.UnsupportedError{Format: format, What: "version " + document.Clip(v)}
	}
	last, err := s.number("max_feature_idx", 0, 1<<30)
	if err != nil {
		return nil, err
	}
	names, infos := strings.Fields(s.values["feature_names"]), strings.Fields(s.values["feature_infos"])
	if len(names) != last+1 {
		return nil, s.fail("feature_names", "%d names; max_feature_idx wants %d", len(names), last+1)
	}
	if len(infos) != last+1 {
		return nil, s.fail("feature_infos", "%d entries; max_feature_idx wants %d", len(infos), last+1)
	}
	f := &tree.Forest{Features: make([]tree.Feature, last+1), Average: s.has("average_output")}
	for i, name := range names {
		info := infos[i]
		f.Features[i] = tree.Feature{Name: name, Info: info, Categorical: info != "none" && info[0] != '['}
	}
	classes, err := s.number("num_class", 1, 1<<20)
	if err != nil {
		return nil, err
	}
	f.Outputs = classes
	if s.has("num_tree_per_iteration") {
		if f.Outputs, err = s.number("num_tree_per_iteration", 1, 1<<20); err != nil {
			return nil, err
		}
	}
	f.Objective = s.values["objective"]
	f.Link, err = link(format, f.Objective, f.Outputs)
	return f, err
}
