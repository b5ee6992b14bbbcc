// Package ensemble blends retrievers: how many candidates each source may propose and how
// much its score counts are learned on validation data, and what each source adds to the
// others is reported, so that a team sees which one earns its latency.
//
//	blend, err := ensemble.Learn(ctx, []ensemble.Source{
//		{Name: "als", Retriever: factors},
//		{Name: "rp3beta", Retriever: walk},
//		{Name: "popular", Retriever: popular},
//	}, cases, ensemble.Config{Budget: 300, Clock: time.Now})
//	…
//	fmt.Print(blend.Report())
//	pipeline := recsys.NewPipeline(recsys.Retrieve("blend", blend, recsys.Quota(300)), …)
//
// # Serving
//
// Each source proposes up to its quota of candidates; together, without doubles, they are the
// pool of the request. Every source that is a [recsys.ItemScorer] scores the whole pool, so
// that a candidate counts with all sources and not only with those that found it. The score of
// an item i for a request is
//
//	Σ_s weight_s × score_s(i) / σ_s
//
// with σ_s the standard deviation of the source's scores over the pool: z-scores within the
// request, but for their mean, which is the same for all candidates and would only hide that
// 0 means nothing is known. Scores of sources have different units, and those of one source
// differ from request to request (a sum over a long history is larger than one over a short
// history); dividing by the spread of the request makes both comparable. Ranks would as well,
// but they throw the margins away and cannot tell apart the items below the lists, which
// sampled protocols rank; the largest score of a list is one number, and the spread an average
// over many.
//
// # Learning
//
// [Learn] asks every source for every case, a request whose answer is known:
//
//  1. Quotas: step by step, the source with the most recall per further candidate gets more,
//     until the budget is spent or nobody finds anything more. (Greedy maximisation of
//     coverage: Nemhauser, Wolsey and Fisher, Mathematical Programming 1978, section 4, in the
//     form for costs of Khuller, Moss and Naor, Information Processing Letters 1999.) From there,
//     from one source alone and from equal quotas, candidates are then moved from one source to
//     another while that finds more.
//  2. Weights, of four forms, the simplest first: one source alone; equal weights; those under
//     which the answers are most probable, by the conditional logit of McFadden (Frontiers in
//     Econometrics, 1974), a concave function of the weights; and those that a coordinate search
//     from there finds best by the metric itself (NDCG, recall or hits at K), which is a step
//     function of them. A weight that is worth next to nothing becomes zero.
//  3. Choice: the cases fall into folds. Quotas and weights are learned without each fold and
//     judged on it, so that every case is judged by what it had no part in. The blend has the
//     simplest form that is not worse than the best by more than one standard error of the
//     difference (the rule of Breiman, Friedman, Olshen and Stone, Classification and Regression
//     Trees, 1984, section 3.4.3), learned again from all cases: a source must prove that it is
//     worth its calls, and a search that it did not learn the cases by heart. Equal quotas are
//     kept where they find more. [Report] has the figures of all forms.
//
// The pools that the folds rank are those of the quotas from all cases, the same for all forms.
//
// The sources must not have seen the answers: train them on what is left when the answers are
// taken out, learn the blend, train them again on everything, and hand the new models to
// [Ensemble.With].
//
// # Or in the pipeline
//
// A pipeline merges the lists of its sources by itself. It calls them with deadlines, goes on
// without those that fail, and records which proposed what; an ensemble is one source, which
// fails when one of its own does. [Ensemble.Options] gives a pipeline the learned quotas, and
// weights that were learned for its own merge.
package ensemble
