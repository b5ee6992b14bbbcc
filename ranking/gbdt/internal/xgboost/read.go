package xgboost

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// ReadJSON reads a model that was saved as JSON. Errors are a [*tree.FileError], with the path to the
// field, or a [*tree.UnsupportedError].
func ReadJSON(data []byte) (*tree.Forest, error) {
	return read("XGBoost JSON", data, document.ReadJSON)
}

// ReadUBJSON reads a model that was saved as UBJSON, the library's default since 2.1.
func ReadUBJSON(data []byte) (*tree.Forest, error) {
	if IsBinary(data) {
		return nil, &tree.UnsupportedError{Format: "XGBoost", What: "the old binary format (save the model as .json or .ubj; any version since 1.0 converts it)"}
	}
	return read("XGBoost UBJSON", data, document.ReadUBJSON)
}

// IsBinary tells whether data begins as the binary format that the library gave up with 3.1.
func IsBinary(data []byte) bool {
	return bytes.HasPrefix(data, []byte("binf")) || bytes.HasPrefix(data, []byte("bs64"))
}

func read(format string, data []byte, parse func([]byte) (document.Node, error)) (*tree.Forest, error) {
	root, err := parse(data)
	if err == nil {
		r := &reader{format: format}
		if err = r.model(root); err == nil {
			if err = r.f.Check(); err == nil {
				return r.f, nil
			}
			err = &document.Error{Where: "the model", Reason: err.Error()}
		}
	}
	var at *document.Error
	if errors.As(err, &at) {
		return nil, &tree.FileError{Format: format, Where: at.Where, Reason: at.Reason}
	}
	return nil, err
}

type reader struct {
	format string
	f      *tree.Forest
	words  int // of the sets of categories so far
}

func (r *reader) unsupported(what string, args ...any) error {
	return &tree.UnsupportedError{Format: r.format, What: fmt.Sprintf(what, args...)}
}

// objectiveOf says what the library makes of raw scores, and how it turns base_score into one.
type objectiveOf struct {
	link tree.LinkKind
	base func(float64) float64
}

func same(x float64) float64  { return x }
func logit(x float64) float64 { return float64(float32(-fmath.Log(1/x - 1))) }
func ln(x float64) float64    { return float64(float32(fmath.Log(x))) }

var objectives = map[string]objectiveOf{
	"reg:squarederror": {tree.Identity, same}, "reg:linear": {tree.Identity, same},
	"reg:squaredlogerror": {tree.Identity, same}, "reg:pseudohubererror": {tree.Identity, same},
	"reg:absoluteerror": {tree.Identity, same}, "reg:quantileerror": {tree.Identity, same},
	"reg:logistic": {tree.Sigmoid, logit}, "binary:logistic": {tree.Sigmoid, logit},
	"binary:logitraw": {tree.Identity, logit}, "binary:hinge": {tree.Step, same},
	"count:poisson": {tree.Exp, ln}, "reg:gamma": {tree.Exp, ln}, "reg:tweedie": {tree.Exp, ln},
	"survival:cox":  {tree.Exp, ln},
	"rank:pairwise": {tree.Identity, same}, "rank:ndcg": {tree.Identity, same}, "rank:map": {tree.Identity, same},
	"multi:softprob": {tree.Softmax, same}, "multi:softmax": {tree.ArgMax, same},
}

func (r *reader) model(root document.Node) error {
	learner, err := root.Field("learner")
	if err != nil {
		return err
	}
	r.f = &tree.Forest{Float32: true}
	if err := r.parameters(learner); err != nil {
		return err
	}
	if err := r.features(learner); err != nil {
		return err
	}
	if attributes, ok := learner.Find("attributes"); ok {
		if best, ok := attributes.Find("best_iteration"); ok {
			n, err := best.Int(0, math.MaxInt32-1)
			if err != nil {
				return err
			}
			r.f.Best = n + 1
		}
	}
	booster, err := learner.Field("gradient_booster")
	if err != nil {
		return err
	}
	return r.booster(booster)
}

// parameters reads the number of outputs, the objective and the base score.
func (r *reader) parameters(learner document.Node) error {
	p, err := learner.Field("learner_model_param")
	if err != nil {
		return err
	}
	r.f.Outputs = 1
	if classes, ok := p.Find("num_class"); ok {
		n, err := classes.Int(0, 1<<20)
		if err != nil {
			return err
		}
		r.f.Outputs = max(n, 1)
	}
	if targets, ok := p.Find("num_target"); ok {
		n, err := targets.Int(0, 1<<20)
		if err != nil {
			return err
		}
		if n > 1 {
			return r.unsupported("a model of %d targets", n)
		}
	}
	name, err := learner.Field("objective", "name")
	if err != nil {
		return err
	}
	if r.f.Objective, err = name.Text(); err != nil {
		return err
	}
	o, ok := objectives[r.f.Objective]
	if !ok {
		return r.unsupported("objective %q", r.f.Objective)
	}
	if many := o.link == tree.Softmax || o.link == tree.ArgMax; many != (r.f.Outputs > 1) {
		return name.Fail("is %q for %d classes", r.f.Objective, r.f.Outputs)
	}
	r.f.Link = tree.Link{Kind: o.link}
	return r.base(p, o)
}

// base reads base_score: a number, or since 3.1 a list of them in brackets.
func (r *reader) base(p document.Node, o objectiveOf) error {
	score, err := p.Field("base_score")
	if err != nil {
		return err
	}
	var values []float64
	if s, err := score.Text(); err == nil {
		for _, field := range strings.Split(strings.Trim(s, "[] "), ",") {
			x, err := strconv.ParseFloat(strings.TrimSpace(field), 32)
			if err != nil {
				return score.Fail("is %q; want numbers", s)
			}
			values = append(values, x)
		}
	} else {
		x, err := score.Number()
		if err != nil {
			return err
		}
		values = []float64{float64(float32(x))}
	}
	if len(values) != 1 && len(values) != r.f.Outputs {
		return score.Fail("has %d values for %d outputs", len(values), r.f.Outputs)
	}
	r.f.Base = make([]float64, r.f.Outputs)
	for i := range r.f.Base {
		b := o.base(values[min(i, len(values)-1)])
		if math.IsNaN(b) || math.IsInf(b, 0) {
			return score.Fail("is %v, which objective %s cannot start from", values, r.f.Objective)
		}
		r.f.Base[i] = b
	}
	return nil
}

// features reads names and types; without names they are f0, f1 and so on, as the library has it.
func (r *reader) features(learner document.Node) error {
	count, err := learner.Field("learner_model_param", "num_feature")
	if err != nil {
		return err
	}
	var names, types []string
	for field, dst := range map[string]*[]string{"feature_names": &names, "feature_types": &types} {
		if n, ok := learner.Find(field); ok {
			if *dst, err = n.Texts(); err != nil {
				return err
			}
		}
	}
	// Without names nothing in the file says how many features there really are: trees may not
	// make us allocate for more than a model can have.
	n, err := count.Int(0, max(len(names), 1<<20))
	if err != nil {
		return err
	}
	if len(names) != 0 && len(names) != n || len(types) != 0 && len(types) != n {
		return learner.Fail("has %d feature names and %d types for %d features", len(names), len(types), n)
	}
	r.f.Features = make([]tree.Feature, n)
	for i := range r.f.Features {
		f := &r.f.Features[i]
		f.Name = "f" + strconv.Itoa(i)
		if len(names) > 0 {
			f.Name = names[i]
		}
		f.Categorical = len(types) > 0 && types[i] == "c"
	}
	return nil
}

func (r *reader) booster(b document.Node) error {
	field, err := b.Field("name")
	if err != nil {
		return err
	}
	name, err := field.Text()
	if err != nil {
		return err
	}
	switch name {
	case "gbtree":
		return r.gbtree(b)
	case "dart":
		inner, err := b.Field("gbtree")
		if err != nil {
			return err
		}
		if err := r.gbtree(inner); err != nil {
			return err
		}
		return r.drop(b)
	case "gblinear":
		return r.gblinear(b)
	}
	return r.unsupported("booster %q", name)
}

// drop multiplies the leaves of a dart booster by the weights of their trees.
func (r *reader) drop(b document.Node) error {
	field, err := b.Field("weight_drop")
	if err != nil {
		return err
	}
	weights, err := field.Numbers()
	if err != nil {
		return err
	}
	if len(weights) != len(r.f.Trees) {
		return field.Fail("has %d weights for %d trees", len(weights), len(r.f.Trees))
	}
	for i, w := range weights {
		t := &r.f.Trees[i]
		t.Shrinkage = w
		for j, v := range t.Leaves {
			t.Leaves[j] = float64(float32(w) * float32(v))
		}
	}
	return nil
}

// gblinear makes a tree without nodes for each coefficient, so that a feature which is NaN
// adds nothing, as in the library.
func (r *reader) gblinear(b document.Node) error {
	field, err := b.Field("model", "weights")
	if err != nil {
		return err
	}
	weights, err := field.Numbers()
	if err != nil {
		return err
	}
	k, d := r.f.Outputs, len(r.f.Features)
	if len(weights) != k*(d+1) {
		return field.Fail("has %d weights; %d features and %d outputs want %d", len(weights), d, k, k*(d+1))
	}
	for o := range k {
		r.f.Trees = append(r.f.Trees, tree.Tree{Output: o, Leaves: []float64{weights[d*k+o]}})
	}
	for j := range d {
		for o := range k {
			r.f.Trees = append(r.f.Trees, tree.Tree{
				Output: o, Leaves: []float64{0},
				Linear: []tree.Linear{{Features: []int32{int32(j)}, Coefs: []float64{weights[j*k+o]}}},
			})
		}
	}
	r.f.Parallel = d + 1
	return nil
}
