package materialize

import "context"

// Verified is what a comparison of a store found.
type Verified struct {
	Keys  int64 // rows compared: those that were acknowledged and cannot have expired
	Lost  int64 // of them were missing or older than the acknowledged one, and were written again
	Ahead int64 // of them were later than it, and were written again where that is not of further on in the log
}

func (v *Verified) add(w Verified) {
	v.Keys += w.Keys
	v.Lost += w.Lost
	v.Ahead += w.Ahead
}

// Verify compares every store with what it acknowledged: for each key that the aggregates know, the event time of the row that is
// there with that of the row that was last written, since a row is stored whole and no two versions have the same time. What is missing or older
// was lost, by a failover or a restart from an old snapshot, and is written again from the aggregates. It costs a read
// of all rows. It may be called during a run, which waits meanwhile, and after it.
//
// A run does it by itself; see [Config.NoVerify].
func (m *Materializer) Verify(ctx context.Context) (Verified, error) {
	var all Verified
	for _, l := range m.lanes {
		l.mu.Lock()
		for _, t := range l.targets {
			v, err := t.verify(ctx, m)
			l.publish()
			all.add(v)
			if err != nil {
				l.mu.Unlock()
				return all, err
			}
		}
		l.mu.Unlock()
	}
	return all, nil
}
