package retrieval

import "fmt"

// MemoryError is what a training fails with, before it allocates, when it would take more bytes
// than it may. Trainers of the packages below this one wrap it with their name; errors.As finds
// it.
type MemoryError struct {
	Need   int64  // bytes, by an estimate that is rather too high
	Limit  int64  // Config.MaxBytes or, where that is 0, what stands in for it
	Remedy string // what takes less, besides a higher Config.MaxBytes
}

// Error says how many bytes are needed and what can be done.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("training needs %d bytes and may take %d: raise Config.MaxBytes, %s", e.Need, e.Limit, e.Remedy)
}
