package itemitem

import "github.com/recsyskit/recsys/retrieval"

// Bytes returns an upper estimate of the bytes that training takes which computes a [Product] of
// the interactions, with weights of its own, keeps so many entries per row, and holds the result as
// many times as copies says. It takes time O(interactions).
func Bytes(in *retrieval.Interactions, keep, workers, copies int) int64 {
	byUser, byItem, n := in.ByUser(), in.ByItem(), in.NumItems()
	entries := int64(0)
	for i := range n {
		most := int64(min(keep, n-1)) // of the row
		met := int64(0)               // items of its users, itself left out
		users, _ := byItem.Row(i)
		for _, u := range users {
			if met += byUser.Start[u+1] - byUser.Start[u] - 1; met >= most {
				met = most
				break
			}
		}
		entries += met
	}
	const perItem = 24 + 2*8 + 8 // of the model, starts, norms
	const perWorker = 4 + 2*4 + 8
	return 8*int64(copies)*entries + 2*4*int64(in.Len()) + int64(n)*(perItem+perWorker*int64(workers))
}
