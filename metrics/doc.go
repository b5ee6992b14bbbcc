// Package metrics measures recommendations: how good a ranking is, how well
// predicted probabilities fit, and what the lists of all users do to the
// catalogue. It works on plain slices of float32 or float64 and knows neither
// items nor users, so it can be used alone.
//
//	gains := []float32{0, 1, 0, 1}             // by rank; the user has 3 relevant items
//	r := metrics.Recall(gains, 3, 20)          // 0.67
//	n := metrics.NDCGBinary(gains, 3, 20)      // 0.50
//	...
//	iv, err := metrics.Bootstrap{}.Mean(recall) // over users: mean, standard error, 95 % interval
//
// # Conventions
//
// A ranking is its gains: gains[i] is the gain of the item at rank i+1, and an
// item is relevant when its gain is above 0. A cutoff k <= 0 means no cutoff,
// and a cutoff beyond the end of the list is allowed.
//
// Ranking metrics are 0 for a user without relevant items, as in trec_eval.
// Whether such a user belongs in the mean is the caller's decision; in offline
// evaluation it usually does not. Other metrics are NaN where they are not
// defined (AUC of one class, diversity of one item), and a NaN among their
// inputs gives NaN. [Summarize] and [Bootstrap] leave NaN out of a mean and
// count it.
//
// Rankings have no ties: the caller decides on an order. Where a model leaves
// items tied, the order is chance, and a metric of one order is too; [TieGroups]
// and the Expected functions give the mean over all orders instead.
//
// All functions are pure, safe for concurrent use, and sum in float64. Slices
// of different lengths panic; bad values never do.
//
// MAP and MRR are means over users of [AveragePrecision] and [ReciprocalRank].
//
// # What is here
//
//	metric                        function                              source
//	hit rate, success             HitRate                               –
//	precision, recall             Precision, Recall                     –
//	R-precision                   RPrecision                            Buckley and Voorhees 2005
//	average precision, MAP        AveragePrecision                      Buckley and Voorhees 2005
//	reciprocal rank, MRR          ReciprocalRank                        Voorhees 1999
//	interpolated precision        InterpolatedPrecision                 Manning et al. 2008
//	bpref                         BPref                                 Buckley and Voorhees 2004
//	DCG, NDCG, linear gain        DCG, NDCG, NDCGBinary                 Järvelin and Kekäläinen 2002
//	NDCG, gain 2^g-1              NDCGExp, ExpGains                     Burges et al. 2005
//	rank-biased precision         RBP                                   Moffat and Zobel 2008
//	expected reciprocal rank      ERR                                   Chapelle et al. 2009
//	means over orders of ties     TieGroups, TieGroupsAt, Expected…     McSherry and Najork 2008
//	area under the ROC curve      AUC                                   Hanley and McNeil 1982
//	grouped AUC                   GAUC                                  Zhu et al. 2017
//	area under precision-recall   PRAUC                                 Davis and Goadrich 2006
//	log loss                      LogLoss                               –
//	Brier score, RMSE             Brier, RMSE                           Brier 1950
//	expected calibration error    ECE                                   Naeini et al. 2015, Guo et al. 2017
//	catalogue coverage            Coverage                              Herlocker et al. 2004
//	Gini index, Lorenz curve      Gini, Lorenz                          Gini 1912, Lorenz 1905
//	entropy of exposure           Entropy                               Shannon 1948
//	novelty                       Novelty                               Zhou et al. 2010
//	intra-list diversity          IntraListDiversity, CosineDistance    Smyth and McClave 2001, Ziegler et al. 2005
//	mean over users               Summarize, Accumulator                Welford 1962
//	intervals, paired difference  Bootstrap                             Efron and Tibshirani 1993
package metrics
