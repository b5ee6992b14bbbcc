package ranking

import (
	"fmt"
	"math"
)

// MemoryError says that training would take more memory than its Config.MaxBytes. Trainers of the packages
// below this one wrap it with their name, before they allocate anything large; errors.As finds it.
type MemoryError struct {
	Need, Most int64  // bytes: by an estimate of what is alive at once, and Config.MaxBytes
	Remedy     string // what takes less
}

// Error says how many bytes are needed, and what can be done.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("training needs about %d bytes (%.1f MiB) and Config.MaxBytes is %d; %s, or raise it",
		e.Need, math.Ceil(float64(e.Need)/(1<<20)*10)/10, e.Most, e.Remedy)
}
