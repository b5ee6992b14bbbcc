package main

// A neonScan is what scan is on amd64: the loop over rows, in blocks whose last may repeat
// rows. Every block takes the scores from V0.
type neonScan struct {
	fn        *Func
	gather    bool
	done, bad Label
}

// enter loads the arguments; at names the one that leads to the rows.
func (s *neonScan) enter(at string) {
	for _, a := range []struct {
		name string
		to   GP
	}{{"out", neonOut}, {"q", neonQuery}, {at, neonAt}, {"d", neonDim}, {"stride", neonStride}, {"n", neonLeft}} {
		s.fn.Op("MOVD", s.fn.Arg(a.name), a.to)
	}
}

// leave ends the function: here all paths meet.
func (s *neonScan) leave() {
	fn := s.fn
	fn.Place(s.done)
	if !s.gather {
		fn.Ret()
		return
	}
	fn.Op("MOVD", Imm(1), RK)
	fn.Op("MOVB", RK, fn.Arg("ok"))
	fn.Ret()
	fn.Place(s.bad)
	fn.Op("MOVB", text("ZR"), fn.Arg("ok"))
	fn.Ret()
}

// loop emits the loop with as many rows to a block as there are registers for them.
func (s *neonScan) loop(rows []GP, block func(rows []GP)) {
	fn := s.fn
	n := len(rows)
	top, some, partial, full := fn.Label("rows"), fn.Label("block"), fn.Label("last"), fn.Label("full")
	fn.Op("CMP", Imm(n), neonLeft)
	fn.Op("BLT", partial)
	fn.Place(top)
	if s.gather {
		s.prefetch(n)
	}
	for i, r := range rows {
		s.locate(i, r)
	}
	fn.Place(some)
	block(rows)
	fn.Op("CMP", Imm(n), neonLeft)
	fn.Op("BGE", full)
	for i := range n - 1 {
		fn.Op("VST1.P", text("V0.S["+string(rune('0'+i))+"]"), Ptr(neonOut, 4))
		fn.Op("SUBS", Imm(1), neonLeft, neonLeft)
		fn.Op("BEQ", s.done)
	}
	fn.Place(full)
	if n == 4 {
		fn.Op("VST1.P", V(0).group(1, "S4"), Ptr(neonOut, 16))
	} else {
		fn.Op("VST1.P", text("V0.D[0]"), Ptr(neonOut, 8))
	}
	if s.gather {
		fn.Op("ADD", Imm(4*n), neonAt)
	} else {
		for range n {
			fn.Op("ADD", neonStride, neonAt)
		}
	}
	fn.Op("SUBS", Imm(n), neonLeft, neonLeft)
	fn.Op("BEQ", s.done)
	fn.Op("CMP", Imm(n), neonLeft)
	fn.Op("BGE", top)
	fn.Place(partial)
	fn.Op("CBZ", neonLeft, s.done)
	for i, r := range rows {
		if i > 0 && i < n-1 {
			// A row that is there, else the first one again.
			next := fn.Label("repeat")
			fn.Op("MOVD", rows[0], r)
			fn.Op("CMP", Imm(i+1), neonLeft)
			fn.Op("BLT", next)
			s.locate(i, r)
			fn.Place(next)
		} else if i > 0 {
			fn.Op("MOVD", rows[0], r)
		} else {
			s.locate(0, r)
		}
	}
	fn.Op("JMP", some)
}

// locate sets r to the i-th next row. It clobbers R10.
func (s *neonScan) locate(i int, r GP) {
	fn := s.fn
	if !s.gather {
		fn.Op("MOVD", neonAt, r)
		for range i {
			fn.Op("ADD", neonStride, r)
		}
		return
	}
	fn.Op("MOVWU", Ptr(neonAt, 4*i), r)
	fn.Op("MUL", neonStride, r, r)
	fn.Op("MOVD", fn.Arg("limit"), RK)
	fn.Op("CMP", RK, r)
	fn.Op("BHI", s.bad)
	fn.Op("MOVD", fn.Arg("rows"), RK)
	fn.Op("ADD", RK, r)
}

// prefetch fetches the rows of the n ids after this block, or of those that are left. It
// clobbers R0 and R10 to R14.
func (s *neonScan) prefetch(n int) {
	fn := s.fn
	id, line, done := fn.Label("id"), fn.Label("line"), fn.Label("fetched")
	fn.Op("SUB", Imm(n), neonLeft, RK)
	fn.Op("CMP", Imm(n), RK)
	fn.Op("BLE", id+"min")
	fn.Op("MOVD", Imm(n), RK)
	fn.Place(id + "min")
	fn.Op("CBZ", RK, done)
	fn.Op("ADD", Imm(4*n), neonAt, RL)
	fn.Op("MOVD", fn.Arg("rows"), RM)
	fn.Place(id)
	fn.Op("MOVWU.P", Ptr(RL, 4), RA)
	fn.Op("MUL", neonStride, RA, RA)
	fn.Op("ADD", RM, RA)
	fn.Op("MOVD", fn.Arg("lines"), RN)
	fn.Place(line)
	fn.Op("PRFM", Ptr(RA, 0), text("PLDL1KEEP"))
	fn.Op("ADD", Imm(64), RA)
	fn.Op("SUBS", Imm(1), RN, RN)
	fn.Op("BGT", line)
	fn.Op("SUBS", Imm(1), RK, RK)
	fn.Op("BGT", id)
	fn.Place(done)
}
