package calibrate

// Pool returns the isotonic regression of y: the sequence that does not fall and is
// closest to y by Σ w_i (y_i - z_i)², by pooling adjacent violators. It writes into dst, which
// has the length of y and may be y, and returns it. w holds weights >= 0, nil for 1 each; elements
// of weight 0 take the value of a neighbour, and are 0 where there is no weight at all. Values are finite.
// It panics if lengths differ. It costs O(n) and allocates two slices.
//
// The same sequence minimises every proper scoring rule of probabilities.
//
// Source: Ayer et al., Annals of Mathematical Statistics 26, 1955; Barlow et al. 1972.
func Pool(dst, y, w []float64) []float64 {
	if len(dst) != len(y) || w != nil && len(w) != len(y) {
		panic("calibrate: lengths differ")
	}
	type block struct {
		sum, weight float64 // of w*y and w
		end         int
	}
	blocks := make([]block, 0, len(y))
	mean := func(b *block) float64 { return b.sum / b.weight }
	for i, v := range y {
		b := block{v, 1, i + 1}
		if w != nil {
			b.sum, b.weight = float64(w[i]*v), w[i]
		}
		for len(blocks) > 0 {
			last := &blocks[len(blocks)-1]
			if b.weight > 0 && last.weight > 0 && mean(last) < mean(&b) {
				break
			}
			b.sum, b.weight = last.sum+b.sum, last.weight+b.weight
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	at := 0
	for k := range blocks {
		b := &blocks[k]
		z := 0.0
		if b.weight > 0 {
			z = mean(b)
		}
		for ; at < b.end; at++ {
			dst[at] = z
		}
	}
	return dst
}

// corners returns the map of isotonic regression over sorted rows: for each block of equal values its first and
// last score, with straight lines between blocks.
func corners(rows []row) (x, y []float64) {
	margin, _ := marginOf(rows)
	var score, label, weight []float64
	for i, r := range rows {
		if i == 0 || r.score != rows[i-1].score {
			score, label, weight = append(score, r.score), append(label, 0), append(weight, 0)
		}
		k := len(score) - 1
		label[k] += float64(r.weight * r.label)
		weight[k] += r.weight
	}
	for k := range label {
		label[k] /= weight[k]
	}
	fitted := Pool(label, label, weight)
	for k, v := range fitted {
		fitted[k] = inside(v, margin)
	}
	for k, v := range fitted {
		inner := k > 0 && k+1 < len(fitted) && fitted[k-1] == v && fitted[k+1] == v
		if !inner {
			x, y = append(x, score[k]), append(y, v)
		}
	}
	return x, y
}
