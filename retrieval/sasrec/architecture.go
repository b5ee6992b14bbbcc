package sasrec

import (
	"errors"
	"fmt"
	"math"
)

// Architecture says what the network is made of. The zero value is the default: two layers
// of two heads over the newest 50 events, in 64 dimensions.
type Architecture struct {
	// Dim is the dimension of the vectors of items and users, a multiple of Heads, up to
	// 4096; 0 means 64.
	Dim int

	// Heads is the number of heads of each attention, 1 to Dim; 0 means 2, or 1 where Dim is
	// odd.
	Heads int

	// Layers is the number of layers, each an attention and a feed-forward network, 1 to 64;
	// 0 means 2.
	Layers int

	// Hidden is the width of the feed-forward network, 1 to 65536; 0 means 4·Dim, as in the
	// Transformer. The original has Dim.
	Hidden int

	// Length is how many events count, the newest ones, 1 to 65536; 0 means 50. Attention takes
	// time in proportion to its square.
	Length int

	// Norm is where the layer norms stand; the zero value is PreNorm.
	Norm Norm

	// Activation is that of the feed-forward networks; the zero value is GELU.
	Activation Activation

	// InputNorm puts a layer norm on the sum of item and position, as S3-Rec and BERT do.
	InputNorm bool

	// Scaled multiplies the vectors of items by √Dim where they enter the network, as the
	// original and the Transformer do.
	Scaled bool

	// Temperature, if not 0, makes a score the cosine of the vectors of user and item, divided
	// by it, in [1e-3, 1e3]: the vectors of items then have length 1, and that of a user
	// 1/Temperature. How often an item was seen then does not make its vector long, which helps
	// where most items were seen a few times: 0.07 suited the sequences of seq-beauty and the
	// sessions of Diginetica, with one layer. The default, 0, is the inner product of the
	// original.
	//
	// Source: Gupta et al., "NISER: Normalized Item and Session Representations", 2019.
	Temperature float64

	// Epsilon is added to the variance in the layer norms, in (0, 1); 0 means 1e-8 as in the
	// original.
	Epsilon float64
}

// Norm says where the layer norms of a layer stand.
type Norm uint8

const (
	// PreNorm normalises what goes into attention and feed-forward network, x + f(norm(x)), and
	// what comes out of the last layer. It is easier to train.
	//
	// Source: Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020.
	PreNorm Norm = iota
	// PostNorm normalises the sums, norm(x + f(x)), as the Transformer of Vaswani et al. (2017)
	// and S3-Rec do.
	PostNorm
)

var normNames = [...]string{PreNorm: "pre", PostNorm: "post"}

// String returns "pre" or "post".
func (n Norm) String() string { return name(normNames[:], "Norm", uint8(n)) }

// MarshalText writes the form of [Norm.String].
func (n Norm) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the form of [Norm.String].
func (n *Norm) UnmarshalText(text []byte) error {
	return parse((*uint8)(n), normNames[:], "norm", text)
}

// Activation is what stands between the two layers of a feed-forward network.
type Activation uint8

const (
	// GELU is x Φ(x), with the normal distribution Φ (Hendrycks and Gimpel 2016).
	GELU Activation = iota
	// ReLU is max(x, 0), as in the original.
	ReLU
)

var activationNames = [...]string{GELU: "gelu", ReLU: "relu"}

// String returns "gelu" or "relu".
func (a Activation) String() string { return name(activationNames[:], "Activation", uint8(a)) }

// MarshalText writes the form of [Activation.String].
func (a Activation) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form of [Activation.String].
func (a *Activation) UnmarshalText(text []byte) error {
	return parse((*uint8)(a), activationNames[:], "activation", text)
}

// name returns the name of v, or its type and number.
func name(names []string, typ string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", typ, v)
}

// parse sets v to the number of a name.
func parse(v *uint8, names []string, what string, text []byte) error {
	for i, n := range names {
		if n == string(text) {
			*v = uint8(i)
			return nil
		}
	}
	return fmt.Errorf("sasrec: unknown %s %q; want one of %q", what, text, names)
}

// withDefaults returns a with its zero values replaced, or an error that names every
// field out of its domain.
func (a Architecture) withDefaults() (Architecture, error) {
	var errs []error
	count := func(name string, v *int, zero, most int, means string) {
		if *v < 0 || *v > most {
			errs = append(errs, fmt.Errorf("sasrec: Architecture.%s is %d; want 1 to %d (0 means %s)", name, *v, most, means))
		}
		if *v == 0 {
			*v = zero
		}
	}
	count("Dim", &a.Dim, 64, 4096, "64")
	heads := 2
	if a.Dim%2 != 0 {
		heads = 1
	}
	count("Heads", &a.Heads, heads, 4096, "2")
	if a.Heads > 0 && a.Dim > 0 && a.Dim%a.Heads != 0 {
		errs = append(errs, fmt.Errorf("sasrec: Architecture.Heads is %d; want a divisor of Dim, which is %d", a.Heads, a.Dim))
	}
	count("Layers", &a.Layers, 2, 64, "2")
	count("Hidden", &a.Hidden, min(4*max(a.Dim, 0), maxHidden), maxHidden, "4·Dim")
	count("Length", &a.Length, 50, 1<<16, "50")
	if int(a.Norm) >= len(normNames) {
		errs = append(errs, fmt.Errorf("sasrec: Architecture.Norm is %d; want PreNorm or PostNorm", a.Norm))
	}
	if int(a.Activation) >= len(activationNames) {
		errs = append(errs, fmt.Errorf("sasrec: Architecture.Activation is %d; want GELU or ReLU", a.Activation))
	}
	if a.Temperature != 0 && !(a.Temperature >= 1e-3 && a.Temperature <= 1e3) {
		errs = append(errs, fmt.Errorf("sasrec: Architecture.Temperature is %v; want a number in [1e-3, 1e3] (0 means inner products)", a.Temperature))
	}
	if !(a.Epsilon >= 0 && a.Epsilon < 1) {
		errs = append(errs, fmt.Errorf("sasrec: Architecture.Epsilon is %v; want a number in (0, 1) (0 means 1e-8)", a.Epsilon))
	}
	if a.Epsilon == 0 {
		a.Epsilon = 1e-8
	}
	return a, errors.Join(errs...)
}

const maxHidden = 1 << 16

// scale returns what the vectors of items are multiplied by where they enter.
func (a *Architecture) scale() float32 {
	if a.Scaled {
		return float32(math.Sqrt(float64(a.Dim)))
	}
	return 1
}
