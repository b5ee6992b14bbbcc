package content

import (
	"errors"
	"fmt"
	"math"
)

// Config declares the fields of items. At least one is needed.
type Config struct {
	// Bags are the fields that hold terms: words, tags, one category or several. A term is a
	// number: a category's, a word's of a features.Vocabulary, or recsys.HashID of a string.
	// The same number in two bags is two terms.
	Bags []Field `json:",omitempty"`

	// Numbers are the fields that hold a number: price, length, year.
	Numbers []Field `json:",omitempty"`

	// Dim is the dimension of the vectors, 16 to 4096; 0 means 256, which keeps products to
	// about 0.06.
	Dim int

	// Seed is what the projection is drawn from. Models of different data, but equal seeds
	// and fields, project a term alike.
	Seed uint64

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does not
	// depend on it.
	Workers int `json:"-"`
}

// Field is a bag or a number.
type Field struct {
	// Name tells the fields apart; it must be there once.
	Name string
	// Weight is the share of the field in a vector, at least 1e-30 and finite; 0 means 1.
	Weight float64
}

// leastWeight has a square that does not vanish: fields that all weigh less would leave items
// without a vector.
const leastWeight = 1e-30

// withDefaults returns c with its zero values replaced, in memory of its own, or an error
// that names every field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("content: Config."+format, args...)) }
	if c.Dim != 0 && (c.Dim < 16 || c.Dim > 4096) {
		bad("Dim is %d; want 16 to 4096 (0 means 256)", c.Dim)
	}
	if c.Dim == 0 {
		c.Dim = 256
	}
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if len(c.Bags)+len(c.Numbers) == 0 {
		bad("Bags and Numbers are empty; want a field")
	}
	names := map[string]bool{}
	fields := func(what string, fields []Field) []Field {
		out := append([]Field(nil), fields...)
		for i := range out {
			f := &out[i]
			if names[f.Name] {
				bad("%s[%d].Name is %q, which is there before; want different names", what, i, f.Name)
			}
			names[f.Name] = true
			if f.Weight != 0 && !(f.Weight >= leastWeight && f.Weight <= math.MaxFloat32) {
				bad("%s[%d].Weight is %v; want a finite number >= %v (0 means 1)", what, i, f.Weight, leastWeight)
			}
			if f.Weight == 0 {
				f.Weight = 1
			}
		}
		return out
	}
	c.Bags, c.Numbers = fields("Bags", c.Bags), fields("Numbers", c.Numbers)
	return c, errors.Join(errs...)
}
