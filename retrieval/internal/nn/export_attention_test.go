package nn

// TraceRatio returns what dropout multiplied weight j of row i of a head by.
func TraceRatio(t *AttentionTrace, head, i, j int) float64 {
	at := (head*t.n+i)*t.n + j
	return float64(t.dropped[at]) / float64(t.weights[at])
}
