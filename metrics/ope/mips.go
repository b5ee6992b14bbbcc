package ope

import "fmt"

// MarginalWeights writes into dst the weights of the marginalized estimator (MIPS), for
// [Log.Weight]: how much likelier an action with the embedding e of the logged one is under the
// target policy than under the logging policy,
//
//	w(x, e) = Σ_a π(a|x)·p(e|a) / Σ_a π_0(a|x)·p(e|a)
//
// They vary far less than π(a|x)/p when there are many actions and few embeddings, and need
// support for embeddings instead of actions. The estimate is unbiased if the reward depends on
// the action through e alone; the bias is that of the part that does not.
//
// embedding[i] in [0, E) is the embedding of the logged action of decision i, and density is
// E x Actions, row-major: p(e|a), each column a distribution; for clusters of actions 1 for the
// cluster of a and 0 for others. log.Logger must be set. dst may be nil; its first n elements
// are overwritten and returned. Errors are those of [Evaluate]; an embedding that the logging
// policy could not show is a [*RowError] of the field Embedding.
//
// Source: Saito and Joachims, ICML 2022, section 3.
func MarginalWeights[F Float](dst []F, log Log[F], embedding []int32, density []F) ([]F, error) {
	if log.Logger == nil {
		return nil, &FieldError{"Log.Logger", "nil", "the logging policy, for marginal weights"}
	}
	log.Weight = nil
	dst, err := weightsFor(dst, &log)
	if err != nil {
		return nil, err
	}
	if len(embedding) != len(dst) {
		return nil, &FieldError{"embedding", fmt.Sprintf("of length %d", len(embedding)), fmt.Sprintf("of length %d", len(dst))}
	}
	if len(density) == 0 || len(density)%log.Actions != 0 {
		return nil, &FieldError{"density", fmt.Sprintf("of length %d", len(density)), fmt.Sprintf("a multiple of %d actions, above 0", log.Actions)}
	}
	kinds := len(density) / log.Actions
	for a := range log.Actions {
		var total float64
		for e := range kinds {
			p := float64(density[e*log.Actions+a])
			if !(p >= 0 && p <= 1) {
				return nil, &RowError{e, "Density", p, wantProbability}
			}
			total += p
		}
		if !(total >= 1-sumTolerance && total <= 1+sumTolerance) {
			return nil, &FieldError{"density", fmt.Sprintf("%v in the sum of column %d", total, a), "1"}
		}
	}
	for i, e := range embedding {
		if e < 0 || int(e) >= kinds {
			return nil, &RowError{i, "Embedding", float64(e), fmt.Sprintf("in [0, %d)", kinds)}
		}
		at := log.at(i)
		likelihood := density[int(e)*log.Actions:][:log.Actions]
		var target, logger float64
		for a, p := range likelihood {
			target += float64(float64(p) * float64(log.Target[at+a]))
			logger += float64(float64(p) * float64(log.Logger[at+a]))
		}
		w := F(target / logger)
		if !(logger > 0) || !finite(float64(w)) {
			return nil, &RowError{i, "Embedding", float64(e), "one that the logging policy shows with probability above 0"}
		}
		dst[i] = w
	}
	return dst, nil
}
