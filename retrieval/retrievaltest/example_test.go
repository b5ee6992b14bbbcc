package retrievaltest_test

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

func ExampleSuite_Check() {
	doubling := func() recsys.Retriever { return retrievaltest.Duplicating{} }
	for _, v := range (retrievaltest.Suite{}).Check(doubling) {
		fmt.Println(v)
		break
	}
	// Output:
	// distinct: user 1: item 1 is proposed twice
	// 	rule: Doubles take room and are merged later: a retriever that proposes an item twice wastes its quota.
}
