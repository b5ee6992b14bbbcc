package lightgbm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// links gives the link of each objective as files call it; "" is a function of the caller's own.
var links = map[string]tree.LinkKind{
	"": tree.Identity, "custom": tree.Identity,
	"regression": tree.Identity, "regression_l1": tree.Identity, "huber": tree.Identity, "fair": tree.Identity,
	"quantile": tree.Identity, "mape": tree.Identity,
	"lambdarank": tree.Identity, "rank_xendcg": tree.Identity,
	"poisson": tree.Exp, "gamma": tree.Exp, "tweedie": tree.Exp,
	"binary": tree.Sigmoid, "multiclassova": tree.Sigmoid, "cross_entropy": tree.Sigmoid,
	"multiclass": tree.Softmax, "cross_entropy_lambda": tree.Softplus,
}

// link reads the objective's line: a name, then "key:value" or a flag.
func link(format, objective string, outputs int) (tree.Link, error) {
	fields := strings.Fields(objective)
	name := ""
	if len(fields) > 0 {
		name = fields[0]
		fields = fields[1:]
	}
	unsupported := &tree.UnsupportedError{Format: format, What: fmt.Sprintf("objective %q", document.Clip(objective))}
	kind, ok := links[name]
	if !ok {
		return tree.Link{}, unsupported
	}
	l := tree.Link{Kind: kind}
	for _, field := range fields {
		key, value, _ := strings.Cut(field, ":")
		switch {
		case key == "sqrt" && value == "" && (name == "regression" || name == "regression_l1" || name == "quantile" || name == "mape"):
			l.Kind = tree.SignedSquare
		case key == "sigmoid" && kind == tree.Sigmoid:
			slope, err := strconv.ParseFloat(value, 64)
			if err != nil || !(slope > 0 && slope < 1e300) {
				return l, unsupported
			}
			l.Slope = slope
		case key == "num_class" && value == strconv.Itoa(outputs):
		default:
			return l, unsupported
		}
	}
	if kind == tree.Softmax && outputs == 1 {
		return l, unsupported
	}
	return l, nil
}

// objective names an objective whose link is f's: the one that f came with, if it fits.
func objective(f *tree.Forest) (string, error) {
	if l, err := link(format, f.Objective, f.Outputs); err == nil && same(l, f.Link) {
		return f.Objective, nil
	}
	slope := strconv.FormatFloat(slopeOf(f.Link), 'g', -1, 64)
	switch f.Link.Kind {
	case tree.Identity:
		return "regression", nil
	case tree.SignedSquare:
		return "regression sqrt", nil
	case tree.Exp:
		return "poisson", nil
	case tree.Softplus:
		return "cross_entropy_lambda", nil
	case tree.Sigmoid:
		if f.Outputs > 1 {
			return fmt.Sprintf("multiclassova num_class:%d sigmoid:%s", f.Outputs, slope), nil
		}
		return "binary sigmoid:" + slope, nil
	case tree.Softmax:
		return fmt.Sprintf("multiclass num_class:%d", f.Outputs), nil
	}
	return "", &tree.UnsupportedError{Format: format, What: fmt.Sprintf("writing a forest whose link is %d", f.Link.Kind)}
}

func same(a, b tree.Link) bool { return a.Kind == b.Kind && slopeOf(a) == slopeOf(b) }

func slopeOf(l tree.Link) float64 {
	if l.Slope == 0 {
		return 1
	}
	return l.Slope
}
