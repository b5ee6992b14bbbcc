package quad

const (
	nodes = 16 // of a panel
	half  = nodes / 2
)

// legendre is the Gauss–Legendre rule on [-1, 1], with the integrals of the polynomial through the values at the
// nodes. Nodes stand in pairs, ±x[i]: node half+i is x[i], node half-1-i is -x[i]. The even and the odd part of a function
// are integrated by themselves, which halves the work.
type legendre struct {
	x, w [nodes]float64
	even [half][half]float64 // even[k][i]: weight of f(x[k])+f(-x[k]) in the integral of the even part from 0 to x[i]
	odd  [half][half]float64 // odd[k][i]: weight of f(x[k])-f(-x[k]) in the integral of the odd part from x[i] to 1
}

// rule is a constant.
var rule = newRule()

// The nodes and weights above 0. Source: NIST Digital Library of Mathematical Functions, section 3.5(v), and to 20 digits
// Davis and Rabinowitz, Methods of Numerical Integration, appendix 4.
var (
	positive = [half]float64{
		0.09501250983763744019, 0.28160355077925891323, 0.45801677765722738634, 0.61787624440264374845,
		0.75540440835500303390, 0.86563120238783174388, 0.94457502307323257608, 0.98940093499164993260,
	}
	weights = [half]float64{
		0.18945061045506849629, 0.18260341504492358887, 0.16915651939500253819, 0.14959598881657673208,
		0.12462897125553387205, 0.09515851168249278481, 0.06225352393864789286, 0.02715245941175409485,
	}
)

func newRule() *legendre {
	r := new(legendre)
	for i := range positive {
		r.x[half+i], r.w[half+i] = positive[i], weights[i]
		r.x[half-1-i], r.w[half-1-i] = -positive[i], weights[i]
	}
	// The polynomial is Σ_k f_k w_k Σ_n (2n+1)/2 P_n(x_k) P_n(x), for n < 16, since the rule integrates degree 31
	// exactly; and ∫ from -1 to x of P_n is (P_{n+1}(x) - P_{n-1}(x))/(2n+1), of P_0 it is x+1.
	var p [half][nodes + 1]float64 // P_n(x_i)
	for i, x := range positive {
		p[i][0], p[i][1] = 1, x
		for n := 1; n < nodes; n++ {
			a, b := float64(float64(2*n+1)*x), float64(n)
			p[i][n+1] = (float64(a*p[i][n]) - float64(b*p[i][n-1])) / float64(n+1)
		}
	}
	for k, w := range weights {
		for i, x := range positive {
			even, odd := float64(x/2), float64(0)
			for n := 1; n < nodes; n++ {
				part := float64(p[k][n] * (p[i][n+1] - p[i][n-1]) / 2)
				if n%2 == 0 {
					even += part
				} else {
					odd -= part
				}
			}
			r.even[k][i], r.odd[k][i] = float64(w*even), float64(w*odd)
		}
	}
	return r
}

// upper writes into cdf[i] the distribution function at node i of a panel of the given half width: 1
// less what is right of the node, of which mass is right of the panel. It returns the mass right of the panel's left end.
func (r *legendre) upper(cdf, f *[nodes]float64, mass, width float64) float64 {
	var even, odd [half]float64
	total := 0.0
	for k := range half {
		plus, minus := f[half+k]+f[half-1-k], f[half+k]-f[half-1-k]
		total += float64(weights[k] * plus)
		e, o := &r.even[k], &r.odd[k]
		for i := range half {
			even[i] += float64(e[i] * plus)
			odd[i] += float64(o[i] * minus)
		}
	}
	rest := 1 - mass
	for i := range half {
		middle := float64(total/2) + odd[i]
		cdf[half+i] = min(max(rest-float64(width*(middle-even[i])), 0), 1)
		cdf[half-1-i] = min(max(rest-float64(width*(middle+even[i])), 0), 1)
	}
	return mass + float64(width*total)
}
