//go:build !purego

#include "textflag.h"

// func fetchLines(words **uint64, n, lines int)
TEXT ·fetchLines(SB), NOSPLIT, $0-24
	MOVQ words+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ lines+16(FP), BX
	TESTQ CX, CX
	JLE  done

next:
	MOVQ (SI), AX
	MOVQ BX, DX

line:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ DX
	JG   line

	ADDQ $8, SI
	DECQ CX
	JNZ  next

done:
	RET
