package gbdt

import (
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

var _ recsys.HeadKinder = (*Model)(nil)

// HeadKinds says what each head is, by the objective of its forest: a probability of classification, a
// value of regression, a score of ranking, which an objective that adds heads refuses until it is
// calibrated. Empty where the file does not say: an objective of the caller's own.
func (m *Model) HeadKinds() []recsys.HeadKind {
	kinds := make([]recsys.HeadKind, 0, len(m.heads))
	for i := range m.forests {
		f := &m.forests[i]
		kind := kindOf(f.Link.Kind, f.Objective)
		for range f.width() {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// kindOf returns the kind of predictions of a link under an objective, in LightGBM's, XGBoost's or our words.
func kindOf(link tree.LinkKind, objective string) recsys.HeadKind {
	name, _, _ := strings.Cut(objective, " ")
	switch link {
	case tree.Sigmoid, tree.Softmax:
		return recsys.HeadProbability
	case tree.ArgMax, tree.Step: // the number of a class
		return recsys.HeadScore
	case tree.Identity:
		switch {
		case name == "" || name == "custom":
			return ""
		case name == "lambdarank" || name == "rank_xendcg" || name == "binary:logitraw" || strings.HasPrefix(name, "rank:"):
			return recsys.HeadScore
		}
	case tree.Exp:
		if name == "survival:cox" { // a risk relative to others'
			return recsys.HeadScore
		}
	}
	return recsys.HeadValue
}
