package objective_test

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/objective"
)

func ExampleNew() {
	o, err := objective.New(objective.Config{
		Name:    "home feed",
		Version: "3",
		Terms: []objective.Term{
			{Head: "click", Weight: 1, Nonnegative: true},
			{Head: "hide", Weight: -4},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	scores := make([]float32, 2)
	heads := []float32{
		0.30, 0.01, // item 0: click, hide
		0.40, 0.05, // item 1
	}
	if err := o.Score(scores, heads); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v %.2f\n", o.Heads(), scores)
	// Output: [click hide] [0.26 0.20]
}

func ExampleParse() {
	_, err := objective.Parse("home.json", []byte(`{
		"name": "home feed",
		"version": "3",
		"terms": [
			{"head": "click", "wieght": 1}
		]
	}`))
	fmt.Println(err)
	// Output: objective: home.json:5: terms[0]: unknown field "wieght"
}

// One line maps the feedback of the log to what a labeler reads.
func ExampleLabelsOf() {
	rules, err := objective.StandardLabels(30, 5, 0.1)
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := objective.NewLabeler(rules)
	if err != nil {
		fmt.Println(err)
		return
	}
	feedback := []recsys.Feedback{
		{Kind: recsys.Impression},
		{Kind: recsys.Click},
		{Kind: recsys.Dwell, Value: 3},
	}
	labels := make([]float32, len(l.Heads()))
	err = objective.LabelsOf(l, labels, feedback, func(f recsys.Feedback) objective.Event {
		return objective.Event{Kind: f.Kind.String(), Value: float64(f.Value)}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, head := range l.Heads() {
		fmt.Println(head, labels[i])
	}
	// Output:
	// click 1
	// long-dwell 0.1
	// purchase 0
	// value 0
	// skip 0
	// hide 0
}

func ExampleLabeler_LabelRows() {
	l, err := objective.ParseLabeler("labels.json", []byte(`{
		"name": "clicks", "version": "1",
		"heads": [{"head": "click", "rules": [
			{"kind": "click", "label": 1},
			{"kind": "impression", "label": 0}
		]}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	events := []objective.Event{{Kind: "impression"}, {Kind: "click"}, {Kind: "impression"}}
	labels := make([]float32, 3)
	fmt.Println(l.LabelRows(labels, events, []int{0, 2, 3, 3}), labels)
	// Output: <nil> [1 0 NaN]
}
