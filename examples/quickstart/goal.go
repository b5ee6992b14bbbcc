package main

// labels says which acts make the labels of the ranker's heads, goal what the slate is
// ranked for. Both would be files in a service.
var (
	labels = []byte(`{
  "name": "quick start", "version": "1",
  "heads": [
    {"head": "click", "rules": [
      {"kind": "click", "label": 1},
      {"kind": "impression", "label": 0}
    ]},
    {"head": "long-dwell", "rules": [
      {"kind": "dwell", "at_least": 3, "label": 1},
      {"kind": "impression", "label": 0}
    ]}
  ]
}`)
	goal = []byte(`{
  "name": "quick start", "version": "1", "form": "sum",
  "terms": [
    {"head": "click", "weight": 1},
    {"head": "long-dwell", "weight": 0.2}
  ]
}`)
)
