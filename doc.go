// Package recsys is a library for production recommenders: candidate retrieval,
// feature hydration, ranking, an explicit objective, re-ranking, exploration under
// constraints and a log from which every served slate can be judged afterwards.
//
// A service wires stages into a [Pipeline] and serves:
//
//	p, err := recsys.NewPipeline(
//		recsys.Retrieve("similar", knn, recsys.Quota(400)),
//		recsys.Retrieve("search", remote, recsys.Quota(200), recsys.Remote(15*time.Millisecond)),
//		recsys.Retrieve("popular", popular, recsys.AsFallback()),
//		recsys.Features(store),
//		recsys.Rank(model),
//		recsys.Score(objective),
//		recsys.Constrain(rerank.MaxPer("creator", 3)),
//		recsys.Explore(bandit.PlackettLuce(0.05)),
//		recsys.Log(sink),
//	).Build()
//	…
//	res, err := p.Recommend(ctx, &recsys.Request{ID: "r1", User: 7, K: 20, History: events})
//
// # The funnel
//
// Stages run in one order, whatever the order of the options: the request row (user and
// context features) → [Retriever] → merge → [FeatureSource] → [Filter] → [Ranker] → [Objective]
// → [ReRanker] → selection by an [Explorer] under each [Constraint] → [ExposureSink] → [Observer].
// Each stage is a small interface with a Func adapter; its contract stands in its doc
// comment, and a conformance suite (retrieval/retrievaltest, features/featurestest, …)
// checks an implementation. What a stage can do beyond its interface, it says by further
// small interfaces: [Binder], [HeadWriter], [Versioned], [Validator], [ItemScorer], [Judge], [Learner].
//
// # Names are resolved once
//
// Items, users and features are integers and columns on the hot path. Feature sources
// declare a [Column] for all they write; stages that read by name are bound to the
// [Schema] when the pipeline is built. Build reports every mistake at once: a feature
// that nobody writes, a head named twice, budgets that do not fit.
//
// # What the pipeline promises
//
// Partial failure is an answer: a stage that fails, panics or overruns its budget is
// replaced as declared, and [Result].Degraded says so. Stages run on the request's
// goroutine unless they are marked [Remote]; a late remote stage can never touch an answer.
//
// The same request, seed, clock and models give the same slate. Randomness derives from
// [Request].Seed and the stage's name, time from [Request].Now.
//
// Every place of the slate carries its exact propensity. The [Exposure] record holds
// features as served, versions and arms; a [LogFull] record, and only that, can be answered again
// to the bit ([Pipeline.Replay]) and judged under another pipeline ([Pipeline.Propensities]).
//
// A pipeline is immutable; [Live] swaps one for another under load. RecommendInto
// allocates nothing in steady state when all stages run in process.
//
// # Conventions
//
// Matrices are row-major. Higher scores are better; ties break by the smaller item ID;
// NaN scores sort last and are counted. A missing float is NaN, or its column's default, and
// its row's Missing bit is set. Slices that stages receive are the pipeline's and are
// valid until the call returns. Read paths are safe for concurrent use.
//
// What this package does not do: it trains no models, keeps no data and imports no stage.
// The packages retrieval, features, ranking, objective, rerank, bandit and metrics do.
package recsys
