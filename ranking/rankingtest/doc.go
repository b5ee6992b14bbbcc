// Package rankingtest checks that a ranker keeps the contract of [recsys.Ranker],
// and those of [recsys.HeadWriter] and [recsys.Binder] if it implements them.
//
//	func TestMyRanker(t *testing.T) {
//		rankingtest.Run(t, func(t *testing.T) recsys.Ranker { return MyRanker{} },
//			recsys.Column{Name: "price"}, recsys.Column{Name: "age"})
//	}
//
// The columns are those that the ranker reads. The suite fills tables with random
// values for them, complete and with gaps. Each case is one rule, quoted in what it
// reports. [Suite] has further settings and returns violations without a
// testing.T. Run it with -race: the case of concurrent calls then finds shared scratch.
//
// What the suite does not judge is whether the scores are any good.
//
// # Doubles
//
// [Slow], [Hanging], [Panicking], [Erroring], [NaN], [Half], [RowOrder] and
// [Mutating] are faulty rankers for tests of what surrounds a ranker: of fallbacks,
// budgets and alarms.
package rankingtest
