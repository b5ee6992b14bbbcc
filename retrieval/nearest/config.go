package nearest

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// Config says where the vector of a user comes from and how the index is searched. The
// zero value describes the user by the request's history.
type Config struct {
	// Column names a vector column of the request row that holds the vector of the user.
	// Its dimension is that of the index, or a multiple of it: then the user has several
	// vectors, one behind the other, of which those that are zero do not count. Build
	// fails when there is no such column. A request whose source did not know the user
	// proposes nothing. Empty: not from a column.
	Column string

	// Vectors appends the vector of the user to dst, or several of them, one behind the
	// other; nothing when there is none. It is called by several goroutines at once, and
	// keeps neither dst nor q. It cannot stand beside Column. Nil: not from a function.
	Vectors func(dst []float32, q *recsys.Query) ([]float32, error)

	// History says how the events of the request weigh when neither Column nor Vectors is
	// set: the vector of the user is then the sum of the vectors of the items that the
	// index has, each times its weight; for [retrieval.L2] their mean. Without events that
	// count the anchors of the request stand in, each with weight 1. That is how a model
	// whose users are sums of items folds in a user it has not met (Cremonesi et al.,
	// RecSys 2010, section 3.3.2), and it gives items like those of an item page.
	History retrieval.History

	// Effort is [retrieval.SearchOptions].Effort; 0 means the default of the index.
	Effort int

	// Filter chooses the items that a request may get; nil, or a nil filter, lets all
	// through. Filters are made once and used for many requests, which the function picks
	// from. It is called by several goroutines at once.
	Filter func(q *recsys.Query) *retrieval.Filter

	// Balanced makes several vectors take turns; see [Interests].
	Balanced bool

	// Owned makes Close close the index, if it is an [io.Closer], as one over a mapped file
	// is. A pipeline closes its stages when [recsys.Live.Swap] has replaced it and its last
	// request is answered, so that the old file is given back when nobody reads it any
	// more; the index must then not serve elsewhere.
	Owned bool

	// Version names the contents of the index in the record of a request: say, the version of
	// the model that made the vectors. It stands beside the version of the index, if that has
	// one. The indexes of this module have none, since they are changed while they serve.
	Version string
}

// validate returns an error that names every field that is out of its domain.
func (c *Config) validate() error {
	var errs []error
	if c.Column != "" && c.Vectors != nil {
		errs = append(errs, fmt.Errorf("nearest: Config.Column is %q and Config.Vectors is set; want one of them", c.Column))
	}
	if c.Effort < 0 {
		errs = append(errs, fmt.Errorf("nearest: Config.Effort is %d; want >= 0 (0 means the default of the index)", c.Effort))
	}
	return errors.Join(append(errs, c.History.Validate())...)
}
