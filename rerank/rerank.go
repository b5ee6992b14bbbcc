package rerank

import "github.com/recsyskit/recsys"

// The interfaces of this stage belong to package recsys; these are their second door.
type (
	// ReRanker changes the order of a list as a whole.
	ReRanker = recsys.ReRanker
	// ReRankerFunc adapts a function to [ReRanker].
	ReRankerFunc = recsys.ReRankerFunc
	// Constraint is a hard rule on slates.
	Constraint = recsys.Constraint
	// ConstraintFunc adapts a function to [Constraint].
	ConstraintFunc = recsys.ConstraintFunc
	// Hereditary is implemented by constraints that never re-admit a row.
	Hereditary = recsys.Hereditary
)
