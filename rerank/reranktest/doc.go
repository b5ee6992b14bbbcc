// Package reranktest checks re-rankers and constraints against the contracts that
// package recsys states, and holds faulty ones for tests of what surrounds them.
//
//	func TestConformance(t *testing.T) {
//		reranktest.Run(t, func(t *testing.T) recsys.ReRanker { return rerank.MMR{Lambda: 0.5} }, reranktest.Greedy())
//	}
//
// [Run] and [RunConstraint] run one subtest per rule and quote the rule where it is
// broken. [Check] and [CheckConstraint] return the violations instead. The stage is bound, if it is a
// Binder, to tables with the columns of [Columns], or of [WithColumns].
//
// The suites call concurrently on purpose: run them with -race.
//
// A rule that only the stage's author knows cannot be checked from the contract alone: what a
// constraint forbids is told by [Rule], and its claim to be hereditary can only be judged then.
package reranktest
