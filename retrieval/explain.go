package retrieval

import "github.com/recsyskit/recsys"

// Contribution is what an item of the history adds to the score of another.
type Contribution struct {
	Item  recsys.ItemID
	Score float32 // below 0 where the item speaks against the other
}

// Explainer is implemented by retrievers whose score is a sum over the items of the history.
type Explainer interface {
	// Explain appends to dst what each item of the request's history adds to the score of an
	// item, the largest first, ties by ID, and returns it. Together they make the score that
	// ScoreItems gives, but for rounding. Nothing is appended for an item that the retriever
	// does not know, or for a request without a history that it knows. It allocates only to
	// grow dst.
	Explain(dst []Contribution, q *recsys.Query, item recsys.ItemID) ([]Contribution, error)
}
