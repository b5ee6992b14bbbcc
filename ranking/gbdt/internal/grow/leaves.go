package grow

// sumRows is how many rows are added up before their sum joins the others: it bounds the error of
// sums over many rows.
const sumRows = 1 << 12

// settle sums the gradients of each leaf as they were given and sets its value.
func (g *Grower) settle() {
	if len(g.rows) < divideRows {
		for i := range g.leaves {
			g.leafSum(&g.leaves[i])
		}
	} else {
		g.crew.run(len(g.leaves), g.jobs.leafSum)
	}
	for i := range g.leaves {
		l := &g.leaves[i]
		if l.node >= 0 || g.cfg.PathSmooth == 0 {
			l.value = g.search.value(l.g, l.h, float64(l.count()), l.above, l.l2, l.lo, l.hi)
			continue
		}
		// The root alone has nothing to be smoothed to.
		l.value = min(max(optimum(l.g, l.h, g.cfg.L1, l.l2), l.lo), l.hi)
	}
}

func (g *Grower) leafSum(l *leaf) {
	l.g, l.h = 0, 0
	rows := g.leafRows(l)
	for len(rows) > 0 && g.ctx.Err() == nil {
		n := min(len(rows), sumRows)
		var a, b float64
		for _, r := range rows[:n] {
			a += float64(g.grad[r])
			b += float64(g.hess[r])
		}
		l.g += a
		l.h += b
		rows = rows[n:]
	}
}
