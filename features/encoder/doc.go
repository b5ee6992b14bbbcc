// Package encoder turns the columns that are known of items and users into those that a model can use: IDs into buckets,
// counts into logarithms and rates, times into points on a circle, lists into vectors.
//
// A [Set] is the one definition of such columns, for training and for serving:
//
//	set, err := encoder.NewSet(encoder.Config{
//		Inputs: []recsys.Column{
//			{Name: "price"}, {Name: "clicks.7d"}, {Name: "shown.7d"}, {Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest},
//			{Name: "creator", Kind: recsys.ID},
//		},
//		Steps: []encoder.Step{
//			{Name: "price.log", From: []string{"price"}, Encoder: encoder.Log1p{}},
//			{Name: "ctr.7d", From: []string{"clicks.7d", "shown.7d"}, Encoder: encoder.Rate{}},
//			{Name: "price.level", From: []string{"price"}, Encoder: encoder.Buckets{Count: 20}},
//			{Name: "country×level", From: []string{"country", "price.level"}, Encoder: encoder.Cross{Buckets: 1 << 18}},
//			{Name: "hour", Encoder: encoder.Cyclic{}},
//		},
//	})
//	…
//	set, err = set.Fit(ctx, encoder.One(rows), encoder.FitConfig{}) // the rate's prior, the levels' boundaries
//	err = set.Apply(ctx, train, rows)                               // offline
//	err = set.Save("encoders.bin")                                  // beside the model
//	…
//	p, err := recsys.NewPipeline(…, recsys.Features(store), recsys.Features(set), recsys.Rank(model), …).Build()
//
// Offline and at serving the same values give the same bits, on every processor: both run the same code, which uses no
// function whose result differs between machines. Without a fitted parameter nothing serves ([ErrUnfitted]); with another one it is
// another set, which [Set.Hash] tells. A set with a name is a feature view: a model that declares that it was trained on it
// ([recsys.ViewUser]) is not built into a pipeline with another version of it.
//
// # Values
//
// An encoder is a function of values, with no thought of where they come from. A missing value is what the table has for it: NaN, or
// the column's default; ID 0; a vector of zeros. Each encoder says what it makes of them, and of ±Inf. No number comes out infinite.
// [Set.Stats] counts what was out of the ordinary, by step.
//
// A step whose inputs all describe the request (scope PerRequest) is computed once for it.
//
// # Lists
//
// Tables have columns of fixed width, so a list of IDs has a fixed number of places, some of them empty:
//
//   - ID columns NAME.0, NAME.1, … ([List] declares them), in which 0 is an empty place. Every ID but 0 can stand in them, hashes too, and an item
//     that the store does not know has an empty list, since a missing ID is 0.
//   - one Vector column that holds id+1 in each used place, and 0 in the others, for IDs below 2^24 - 1 (those of a vocabulary),
//     which a float32 tells exactly. It takes half the memory, and a missing one is empty as well, since a missing vector is all zeros.
//
// A kind of its own for lists would make rows differ in length, which the table, the store and every file format would have to know.
//
// # Encoders
//
//	encoder    reads                  writes        cost of a row        fitted
//	Hash       ID                     ID            O(1)                 –
//	Cross      2 to 8 IDs             ID            O(IDs)               –
//	Buckets    Float                  ID            O(log boundaries)    quantiles
//	Log1p      Float or Vector        the same      O(dim)               –
//	Standard   Float or Vector        the same      O(dim)               mean and deviation
//	MinMax     Float or Vector        the same      O(dim)               least and greatest
//	Robust     Float or Vector        the same      O(dim)               quartiles
//	OneHot     ID                     Vector        O(dim)               most frequent IDs
//	MultiHot   list                   Vector        O(dim + places)      most frequent IDs
//	Cyclic     the time, or ID        2 Floats      O(1)                 –
//	Rate       2 Floats               Float         O(1)                 Beta prior
//	Embedding  ID                     Vector        O(dim)               –
//	Pooling    list, weights          Vector        O(dim · places)      –
//
// # What it does not do
//
// It counts no labels: means of labels by ID, out of fold, are package ranking/encode. It keeps no windows over events. It learns no
// embeddings; a [Table] takes those of a model. Text is hashed at the edge ([recsys.HashID]) or has IDs of a vocabulary.
package encoder
