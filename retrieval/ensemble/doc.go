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
//  2. Weights: coordinate search on the metric itself (NDCG or recall at K), each coordinate
//     over a geometric grid and then by golden section. The metric is a step function of the
//     weights with no useful gradient, there are few of them, and a pass over the cached
//     scores takes milliseconds; a weight is zero where no other value is better.
//  3. Check: a part of the cases takes no part in 1 and 2. Where equal weights, or one source
//     alone, are better on it by more than two standard errors of the difference, or equal
//     quotas find more, they are kept in place of what was learned, and [Report] says so.
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
