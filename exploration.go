package recsys

import "fmt"

// Exploration says what the propensities of an explorer are worth to an off-policy
// estimator. An explorer declares it by [ExplorationKinder]; it stands in the record of
// every slate as [Exposure].Exploration.
type Exploration uint8

const (
	// ExplorationExact means that logged propensities are the probabilities, up to rounding. It is
	// the zero value: explorers that declare nothing, and records older than the field, count as exact.
	ExplorationExact Exploration = iota

	// ExplorationEstimated means that propensities are estimates, each with a standard
	// error; see [Slate.PickEstimated].
	ExplorationEstimated

	// ExplorationDeterministic means that the slate follows from the explorer's state and the request, but
	// for ties: whatever else could have been shown had probability 0. The propensities are right, yet the log has
	// no support for another policy, and estimators refuse it. The greedy slate of a pipeline
	// without explorer is of this kind too.
	ExplorationDeterministic
)

// String returns "exact", "estimated" or "deterministic".
func (e Exploration) String() string {
	switch e {
	case ExplorationEstimated:
		return "estimated"
	case ExplorationDeterministic:
		return "deterministic"
	}
	return "exact"
}

// ExplorationKinder is implemented by an [Explorer] whose propensities are not simply exact.
// The answer is a constant of the bound explorer. Of a [Wrapper] that does not answer, the explorer within is asked.
type ExplorationKinder interface{ Exploration() Exploration }

// explorationOf returns what e declares, exact if nothing. The error is a panic of it, or an unknown kind.
func explorationOf(e Explorer) (kind Exploration, err error) {
	defer catch(&err)
	k, ok, err := ability[ExplorationKinder](e)
	if !ok {
		return ExplorationExact, err
	}
	if kind = k.Exploration(); kind > ExplorationDeterministic {
		return kind, fmt.Errorf("%T.Exploration returned %d; want exact, estimated or deterministic", e, uint8(kind))
	}
	return kind, nil
}
