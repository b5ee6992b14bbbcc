// Package twotower learns vectors of users and items by two small networks whose inner
// product is the score: the model of large-scale retrieval, since the items' vectors are
// computed once and go into an index, and the user's for each request.
//
//	model, err := twotower.Train(ctx, interactions, twotower.Config{})
//	…
//	index, err := hnsw.New(hnsw.Config{}, model.Items(), model.Vectors())
//	…
//	source, err := nearest.New(index, nearest.Config{Vectors: model.UserVector})
//
// The model is a retriever itself, by an exact scan, good for some hundred thousand items.
//
// # The towers
//
// A user is the sum of the vector of the id, the pooled vectors of the items in the history,
// and what a network makes of both and of features; an item is the vector of its id
// and what a network makes of that and of features:
//
//	user = id + pool(history) + MLP(id, pool(history), features)
//	item = id + MLP(id, features)
//
// both of length 1 unless Config.Dot is set. Without features and hidden layers there is no
// MLP. Ids have vectors of their own, or share rows of a hashed table. In training the item
// to be predicted is not in the history, and the id may be hidden; so new users are served
// by their history from their first event, and items without interactions by their features.
//
// # The loss
//
// For each example of a batch, user u and item i, the softmax of s(u, j)/Temperature - log Q(j)
// over the candidates j is to choose i. Candidates are the items of the batch and draws
// from the catalogue. Popular items are in a batch more often than others; log Q, the
// probability that j is among the candidates, makes up for it, and comes from a streaming
// estimate of frequencies. Without that correction a model learns pointwise mutual
// information in place of probability (see Config.Debias).
//
// # Sources
//
// Covington, Adams and Sargin, RecSys 2016 (the pooled history, the softmax); Yi, Yang, Hong,
// Cheng, Heldt, Kumthekar, Zhao, Wei and Chi, RecSys 2019 (two towers, the in-batch softmax,
// its correction and the estimate); Yang, Yi, Cheng, Hong, Li, Wang, Xu and Chi, WWW 2020
// companion (mixed negatives).
//
// # When to choose it
//
// When there are features, when users and items come and go, when the catalogue is too large
// for item-to-item models. On ids alone, item-based and matrix models (itemknn, ease, als)
// are as good or better, and faster to train.
package twotower
