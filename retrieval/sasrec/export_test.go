package sasrec

import "math"

// Damage makes a weight of the network no number, as a fault of memory would.
func (m *Model) Damage() { m.network.all[0] = float32(math.NaN()) }
