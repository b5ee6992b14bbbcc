package retrieval

import "github.com/recsyskit/recsys"

// What this package implements, under the names that its readers look for. The root package
// owns them.
type (
	// Retriever is [recsys.Retriever].
	Retriever = recsys.Retriever
	// RetrieverFunc is [recsys.RetrieverFunc].
	RetrieverFunc = recsys.RetrieverFunc
	// ItemScorer is [recsys.ItemScorer].
	ItemScorer = recsys.ItemScorer
	// Query is [recsys.Query].
	Query = recsys.Query
	// Sink is [recsys.Sink].
	Sink = recsys.Sink
)
