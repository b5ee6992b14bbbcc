package bandittest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit/bandittest"
)

// smallTable has five rows, of which no two of the same parity may follow each other if rules are on.
func smallTable(rules bool) func() (*recsys.Candidates, []int32) {
	return func() (*recsys.Candidates, []int32) {
		c := recsys.NewCandidates(nil, []recsys.ItemID{1, 2, 3, 4, 5})
		copy(c.Utility(), []float32{1, 0.8, 0.5, 0.3, 0})
		if rules {
			c.Constrain(recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, slate []int32, ok recsys.Bits) {
				for i := range c.Len() {
					if len(slate) > 0 && i%2 == int(slate[len(slate)-1])%2 {
						ok.Clear(i)
					}
				}
			}))
		}
		return c, []int32{0, 1, 2, 3, 4}
	}
}

func TestDrawsPassWhatIsRight(t *testing.T) {
	for _, rules := range []bool{false, true} {
		bandittest.Draws{Table: smallTable(rules), Places: 3, N: 30_000}.Run(t, correct())
		bandittest.Draws{Table: smallTable(rules), Places: 3, N: 30_000}.Run(t, estimating(1.02, 0.01))
	}
}

func TestDrawsFindWhatIsWrong(t *testing.T) {
	d := bandittest.Draws{Table: smallTable(true), Places: 3, N: 30_000}
	for name, e := range map[string]recsys.Explorer{
		"uniform draws":                 drawsUniformly(),
		"another temperature":           logsTemperature(temperature * 1.1),
		"noise":                         noisyLog(),
		"panic":                         bandittest.Panicking{After: 1},
		"error":                         bandittest.Erroring{After: 1},
		"estimates beyond their errors": estimating(1.3, 0.001),
	} {
		require.NotEmpty(t, d.Check(e), name)
	}
}
