package retrieval_test

import (
	"fmt"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

func ExampleNewInteractions() {
	x, err := retrieval.NewInteractions(retrieval.Records{
		Users:   []recsys.UserID{7, 3, 7, 7},
		Items:   []recsys.ItemID{900, 100, 500, 900},
		Weights: []float32{1, 2, 1, 4},
	}, retrieval.SumWeights)
	if err != nil {
		fmt.Println(err)
		return
	}
	for u, id := range x.Users() {
		items, weights := x.ByUser().Row(u)
		fmt.Println("user", id, "rows", items, "weights", weights)
	}
	fmt.Println("item rows stand for", x.Items())
	// Output:
	// user 3 rows [0] weights [2]
	// user 7 rows [1 2] weights [1 5]
	// item rows stand for [100 500 900]
}

func ExampleReadInteractions() {
	const ratings = `userId,movieId,rating,timestamp
1,50,4.5,964982703
1,6,4,964982224
2,50,3,1445714835
`
	x, err := retrieval.ReadInteractions(strings.NewReader(ratings), "ratings.csv", retrieval.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range x.History(0) {
		fmt.Println(e.Time.Format("2006-01-02 15:04"), "item", e.Item, "rated", e.Value)
	}

	_, err = retrieval.ReadInteractions(strings.NewReader("1 50 5\n1 6 -1\n"), "ratings.txt", retrieval.ReadOptions{})
	fmt.Println(err)
	// Output:
	// 2000-07-30 18:37 item 6 rated 4
	// 2000-07-30 18:45 item 50 rated 4.5
	// retrieval: ratings.txt:2: value "-1": want a finite number >= 0; drop such lines or map the scale
}

func ExampleReadLists() {
	x, err := retrieval.ReadLists(strings.NewReader("1 30 20 10\n2 20\n"), "train.txt", retrieval.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Leave one out: the last item of each user who has more than one.
	train, test, err := x.SplitLast(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for u, id := range x.Users() {
		fmt.Println("user", id, "has", train.HistoryLen(u), "to learn from and", test.HistoryLen(u), "to predict")
	}
	popular := x.ByItem()
	for i, id := range x.Items() {
		users, _ := popular.Row(i)
		fmt.Println("item", id, "was taken by", len(users))
	}
	// Output:
	// user 1 has 2 to learn from and 1 to predict
	// user 2 has 1 to learn from and 0 to predict
	// item 10 was taken by 1
	// item 20 was taken by 2
	// item 30 was taken by 1
}

func ExampleReadSessions() {
	x, err := retrieval.ReadSessions(strings.NewReader("5 6 5\n6 7\n"), "sessions.txt", retrieval.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for u, line := range x.Users() {
		fmt.Println("line", line, "has the item rows", x.AppendItemRows(nil, u), "of", x.Items())
	}
	// Output:
	// line 1 has the item rows [0 1 0] of [5 6 7]
	// line 2 has the item rows [1 2] of [5 6 7]
}
