package features

// Stride returns the words from one row of the store to the next.
func (s *Store) Stride() int { return s.layout.stride }

// Reading registers a reader and returns what ends it.
func (s *Store) Reading() (done func()) {
	stripe := s.epochs.stripe(1)
	epoch := s.epochs.enter(stripe)
	return func() { s.epochs.leave(stripe, epoch) }
}

// Slots returns how many slots all shards have room for, and how many were ever taken.
func (s *Store) Slots() (room, used int) {
	for k := range s.shards {
		sh := &s.shards[k]
		sh.mu.Lock()
		room += s.table(k).slots(s.layout.stride)
		used += sh.used
		sh.mu.Unlock()
	}
	return room, used
}

// Layouts of the index, for tests that make keys collide.
const (
	EmptyEntry   = emptyEntry
	DeletedEntry = deletedEntry
)
