package gbdt

import (
	"fmt"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

// Loss is what training minimises.
type Loss uint8

// The losses. Predictions are what the raw score becomes: what Rank writes into a head. Leaves of L1, Quantile and
// Huber are medians or quantiles of the residuals of their rows, which Config.L1, L2 and PathSmoothing do not shrink.
const (
	// L2 is the squared error; the prediction is the mean. LightGBM: regression.
	L2 Loss = iota
	// L1 is the absolute error; the prediction is the median. LightGBM: regression_l1.
	L1
	// Quantile is the pinball loss at Alpha. LightGBM: quantile.
	Quantile
	// Huber is squared up to Alpha and linear beyond. LightGBM: huber.
	Huber
	// LogLoss is for labels 0 and 1; the prediction is a probability. LightGBM: binary.
	LogLoss
	// CrossEntropy is for labels in [0, 1]; the prediction is a probability. LightGBM: cross_entropy.
	CrossEntropy
	// Poisson is for counts; the prediction is the mean. LightGBM: poisson.
	Poisson
	// Gamma is for positive amounts; the prediction is the mean. LightGBM: gamma.
	Gamma
	// Tweedie is for amounts that are often 0; the prediction is the mean. LightGBM: tweedie.
	Tweedie
	// Softmax is the log loss over classes 0, 1, …; a prediction is the probability of a
	// class, and each class is a head of the model: "rating=0", "rating=1". LightGBM: multiclass.
	Softmax
	// LambdaMART ranks the rows of a group by grades in [0, 31]; the prediction orders, and is
	// no probability. LightGBM: lambdarank.
	LambdaMART
	// Pairwise ranks the rows of a group by pairs, whatever their place. Labels are any numbers, of which
	// only the order counts. XGBoost: rank:pairwise.
	Pairwise
	// XENDCG ranks the rows of a group with a listwise cross-entropy. LightGBM: rank_xendcg.
	XENDCG
	losses
)

var lossNames = [losses]string{
	"L2", "L1", "Quantile", "Huber", "LogLoss", "CrossEntropy", "Poisson", "Gamma", "Tweedie",
	"Softmax", "LambdaMART", "Pairwise", "XENDCG",
}

// String returns the name of the constant.
func (l Loss) String() string {
	if l < losses {
		return lossNames[l]
	}
	return fmt.Sprintf("Loss(%d)", uint8(l))
}

// Metric is the figure by which early stopping judges and progress reports.
type Metric uint8

// The metrics. Each is a weighted mean over rows but AUC, NDCG and PairAccuracy, which are better when larger.
const (
	// DefaultMetric is the one nearest to the loss: RMSE for L2, MAE for L1, PinballLoss for
	// Quantile, LogLossMetric for LogLoss and CrossEntropy, PoissonDeviance for Poisson,
	// MultiLogLoss for Softmax, NDCG for LambdaMART and XENDCG, PairAccuracy for Pairwise, MeanLoss for Huber, Gamma and Tweedie.
	DefaultMetric   Metric = iota
	MeanLoss               // the loss itself, up to a constant; not of Softmax and ranking losses
	RMSE                   // of predictions, root of the mean
	MAE                    // of predictions
	PinballLoss            // of predictions, at Alpha of Quantile, else at 0.5
	PoissonDeviance        // of Poisson, Gamma and Tweedie
	LogLossMetric          // of LogLoss and CrossEntropy
	AUC                    // labels in [0, 1]: y of a positive, 1-y of a negative; ties half
	NDCG                   // mean over groups, at Cutoff, gains as in the loss; without gain 1. Labels as of LambdaMART
	MultiLogLoss           // of Softmax
	// PairAccuracy is the mean over groups of the share of pairs with different labels, which are
	// any numbers, that score in the order of their labels; ties count half.
	PairAccuracy
	metricKinds
)

var metricNames = [metricKinds]string{
	"default", "loss", "rmse", "mae", "pinball", "poisson deviance", "log loss", "auc", "ndcg", "multi log loss", "pair accuracy",
}

// String returns a short name, such as "auc".
func (m Metric) String() string {
	if m < metricKinds {
		return metricNames[m]
	}
	return fmt.Sprintf("Metric(%d)", uint8(m))
}

// Objective says what the trees of a head learn. The zero value is L2.
type Objective struct {
	Loss   Loss
	Metric Metric
	Cutoff int // of NDCG, >= 0; 0 means 10

	// PositiveWeight multiplies the weight of positives, > 0; 0 means 1. LogLoss only.
	// LightGBM: scale_pos_weight; for is_unbalance give negatives/positives. Probabilities
	// come out too high by as much: the log odds gain log(PositiveWeight).
	PositiveWeight float64
	// Alpha is the level of Quantile, in (0, 1), or where Huber becomes linear, in units of
	// the label, > 0; 0 means 0.9. LightGBM: alpha.
	Alpha float64
	// Power is Tweedie's variance power, in (1, 2); 0 means 1.5. LightGBM: tweedie_variance_power.
	Power float64
	// MaxStep damps Poisson: hessians are multiplied with exp(MaxStep), > 0; 0 means 0.7.
	// LightGBM: poisson_max_delta_step.
	MaxStep float64
	// Classes is Softmax's number of classes, 2 to 16384; 0 means one more than the
	// largest label. LightGBM: num_class.
	Classes int

	// Sigma is the steepness of the loss of a pair, 1e-6 to 1e6; 0 means 1. Scores shrink as it grows, and hessians
	// with its square as it shrinks: far below 1, Config.MinHessian must be lower too, or nothing is
	// learned. LightGBM: sigmoid.
	Sigma float64
	// Truncation makes LambdaMART and Pairwise look only at pairs with a row among so many
	// best by score; it is also the cutoff of the NDCG that LambdaMART improves. So a query of m rows
	// costs O(m Truncation), whatever m. >= 0; 0 means 30 for LambdaMART, 1000 for Pairwise.
	// LightGBM: lambdarank_truncation_level.
	Truncation int
	// Unnormalised leaves out the normalisation of a query's gradients by log2(1+S)/S, S their
	// sum, and of LambdaMART's pairs by the distance of scores. LightGBM: lambdarank_norm=false.
	Unnormalised bool
	// Gains are the gains of the labels 0, 1, …: 0 to 1e30, and none below that of the label before it.
	// Nil means 2^label - 1. LambdaMART and NDCG. LightGBM: label_gain.
	Gains []float64
	// Examination is the probability that a position is looked at, by position from 0, in (0, 1].
	// Pairs whose preferred row has a label above 0 weigh 1/Examination[position], so that clicks are
	// unbiased judgements of relevance (Joachims, Swaminathan and Schnabel, WSDM 2017). It needs
	// Dataset.Positions for all those rows. Nil: no correction. LambdaMART and Pairwise. Give either this
	// or such weights in Dataset.Weights, not both. Set Unnormalised with it: the normalisation of a
	// query partly undoes such weights. (LightGBM learns biases instead.)
	Examination []float64
}

var lossKinds = [losses]loss.Kind{
	loss.L2, loss.L1, loss.Quantile, loss.Huber, loss.LogLoss, loss.CrossEntropy, loss.Poisson, loss.Gamma, loss.Tweedie,
	loss.Softmax, loss.LambdaMART, loss.Pairwise, loss.XENDCG,
}

var metricOf = [metricKinds]loss.MetricKind{
	0, loss.Loss, loss.RMSE, loss.MAE, loss.Pinball, loss.PoissonDeviance, loss.BinaryLoss, loss.AUC, loss.NDCG, loss.MultiLoss, loss.PairAccuracy,
}

// params returns the parameters with defaults.
func (o *Objective) params(seed uint64) loss.Params {
	truncation := 30
	if o.Loss == Pairwise {
		truncation = 1000
	}
	return loss.Params{
		Kind: lossKinds[o.Loss], Classes: o.Classes,
		PositiveWeight: orDefault(o.PositiveWeight, 1), Alpha: orDefault(o.Alpha, 0.9), Power: orDefault(o.Power, 1.5),
		MaxStep: orDefault(o.MaxStep, 0.7), Sigma: orDefault(o.Sigma, 1), Truncation: orDefault(o.Truncation, truncation),
		Raw: o.Unnormalised, Gains: o.Gains, Examination: o.Examination, Seed: seed,
	}
}

// metric returns the metric, never the default.
func (o *Objective) metric() Metric {
	if o.Metric != DefaultMetric {
		return o.Metric
	}
	want := lossKinds[o.Loss].Default()
	for m := MeanLoss; m < metricKinds; m++ {
		if metricOf[m] == want {
			return m
		}
	}
	return MeanLoss
}

// largestGain keeps sums of discounted gains finite.
const largestGain = 1e30

// check reports the mistakes of the objective; where is its name in the configuration.
func (o *Objective) check(c *checker, where string) {
	if o.Loss >= losses {
		c.refuse(where+".Loss", o.Loss, "one of L2 to XENDCG")
		return
	}
	if o.Metric >= metricKinds {
		c.refuse(where+".Metric", o.Metric, "one of DefaultMetric to PairAccuracy")
	}
	for _, f := range []struct {
		name  string
		value int
		want  string
	}{
		{"Cutoff", o.Cutoff, ">= 0 (0 means 10)"},
		{"Truncation", o.Truncation, ">= 0 (0 means 30, for Pairwise 1000)"},
	} {
		if f.value < 0 {
			c.refuse(where+"."+f.name, f.value, f.want)
		}
	}
	if o.Classes < 0 || o.Classes == 1 || o.Classes > loss.MaxClasses {
		c.refuse(where+".Classes", o.Classes, fmt.Sprintf("2 to %d (0 means one more than the largest label)", loss.MaxClasses))
	}
	for _, f := range []struct {
		name  string
		value float64
		means string
	}{
		{"PositiveWeight", o.PositiveWeight, "1"},
		{"Alpha", o.Alpha, "0.9"},
		{"Power", o.Power, "1.5"},
		{"MaxStep", o.MaxStep, "0.7"},
	} {
		if f.value < 0 || !isFinite(f.value) {
			c.refuse(where+"."+f.name, f.value, "a number > 0 (0 means "+f.means+")")
		}
	}
	if o.Sigma != 0 && !(o.Sigma >= 1e-6 && o.Sigma <= 1e6) {
		c.refuse(where+".Sigma", o.Sigma, "a number from 1e-6 to 1e6 (0 means 1)")
	}
	if o.Loss == Quantile && o.Alpha >= 1 {
		c.refuse(where+".Alpha", o.Alpha, "a level in (0, 1) for Quantile (0 means 0.9)")
	}
	if o.Loss == Tweedie && o.Power != 0 && !(o.Power > 1 && o.Power < 2) {
		c.refuse(where+".Power", o.Power, "a number in (1, 2) (0 means 1.5)")
	}
	for l, g := range o.Gains {
		switch {
		case !(g >= 0 && g <= largestGain):
			c.refuse(fmt.Sprintf("%s.Gains[%d]", where, l), g, fmt.Sprintf("a number from 0 to %v", largestGain))
		case l > 0 && g < o.Gains[l-1]:
			c.refuse(fmt.Sprintf("%s.Gains[%d]", where, l), g, fmt.Sprintf("at least %v, the gain of the label below", o.Gains[l-1]))
		}
	}
	for k, p := range o.Examination {
		if !(p > 0 && p <= 1) {
			c.refuse(fmt.Sprintf("%s.Examination[%d]", where, k), p, "a probability in (0, 1]")
		}
	}
	if len(o.Examination) > 0 && o.Loss != LambdaMART && o.Loss != Pairwise {
		c.refuse(where+".Examination", fmt.Sprintf("given for %v", o.Loss), "none; put weights of examination into Dataset.Weights")
	}
}
