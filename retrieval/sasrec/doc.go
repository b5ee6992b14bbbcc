// Package sasrec learns what comes next from the order of what came before: self-attentive
// sequential recommendation, of Kang and McAuley (ICDM 2018).
//
//	model, err := sasrec.Train(ctx, interactions, sasrec.Config{})
//	…
//	p, err := recsys.NewPipeline(recsys.Retrieve("next", model, recsys.Quota(200)), …).Build()
//
// The newest events of a request, each the vector of its item plus that of its place counted
// from the newest, go through a small Transformer in which an event sees itself and those
// before it. What comes out at the newest event is the vector of the user, and its inner
// product with the vector of an item is the score. Nothing is stored of users, so that one who
// arrived a second ago is served like any other, and whatever an event changes shows in the
// next request.
//
// [Train] learns vectors and network, on CPU, by the cross-entropy against sampled items, or by
// the binary cross-entropies of SASRec and gSASRec. [LoadCheckpoint] reads what S3-Rec, ICLRec
// and their kin learned in PyTorch. Layers, their gradients and the optimizer are this
// module's own.
//
// # When to choose it
//
// Where order matters and there are some hundred thousand events or more. On less, and where
// the next item mostly depends on the last one, counting transitions (a Markov chain) is as
// good or better and takes a second; the two blend well, since they err differently. For
// users whose taste changes slowly, item-based and factor models do as well without order.
// Where sequences are short and most items rare, set Architecture.Temperature, to 0.07, and one
// layer will do.
//
// # Sources
//
// Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018. Petrov and
// Macdonald, "gSASRec", RecSys 2023. Klenitskiy and Vasilev, "Turning Dross Into Gold Loss",
// RecSys 2023. Gupta et al., "NISER", 2019 (scores as cosines). Deviations: places are counted
// from the newest event, as left padding does, and nothing is padded; feed-forward networks have
// a width of their own; negatives are shared by the events of a step; rows of items that a step
// does not touch keep their moments (lazy Adam); the model is a mean over the steps of the last
// epoch.
package sasrec
