package bandit

import (
	"errors"

	"github.com/recsyskit/recsys"
)

// Explorer is [recsys.Explorer], the interface that this package implements.
type Explorer = recsys.Explorer

var errLengths = errors.New("bandit: dst and slate differ in length")

// comes readies the next place of s and reports whether row, of a table of n
// rows, can come there.
func comes(s *recsys.Slate, n int, row int32) bool {
	return s.Next() && row >= 0 && int(row) < n && s.Admissible().Has(int(row))
}
