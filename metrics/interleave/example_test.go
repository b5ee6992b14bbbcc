package interleave_test

import (
	"fmt"

	"github.com/recsyskit/recsys/metrics/interleave"
)

func ExampleTeamDraft() {
	current, candidate := []string{"a", "b", "c", "d"}, []string{"b", "e", "a", "f"}
	draft := interleave.TeamDraft(current, candidate, 4, 1)
	fmt.Println(draft.List, draft.Teams)
	credit, err := interleave.TeamCredit(draft.Teams, []float64{0, 0, 1, 0})
	fmt.Println(credit, credit.Preference(), err)
	// Output:
	// [b a c e] [B A A B]
	// {1 0} -1 <nil>
}

func ExampleTeamDraftBits() {
	draft, err := interleave.TeamDraftBits([]int{1, 2, 3}, []int{2, 4, 1}, 4, []byte{1, 0})
	fmt.Println(draft.List, draft.Teams, err)
	// Output:
	// [2 1 3 4] [B A A B] <nil>
}

func ExampleBalancedCredit() {
	a, b := []string{"a", "b", "c", "d"}, []string{"b", "e", "a", "f"}
	list := interleave.Balanced(a, b, 4, interleave.A)
	credit, err := interleave.BalancedCredit(list, a, b, []float64{1, 0, 0, 0})
	fmt.Println(list, credit, err)
	// Output:
	// [a b e c] {1 0} <nil>
}

func ExampleExperiment() {
	var e interleave.Experiment
	for user := range uint64(100) {
		credit := interleave.Credit{A: 1, B: 3} // as of TeamCredit
		if user%4 == 0 {
			credit = interleave.Credit{A: 1}
		}
		if err := e.Add(user, credit); err != nil {
			fmt.Println(err)
			return
		}
	}
	r := e.Result()
	fmt.Printf("%d to %d, lift %+.2f, p %.1g; share %+.3f, p %.1g\n", r.WinsB, r.WinsA, r.Lift, r.SignP, r.Share.Mean, r.Share.P)
	// Output:
	// 75 to 25, lift +0.25, p 6e-07; share +0.125, p 0.06
}
