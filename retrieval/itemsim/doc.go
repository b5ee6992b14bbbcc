// Package itemsim serves weights from items to items: history in, candidates out. It
// is the one model of all trainers that learn such weights, whatever they call them:
// similarities (package itemknn), transition probabilities (walk), regression coefficients
// (slim, ease), a filter on the graph of items (gfcf).
//
//	model, err := itemknn.Train(ctx, interactions, itemknn.Config{})
//	…
//	p, err := recsys.NewPipeline(recsys.Retrieve("itemknn", model, recsys.Quota(300))).Build()
//	…
//	err = model.Save("model.itemsim") // and itemsim.Load, whoever trained it
//
// The score of item j for a history of items i with weights h_i is
//
//	Σ_i d(h_i) W_ij
//
// where W_ij is the weight from i to j, positive when i speaks for j and negative when it
// speaks against, and d is the [Damping] that the trainer asks for. h_i is what
// [retrieval.History] makes of the events with i. The user's ID plays no part: a user of
// whom nothing is known but two events is served as well as one that was there in training,
// and a new event counts at once.
//
// A model explains itself: [Model.Explain] takes a score apart by the items of the history,
// [Model.Neighbors] lists what an item proposes. [Model.WithItems] gives items, new ones too,
// other weights without training again. [New] makes a model of sparse weights from anywhere,
// [FromDense] one of a weight for every pair of items.
//
// # Cost
//
// A request takes time in proportion to the weights of its history's items, 1 to 2 ns each,
// and borrows 4 bytes per item of the model. Memory is 8 bytes per weight and about 60 per
// item. [Dense] weights take 2 bytes per pair of items, and a request as long as each of its
// history's items takes to pass over a weight for every item.
package itemsim
