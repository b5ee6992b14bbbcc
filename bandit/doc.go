// Package bandit chooses slates by chance, with propensities that are known
// exactly: the last stage of a funnel that wants to learn from what it shows.
//
//	p, err := recsys.NewPipeline(
//		recsys.Retrieve("als", als),
//		recsys.Rank(model),
//		recsys.Constrain(rules),
//		recsys.Explore(bandit.PlackettLuce(0.05)),
//		recsys.Log(sink, recsys.LogFull), // from which other policies can be judged
//	).Build()
//
// An explorer fills a [recsys.Slate] place by place. At each place it draws one of
// the rows that may come there, and logs the probability of that row given the
// picks above it: its propensity. Off-policy estimators divide by it, so
// it must be right, not nearly right.
//
// # Propensities
//
// They are conditional and sequential; the probability of a slate is their
// product. At every place they sum to 1 over the admissible rows: what the
// constraints forbid there, and what was picked, has none. That holds for
// constraints that re-admit rows as for those that do not. A row that is shown
// because nothing else may come has propensity 1.
//
// What they are worth stands in each record, as [recsys.Exposure].Exploration: exact; estimated, with a standard error
// for each; or deterministic, for policies that explore by optimism and not by chance, whose logs no estimator can use.
//
// All explorers here are judges as well ([recsys.Judge]): they tell the propensities of any
// slate, which makes them target policies of off-policy evaluation. What Explore
// logs and what Propensities finds for the same slate are the same bits, on
// every machine.
//
// # Window
//
// The choice is among the first [recsys.Depth] rows of the order, by default 4 K; what lies
// below has propensity 0 and is never learned about. Explorers read the
// utility of rows ([recsys.Candidates.Utility]) or their order, never the score, so
// exploration does not undo a re-ranking.
//
// # Randomness
//
// All of it comes from the request's seed and the stage's name. The same
// request gives the same slate, so a record can be replayed. Renaming the
// stage draws other slates. (What a policy has learned decides as well; the draws of a shared posterior, [LinTS], are part of that.)
//
// # Policies that learn
//
// [New] makes a [Policy] of an [Algorithm]: it learns which arms earn rewards from feedback that comes late, out of order and doubled,
// and may be saved at any time.
//
//	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{Segment: "country"})
//	p, err := recsys.NewPipeline(…, recsys.Explore(policy), recsys.Log(sink)).Build()
//	…
//	err = p.Learn(ctx, feedback)
//
//	algorithm                  type                propensities     source
//	epsilon-greedy of means    MeanGreedy          exact            Auer et al. 2002
//	softmax of means           Boltzmann           exact            Sutton and Barto 2018
//	UCB1, discounted UCB       UCB1                deterministic    Auer et al. 2002, Garivier and Moulines 2011
//	KL-UCB                     KLUCB               deterministic    Garivier and Cappé 2011
//	sliding-window UCB         SlidingUCB          deterministic    Garivier and Moulines 2011
//	EXP3                       EXP3                exact            Auer et al. 2002
//	Thompson sampling          Thompson            exact to 1e-9    Thompson 1933, Agrawal and Goyal 2012
//	  of normal rewards        GaussianThompson    exact to 1e-9    Russo et al. 2018
//	  discounted               both, with Decay    exact to 1e-9    Raj and Kalyani 2017
//	top-two Thompson           TopTwo              exact to 1e-9    Russo 2016
//
// [Arms] is the same without a pipeline. [BestBeta] and [BestNormal] give the probability that an arm is the best, [NewMarginals] that of an
// item at a place of the slate; [GreedyDistribution], [SoftmaxDistribution], [BagDistribution], [MixUniform] and [MinProbability] make distributions over
// actions.
//
// # What is here without learning
//
//	algorithm                      type            propensity of row r among m        source
//	softmax without replacement    PlackettLuce    exp(u[r]/T) / Σ exp(u[j]/T)        Luce 1959, Plackett 1975
//	epsilon-greedy                 EpsilonGreedy   ε/m, and 1-ε more for the best     Watkins 1989
//	uniform                        Uniform         1/m                                –
//
// The m rows are those that are admissible at the place, u is their utility.
// [PlackettLucePropensities] gives the propensities of a slate over plain slices, without
// a pipeline.
//
// # Contextual policies and ensembles
//
// [LinUCB], [LinTS], [LogisticTS], [SquareCB] and [LinGreedy] are algorithms of a [Policy] that regress rewards on features, named in
// a [LinearModel]; names become columns at Build, and what the features were stays with the decision until its
// feedback has come. [Cascade] learns from slates that are looked at from the top. [Mixture] and [Bag] are explorers over
// explorers and over rankers.
//
//	algorithm                type                    propensity                             source
//	LinUCB                   LinUCB                  deterministic                          Li et al. 2010
//	linear Thompson          LinTS                   exact; shared θ: M draws               Agrawal and Goyal 2013
//	logistic Thompson        LogisticTS              exact of the Laplace approximation;    Chapelle and Li 2011
//	                                                 shared θ: M draws
//	SquareCB                 SquareCB                1/(m + γ·gap)                          Foster and Rakhlin 2020
//	its rule over a ranker   InverseGapWeighting     1/(m + γ·gap)                          Foster and Rakhlin 2020
//	ε-greedy, linear         LinGreedy               ε/m, and 1-ε more for the best         Langford and Zhang 2007
//	cascades                 Cascade{Of: …}          that of the algorithm                  Kveton et al. 2015, Zhong et al. 2021
//	bagging, bootstrap TS    Bag                     votes / members                        Bietti et al. 2021, Eckles and Kaptein 2019
//	several loggers          Mixture                 Σ share·P of the member                –
//
// Over plain slices, without a pipeline: [Ridge], [Logistic], [LinearArms], [Sampler], [CascadeSampler], [InverseGap], [Bootstrap].
//
// Package bandit/journal makes what a [Policy] decides and learns outlive the process. Package bandit/bandittest checks explorers, yours too, against the contract.
//
// # Logs that can be judged
//
// A policy that has learned hardly shows anything but its favourites, and its log says little of what any other
// policy would earn: weights are next to 0, but for a few that are huge or were never drawn. For logs that can be judged
// (metrics/ope/logged), serve a share of requests at random:
//
//	recsys.Explore(bandit.Mixture{Members: []bandit.Member{{Explorer: policy, Weight: 0.9}, {Explorer: bandit.Uniform{}, Weight: 0.1}}})
package bandit
