package fm

// What tests look at from outside.

// Weights returns what a head has learned: the intercept, a weight for each coordinate, and the factors.
func Weights(m *Model, h int) (bias float32, linear, factors []float32) {
	t := &m.tables[h]
	linear, factors, _ = t.arrays()
	return t.bias[0], linear, factors
}

// Coordinates returns the coordinates and values of one row, a list of fields beside them.
func Coordinates(m *Model, floats []float32, ids []uint64) (slots []int32, values []float32, fields []uint16) {
	var r rows
	r.reset()
	for j, v := range floats {
		if x := m.float(j, v); x != 0 {
			r.add(int32(j), x, j)
		}
	}
	for k, id := range ids {
		if slot := m.id(k, id); slot >= 0 {
			r.add(slot, 1, len(floats)+k)
		}
	}
	return r.slots, r.values, r.fields
}

// Gradient returns the absolute values of the slopes by which one step on a row with label y
// moves the intercept, the weights and the factors of head 0: the roots of what AdaGrad keeps.
func Gradient(m *Model, loss Loss, y float32, slots []int32, values []float32, fields []uint16) (bias []float32, linear, factors []float32) {
	cfg := &Config{Kind: m.kind, Loss: loss}
	_, v, k := m.tables[0].arrays()
	t := newTable(m.kind, m.space.len(), m.fields(), k, 2)
	w, _, _ := m.tables[0].arrays()
	l, f, _ := t.arrays()
	for i := range w {
		l[2*i] = w[i]
	}
	for i := range v {
		f[i/k*2*k+i%k] = v[i]
	}
	t.bias[0] = m.tables[0].bias[0]
	learner := newLearner(cfg, t, 0)
	learner.batch(&rows{starts: []int32{0, int32(len(slots))}, slots: slots, values: values, fields: fields}, 0, 1, 1,
		func(_ int32, z float32) float32 { _, slope := loss.of(y, z); return float32(slope) })
	keep := func(all []float32, piece int) (kept []float32) {
		for at := piece; at < len(all); at += 2 * piece {
			kept = append(kept, all[at:at+piece]...)
		}
		return kept
	}
	return learner.bias[1:], keep(l, 1), keep(f, max(k, 1))
}

// SchemaHash is what a model file's header holds for the names.
func SchemaHash(columns, idColumns, heads []string) uint64 {
	return (&Model{space: space{columns: columns, idColumns: idColumns}, heads: heads}).schemaHash()
}

// Normal makes a number for the first factors.
var Normal = normal
