// Package itemknn proposes items by their similarity to what the user took before: two items
// are similar when the same users take both. It is the baseline that many neural models do
// not reach, trains in seconds, explains itself, and serves a user of whom nothing is known
// but two events.
//
//	model, err := itemknn.Train(ctx, interactions, itemknn.Config{Neighbors: 200, Shrinkage: 100})
//	...
//	p, err := recsys.NewPipeline(recsys.Retrieve("itemknn", model, recsys.Quota(300))).Build()
//
// The score of item j for a history of events with items i and weights h is
//
//	Σ_i w(h_i) sim(i, j),  sim(i, j) = Σ_u w_ui w_uj / (|w_i|^(2-2α) |w_j|^(2α) + shrinkage)
//
// where w weighs an interaction by [TFIDF], [BM25] or not at all ([Cosine]), w_i holds the
// weighted interactions of item i, α = 1/2 is the cosine, and only the largest similarities
// are kept, [PerTarget] or [PerSource].
//
// The model is an [itemsim.Model], which serves, explains, is updated and saved. On an item
// page, where there is an anchor and perhaps no history, the anchor is the history. Between two
// trainings [Update] computes the neighbours of items that have new interactions, or are new.
//
// # Sources
//
// The idea: Sarwar, Karypis, Konstan and Riedl, WWW 2001; Linden, Smith and York, IEEE
// Internet Computing 2003; Deshpande and Karypis, TOIS 2004. The similarity, its weightings
// and its shrinkage are those of Ferrari Dacrema, Boglio, Cremonesi and Jannach, TOIS 2021,
// whose published figures the golden test of examples/cf reproduces. It differs in two
// points: what scales all scores of a request alike, a user's inverse document frequency and
// the K1+1 of BM25, is left out at serving; and the frequency is ln((1 + items) / (1 + items of u)) in place of
// ln(items / (1 + items of u)), which is below 0 for a user who took every item and leaves
// nothing of a catalogue of three.
package itemknn
