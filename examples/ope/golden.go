package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
)

// slicesFile is a file of slices, of any kind. What depends on the kind is read later.
type slicesFile struct {
	name string
	text []byte

	Actions    int       `json:"n_actions"`
	Places     int       `json:"len_list"`
	Reward     []float64 `json:"reward"`
	Action     []int32   `json:"action"`
	Position   []int32   `json:"position"`
	Propensity []float64 `json:"pscore"`
	Average    []float64 `json:"pscore_avg"`
	Stratum    []int32   `json:"stratum_idx"`

	Target   json.RawMessage `json:"action_dist"`
	Model    json.RawMessage `json:"q_hat"`
	Expected json.RawMessage `json:"expected"`

	Slate        []int64         `json:"slate_id"`
	Place        []float64       `json:"pscore_item_position"`
	Cascade      []float64       `json:"pscore_cascade"`
	EvalJoint    []float64       `json:"eval_pscore"`
	EvalPlace    []float64       `json:"eval_pscore_item_position"`
	EvalCascade  []float64       `json:"eval_pscore_cascade"`
	EvalPolicy   json.RawMessage `json:"eval_action_dist"`
	modelOfPlace [][][]float64
	evalOfPlace  [][][]float64
}

// readSlices reads a file.
func readSlices(name string) (*slicesFile, error) {
	in, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, cli.Inputf(name, 0, "%v", err)
	}
	return parseSlices(name, text)
}

// parseSlices reads the text of a file.
func parseSlices(name string, text []byte) (*slicesFile, error) {
	f := &slicesFile{name: name, text: text}
	if len(bytes.TrimSpace(f.text)) == 0 {
		return nil, cli.Inputf(name, 0, "the file is empty; want a JSON object")
	}
	if err := f.decode("", f.text, f); err != nil {
		return nil, err
	}
	if len(f.Reward) == 0 {
		return nil, cli.Inputf(name, 0, "reward is missing or empty; want a list of numbers")
	}
	return f, nil
}

// decode decodes text, a part of the file, and names the line of what is wrong with it.
func (f *slicesFile) decode(key string, text []byte, to any) error {
	err := json.Unmarshal(text, to)
	if err == nil {
		return nil
	}
	at := int64(max(bytes.Index(f.text, text), 0))
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at += syntax.Offset
	case errors.As(err, &kind):
		at += kind.Offset
		err = fmt.Errorf("%s: %s does not fit; want %v", strings.Trim(key+"."+kind.Field, "."), kind.Value, kind.Type)
	}
	line := 1 + bytes.Count(f.text[:min(at, int64(len(f.text)))], []byte("\n"))
	return cli.Inputf(f.name, line, "%v", err)
}

// has reports whether a part of the file is there.
func has(part json.RawMessage) bool { return len(part) > 0 && string(part) != "null" }

// rows checks that a column has an entry per row.
func (f *slicesFile) rows(key string, n int) error {
	if n != len(f.Reward) {
		return cli.Inputf(f.name, 0, "%s has %d entries, reward has %d", key, n, len(f.Reward))
	}
	return nil
}

// judgeSlices judges the policy that a file of slices holds.
func (o *options) judgeSlices() (*results, error) {
	f, err := readSlices(o.golden)
	if err != nil {
		return nil, err
	}
	return o.judgeFile(f)
}

// judgeFile judges the policy of a file of any kind.
func (o *options) judgeFile(f *slicesFile) (r *results, err error) {
	switch {
	case f.Slate != nil:
		r, err = o.judgeSlates(f)
	case f.Stratum != nil:
		r, err = o.judgeLoggers(f)
	default:
		r, err = o.judgeSingle(f)
	}
	return r, f.blame(err)
}

// blame makes an error of package ope about values one about the file.
func (f *slicesFile) blame(err error) error {
	var row *ope.RowError
	var field *ope.FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &row):
		what := "row"
		if f.Slate != nil {
			what = "slate"
		}
		return cli.Inputf(f.name, 0, "%s %d (from 0): %s is %v; want %s", what, row.Row, keyOf(row.Field), row.Value, row.Want)
	case errors.As(err, &field) && !strings.HasPrefix(field.Field, "Options"):
		return cli.Inputf(f.name, 0, "%s is %s; want %s", keyOf(field.Field), field.Is, field.Want)
	case errors.As(err, &field):
		return &cli.UsageError{Err: err}
	case errors.Is(err, ope.ErrEmpty):
		return cli.Inputf(f.name, 0, "%v", err)
	}
	return err
}

// keyOf returns the key of a file for a field of package ope, if it is one.
func keyOf(field string) string {
	keys := map[string]string{
		"Reward": "reward", "Action": "action", "Propensity": "pscore", "Target": "action_dist", "Model": "q_hat",
		"Context": "position", "Stratum": "stratum_idx", "Average": "pscore_avg", "Actions": "n_actions",
	}
	if key, ok := keys[strings.TrimPrefix(field, "Log.")]; ok {
		return key
	}
	return field
}

// policyLog returns the log of a file of single decisions.
func (f *slicesFile) policyLog() (ope.Log[float64], error) {
	log := ope.Log[float64]{
		Reward: f.Reward, Action: f.Action, Propensity: f.Propensity, Average: f.Average, Stratum: f.Stratum,
	}
	if !has(f.Target) {
		return log, cli.Inputf(f.name, 0, "action_dist is missing; want the probabilities of the target policy")
	}
	var target [][]float64
	if err := f.decode("action_dist", f.Target, &target); err != nil {
		return log, err
	}
	free := f.contextFree(target)
	if f.Actions == 0 && len(target) > 0 {
		f.Actions = len(target[0])
		if free {
			f.Actions = len(target)
		}
	}
	log.Actions = f.Actions
	if free {
		return log, f.byPosition(&log, target)
	}
	var err error
	if log.Target, err = f.table("action_dist", target, len(f.Reward), f.Actions); err != nil || !has(f.Model) {
		return log, err
	}
	var model [][]float64
	if err := f.decode("q_hat", f.Model, &model); err != nil {
		return log, err
	}
	log.Model, err = f.table("q_hat", model, len(f.Reward), f.Actions)
	return log, err
}

// contextFree reports whether the target policy depends on the position alone: its table has a row per
// action, and the reward model, if there is one, a number per action.
func (f *slicesFile) contextFree(target [][]float64) bool {
	if f.Position == nil {
		return len(target) == f.Actions && len(target) != len(f.Reward)
	}
	flat := !has(f.Model) || !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimSpace(f.Model)[1:]), []byte("["))
	return flat || len(target) != len(f.Reward)
}

// byPosition fills a log whose probabilities depend on the position alone, which is its context.
func (f *slicesFile) byPosition(log *ope.Log[float64], target [][]float64) error {
	places := f.Places
	if places == 0 && len(target) > 0 {
		places = len(target[0])
	}
	flat, err := f.table("action_dist", target, f.Actions, places)
	if err != nil {
		return err
	}
	var model []float64
	if has(f.Model) {
		if err := f.decode("q_hat", f.Model, &model); err != nil {
			return err
		}
		if len(model) != f.Actions {
			return cli.Inputf(f.name, 0, "q_hat has %d entries; want one per action, %d", len(model), f.Actions)
		}
	}
	for p := range places {
		for a := range f.Actions {
			log.Target = append(log.Target, flat[a*places+p])
		}
		log.Model = append(log.Model, model...)
	}
	if log.Context = f.Position; f.Position == nil {
		log.Context = make([]int32, len(f.Reward))
	}
	return nil
}

// table flattens a table of the file.
func (f *slicesFile) table(key string, t [][]float64, rows, columns int) ([]float64, error) {
	if len(t) != rows {
		return nil, cli.Inputf(f.name, 0, "%s has %d rows; want %d", key, len(t), rows)
	}
	for i, row := range t {
		if len(row) != columns {
			return nil, cli.Inputf(f.name, 0, "%s[%d] has %d entries; want %d", key, i, len(row), columns)
		}
	}
	flat := make([]float64, 0, rows*columns)
	for _, row := range t {
		flat = append(flat, row...)
	}
	return flat, nil
}

// keys returns the keys of a JSON object in its order.
func (f *slicesFile) keys(name string, object json.RawMessage) ([]string, error) {
	if !has(object) {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := f.decode(name, object, &m); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	var keys []string
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		keys = append(keys, fmt.Sprint(key))
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return nil, err
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// families are the estimators with a parameter, by their names in files.
var families = map[string]func(float64) ope.Estimator{
	"ipw": ope.ClippedIPS, "ips": ope.ClippedIPS, "ipw_clip": ope.ClippedIPS, "ips_clip": ope.ClippedIPS,
	"dr": ope.ClippedDR, "dr_clip": ope.ClippedDR,
	"switch_dr": ope.SwitchDR, "dros": ope.DRos, "sg_ipw": ope.SubGaussianIPS, "sg_ips": ope.SubGaussianIPS, "sg_dr": ope.SubGaussianDR,
}

// estimatorOf returns the estimator that files call name.
func estimatorOf(name string) (ope.Estimator, bool) {
	switch name {
	case "ipw", "ips":
		return ope.IPS(), true
	case "snips", "snipw":
		return ope.SNIPS(), true
	case "dm":
		return ope.DM(), true
	case "dr":
		return ope.DR(), true
	case "sndr":
		return ope.SNDR(), true
	}
	i := strings.LastIndexByte(name, '_')
	if i < 0 || families[name[:i]] == nil {
		return ope.Estimator{}, false
	}
	lambda, err := strconv.ParseFloat(name[i+1:], 64)
	if err != nil || math.IsNaN(lambda) {
		return ope.Estimator{}, false
	}
	return families[name[:i]](lambda), true
}
