// Package ope estimates from the log of one policy what another would have earned: off-policy
// evaluation, also called counterfactual evaluation. It works on plain slices, or row by row on
// a log of any length, and knows neither items nor users.
//
//	log := ope.Log[float64]{
//		Actions: 20,
//		Reward:  reward, Action: action, // what was done, and what it earned
//		Propensity: propensity, //          how likely the logging policy was to do it
//		Target:     target, //              what the other policy would do: 20 probabilities per decision
//		Model:      model, //               a guess of all rewards, if there is one
//	}
//	report, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS(), ope.DR())
//	...
//	fmt.Println(report.Estimates[1]) // value, interval, effective sample size, verdict and reason
//
// Every estimate carries its standard error, an interval, the effective sample size, and a
// [Verdict] with the reason in words. An estimate that is unreliable is no estimate: do not act
// on it, however small its interval.
//
// # Conventions
//
// A decision has a context x, an action a in [0, A), a reward r and the propensity p = π_0(a|x)
// with which the logging policy took the action. The target policy π is given by its
// probabilities. The weight of a row is w = π(a|x)/p. The propensities must be those that the
// actions were drawn with, logged at the time, not estimated afterwards: everything rests on
// them.
//
// Probabilities and rewards may be float32 or float64; sums are made in float64. Results are the
// same bits for any number of workers, and for rows added one by one. Decisions count as
// independent: where one user makes many, intervals are too narrow.
//
// Bad values (propensities outside (0, 1], rewards that are not finite, actions outside the
// range, probabilities that do not sum to 1, slices of different lengths) are errors that name
// the row; see [RowError] and [FieldError]. What is legal but hopeless (a target policy that
// wants what the log does not hold, propensities that do not fit the actions, a handful of rows
// that carry everything) is the verdict [Unreliable].
//
// # Which estimator
//
// Without a reward model take [SNIPS]; with one, fitted by [CrossFit], [DR] or [SNDR]. If their
// verdict is bad because of a few large weights, let [Tune] choose how to tame them, with
// [DRos] or [SwitchDR] if there is a model, [ClippedIPS] if not. Report IPS beside them: if it
// is far off, so is something in the log. Tamed weights have a bias that no interval
// knows: their verdict is at most [Weak], and no better than the log's own weights allow.
//
// A log can be judged if the policy that made it took now and then what the target takes. A bandit
// that has converged hardly takes anything but its favourite; its log says little of any other
// policy, whatever the estimator. Serve a share of requests at random for such logs:
// bandit.Mixture of the policy and bandit.Uniform.
//
//	estimator               function           model  bias                      variance      source
//	inverse propensity      IPS                no     none                      large         Horvitz and Thompson 1952
//	clipped                 ClippedIPS         no     from weights above λ      tamed by λ    Ionides 2008
//	self-normalized         SNIPS              no     vanishes as 1/n           mostly < IPS  Swaminathan and Joachims 2015
//	direct method           DM                 yes    the model's               small         Beygelzimer and Langford 2009
//	doubly robust           DR                 yes    none                      < IPS *       Dudík et al. 2011
//	clipped DR              ClippedDR          yes    model's, weights above λ  tamed by λ    Su et al. 2020
//	self-normalized DR      SNDR               yes    vanishes as 1/n           mostly < DR   Thomas and Brunskill 2016
//	switch                  SwitchDR           yes    model's, weights above λ  tamed by λ    Wang et al. 2017
//	optimistic shrinkage    DRos               yes    model's, large weights    tamed by λ    Su et al. 2020
//	sub-Gaussian            SubGaussianIPS     no     from all weights, smooth  tamed by λ    Metelli et al. 2021
//	sub-Gaussian DR         SubGaussianDR      yes    model's, all weights      tamed by λ    Metelli et al. 2021
//	replay                  Replay             no     none if logged uniformly  large         Li et al. 2011
//	action embeddings       MarginalWeights    no     what embeddings miss      << IPS        Saito and Joachims 2022
//	several loggers         BalancedIPS, …DR   no/yes none                      <= IPS, DR    Agarwal et al. 2017
//	  by precision          WeightedIPS, …DR   no/yes vanishes as 1/n           <= IPS, DR    Agarwal et al. 2017
//
// * with a model that is any good. None of the biases counts what the logging policy could not
// do: that is never estimated, only found out.
//
//	reward model for DR     CrossFit, MRDRWeights                  Chernozhukov et al. 2018, Farajtabar et al. 2018
//	choice of λ             Tune with SLOPE or MSE                 Su et al. 2020 (two papers)
//	intervals               Normal, Bernstein, Bootstrap, Anytime  see [Interval]
//	lower bounds            HoeffdingLower, BernsteinLower, StudentLower
//
// # Slates
//
// A [Slate] is a decision with several places, each with its reward. [EvaluateSlates] and
// [SlateAccumulator] weight by as much of the slate as what a place earns may depend on; the less
// that is, the smaller the variance, and the stronger the assumption.
//
//	estimator               function           a place's reward depends on    source
//	whole slates            SIPS, SNSIPS       anything                       McInerney et al. 2020
//	reward interaction      RIPS, SNRIPS       the items down to the place    McInerney et al. 2020
//	  doubly robust         CascadeDR          the same                       Kiyohara et al. 2022
//	independent             IIPS, SNIIPS       the item and the place         Li et al. 2018
//	pseudo-inverse          PseudoInverse      the same; only sums are known  Swaminathan et al. 2017
//
// Package logged evaluates exposure logs with all of them.
//
// Estimates, standard errors and tuned parameters agree with Open Bandit Pipeline 0.5.5 to nine
// digits on its own data, but for its 0/0 at sub-Gaussian weights of 0 with λ = 1, which are 0 here.
package ope
