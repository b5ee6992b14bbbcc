package logged

import (
	"github.com/recsyskit/recsys"
)

// Reward returns what a place of a slate earned: x.Rows[place], with the feedback on it in order
// of time, empty when nothing came. It must be finite.
type Reward func(x *recsys.Exposure, place int, feedback []recsys.Feedback) float64

// Any returns the reward that is 1 when the user acted in that kind, however often, else 0.
func Any(kind recsys.EventKind) Reward {
	return func(_ *recsys.Exposure, _ int, feedback []recsys.Feedback) float64 {
		for i := range feedback {
			if feedback[i].Kind == kind {
				return 1
			}
		}
		return 0
	}
}

// Sum returns the reward that is the sum of [recsys.Feedback].Value over the acts of the kind:
// seconds of dwell, prices of purchases.
func Sum(kind recsys.EventKind) Reward {
	return func(_ *recsys.Exposure, _ int, feedback []recsys.Feedback) float64 {
		var total float64
		for i := range feedback {
			if feedback[i].Kind == kind {
				total += float64(feedback[i].Value)
			}
		}
		return total
	}
}
