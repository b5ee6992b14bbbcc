// Package content makes vectors of items from what they are: words, tags, categories,
// numbers. Items that nobody has taken yet have them too.
//
//	model, err := content.Train(ctx, items, descriptions, content.Config{
//		Bags:    []content.Field{{Name: "title"}, {Name: "genre", Weight: 2}},
//		Numbers: []content.Field{{Name: "year"}},
//	})
//	…
//	index, err := flat.New(flat.Config{}, model.Items(), model.Vectors())
//	…
//	source, err := nearest.New(index, nearest.Config{})
//
// Package nearest makes the profile of a user: the sum of the vectors of the items in the
// history (Pazzani and Billsus, The Adaptive Web 2007, section 10.4), or of the anchors of an
// item page. An item that is published later is embedded by [Model.Embed] and inserted.
//
// # Vectors
//
// A term of a bag weighs (1 + ln count) × ln((1 + items) / (1 + items with it)), tf-idf in the
// forms of Salton and Buckley (1988); the weights of a bag have length 1. A number is coded by
// its place p among those of all items, so that two of them have the product 1 - 2|p - p'|,
// whatever their unit and however skewed (the piecewise linear code of Gorishniy et al.,
// NeurIPS 2022, section 3.2, with signs). Each field counts by its weight, and what an item
// lacks counts nothing. So the cosine of two items is the mean similarity of their fields.
//
// All this is projected to Config.Dim dimensions by random signs, of which each term has 16
// (Kane and Nelson, J. ACM 2014, the block construction): products keep their value, but for
// an error of about 1/√Dim. That was chosen over a truncated decomposition because it knows
// every term without having met it: an item with new words needs no new training, a
// vocabulary takes no memory beyond its frequencies, and embedding takes microseconds. What it
// does not do is find that two words mean the same. [Model.Onto] does, where there is
// behaviour to learn it from: it maps the vectors into the space of another model.
package content
