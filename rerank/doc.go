// Package rerank treats a list as a whole: what a ranker cannot do, since it scores
// each candidate alone. It holds re-rankers, which change the order and the
// utilities, and constraints, which are hard rules that hold through re-ranking,
// exploration and backfill.
//
//	recsys.Constrain(rerank.MaxPer("creator", 3)),
//	recsys.Constrain(rerank.Deny{Attribute: "rating", Values: []uint64{adult}}),
//	recsys.Constrain(rerank.Require("is-new", 2, 1)),
//	recsys.ReRank(rerank.Freshness{Column: "published", HalfLife: 24 * time.Hour}),
//	recsys.ReRank(rerank.DPP{Theta: 0.7, Vector: "embedding"}),
//
// Which to take: what must hold in the slate that is shown is a constraint; what
// is a matter of degree is a re-ranker. An explorer chooses by utility and may undo an
// order, never a constraint.
//
// Stages are plain structs. Their names of columns are resolved once, when a
// pipeline is built; used outside a pipeline they resolve them at each call, which is slower
// and, in a re-ranker, allocates. All are safe for concurrent use. Attributes are ID columns of
// items; where an item's attribute is unknown (its bit in [recsys.Candidates.Missing] is set), each
// type says what happens.
//
// Re-rankers read and write utility, not score, so that they chain: Freshness moves
// utilities, MMR then weighs the moved ones. Those that fill the top of the list place by place do it under the
// constraints of the pipeline, and deal the utilities that the list had out again along the new order.
//
// Nothing here keeps state but [ExposureLedger], which a pipeline logs to and [ExposureParity] reads.
//
// The algorithms are also there on plain slices, generic over float32 and float64: [SelectMMR], [SelectDPP], [SelectXQuAD],
// [SelectCalibrated], [SelectFair], [SelectInterleaved]; those refuse what is no number or no distribution, where stages, which must serve
// whatever features hold, count it as nothing.
//
//	algorithm                   type                cost: n rows, k places                  source
//	maximal marginal relevance  MMR, SelectMMR      O(n·k·d), by bounds far less            Carbonell and Goldstein, 1998
//	determinantal point process DPP, SelectDPP      O(n·k·(d+k)); a window w: O(n·k·(d+w²)) Chen, Zhang and Zhou, 2018
//	aspects covered             XQuAD, SelectXQuAD  O(n·k·Z) for Z aspects, by bounds less  Santos et al., 2010
//	aspects in proportion       Calibration, SelectCalibrated  O(n·k·A), A of an item       Steck, 2018
//	FA*IR                       Fair, SelectFair    O(n·k); a table O(k²·log k) once        Zehlike et al., 2017
//	exposure over requests      ExposureParity      O(n·k)                                  Biega et al., 2018; Morik et al., 2020
//	quotas by turns             Interleave, SelectInterleaved  O(n·k)                       Balinski and Young, 1982
//	the long tail               LongTail            O(n·k)                                  Abdollahpouri et al., 2019
//	exponential decay           Freshness           O(n log n)                              -
//	cap per attribute           MaxPer (Cap)        O(k) a pick, O(n) when a cap is full    -
//	exclusion                   Deny                O(n) a slate                            -
//	floor on a count            Require (Floor)     O(k) a pick, O(n) when it binds         -
//	floor on exposure           ExposureFloor       as Require; by position O(n) a pick     Singh and Joachims, 2018
//	distance in the slate       Spread (Gap)        O(n·gap) a pick                         -
package rerank
