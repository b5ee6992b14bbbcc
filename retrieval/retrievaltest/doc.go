// Package retrievaltest checks retrievers against the contract that [recsys.Retriever]
// states, vector indexes, and models of collaborative filtering against a data set whose answer is known.
// It also holds faulty retrievers for tests of what surrounds them.
//
//	func TestConformance(t *testing.T) {
//		retrievaltest.Run(t, func(t *testing.T) recsys.Retriever { return trained(t) },
//			recsys.Request{User: 7, History: []recsys.Event{{Item: 1}, {Item: 5}}})
//	}
//
// [Run] makes a subtest of each rule and quotes it where it is broken; [Suite].Check returns
// the violations instead, and [Suite] has the settings: the requests, the columns of the
// request row that the retriever reads, whether it waits for something.
//
// [IndexSuite] does the same for vector indexes, against the contract that
// [retrieval.Index] states:
//
//	func TestConformance(t *testing.T) {
//		retrievaltest.IndexSuite{Recall: 0.95, Mutable: true, Open: open}.Run(t, build)
//	}
//
// [Exact] is an index in its shortest form: what the suite compares with.
//
// [Checkerboard] is for models that learn from interactions.
//
// The suites call concurrently on purpose: run them with -race.
package retrievaltest
