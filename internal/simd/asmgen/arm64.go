package main

import "fmt"

// The general registers of arm64 that kernels use. R18 is the platform's, R26 to R30 are
// Go's.
const (
	RA GP = "R0"
	RB GP = "R1"
	RC GP = "R2"
	RD GP = "R3"
	RE GP = "R4"
	RF GP = "R5"
	RG GP = "R6"
	RH GP = "R7"
	RI GP = "R8"
	RJ GP = "R9"
	RK GP = "R10"
	RL GP = "R11"
	RM GP = "R12"
	RN GP = "R13"
	RO GP = "R14"
	RP GP = "R15"
	RQ GP = "R16"
)

// V is a vector register of arm64.
type V int

// as returns the register with an arrangement of lanes: "S4", "B16", "D2".
func (v V) as(lanes string) Operand { return text(fmt.Sprintf("V%d.%s", int(v), lanes)) }

// group returns a list of n registers from v on.
func (v V) group(n int, lanes string) Operand {
	s := "["
	for i := range n {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("V%d.%s", int(v)+i, lanes)
	}
	return text(s + "]")
}

// word appends an instruction that Go's assembler has no name for. Its operands are
// registers d, n and m in their usual places.
func (fn *Func) word(op uint32, name string, d, n, m V) {
	fn.Op("WORD", text(fmt.Sprintf("$0x%08x // %s V%d, V%d, V%d", op|uint32(m)<<16|uint32(n)<<5|uint32(d), name, int(d), int(n), int(m))))
}

// fadd4 sets d to n + m, four float32.
func (fn *Func) fadd4(d, n, m V) { fn.word(0x4e20d400, "FADD.4S", d, n, m) }

// fsub4 sets d to n - m, four float32.
func (fn *Func) fsub4(d, n, m V) { fn.word(0x4ea0d400, "FSUB.4S", d, n, m) }

// faddp4 sets d to the sums of neighbours, first those of n, then those of m.
func (fn *Func) faddp4(d, n, m V) { fn.word(0x6e20d400, "FADDP.4S", d, n, m) }

// fmla4 adds n*m to d, with one rounding.
func (fn *Func) fmla4(d, n, m V) { fn.Op("VFMLA", m.as("S4"), n.as("S4"), d.as("S4")) }

func (fn *Func) zeroV(v V) { fn.Op("VEOR", v.as("B16"), v.as("B16"), v.as("B16")) }
