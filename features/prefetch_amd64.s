//go:build !purego && !race

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

// func copyRows(dst unsafe.Pointer, stride int, rows **uint64, offset, bytes, n int, ahead **uint64, lines int)
TEXT ·copyRows(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), R8
	MOVQ rows+16(FP), R9
	MOVQ offset+24(FP), R10
	MOVQ bytes+32(FP), R11
	MOVQ n+40(FP), CX
	MOVQ ahead+48(FP), R12
	MOVQ lines+56(FP), R13

row:
	MOVQ R13, DX
	TESTQ DX, DX
	JZ   copy
	MOVQ (R12), AX

fetch:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ DX
	JNZ  fetch

copy:
	MOVQ (R9), SI
	ADDQ R10, SI
	MOVQ DI, BX
	MOVQ R11, DX
	SUBQ $64, DX
	JLT  tail32

copy64:
	MOVUPS (SI), X0
	MOVUPS 16(SI), X1
	MOVUPS 32(SI), X2
	MOVUPS 48(SI), X3
	MOVUPS X0, (BX)
	MOVUPS X1, 16(BX)
	MOVUPS X2, 32(BX)
	MOVUPS X3, 48(BX)
	ADDQ $64, SI
	ADDQ $64, BX
	SUBQ $64, DX
	JGE  copy64

tail32:
	TESTQ $32, DX
	JZ    tail16
	MOVUPS (SI), X0
	MOVUPS 16(SI), X1
	MOVUPS X0, (BX)
	MOVUPS X1, 16(BX)
	ADDQ $32, SI
	ADDQ $32, BX

tail16:
	TESTQ $16, DX
	JZ    tail8
	MOVUPS (SI), X0
	MOVUPS X0, (BX)
	ADDQ $16, SI
	ADDQ $16, BX

tail8:
	TESTQ $8, DX
	JZ    tail4
	MOVQ (SI), AX
	MOVQ AX, (BX)
	ADDQ $8, SI
	ADDQ $8, BX

tail4:
	TESTQ $4, DX
	JZ    end
	MOVL (SI), AX
	MOVL AX, (BX)

end:
	ADDQ R8, DI
	ADDQ $8, R9
	ADDQ $8, R12
	DECQ CX
	JNZ  row
	RET

// func matchTags(match *uint8, home **uint64, hash *uint64, n int)
TEXT ·matchTags(SB), NOSPLIT, $0-32
	MOVQ match+0(FP), DI
	MOVQ home+8(FP), R9
	MOVQ hash+16(FP), R10
	MOVQ n+24(FP), CX
	TESTQ CX, CX
	JLE  matched

	// the upper half of an entry: 30 bits of tag, 1 of reading, 1 that is set
	MOVL $0xfffffffd, AX
	MOVQ AX, X7
	PSHUFD $0, X7, X7
	MOVL $1, AX
	MOVQ AX, X6
	PSHUFD $0, X6, X6

bucket:
	MOVQ (R9), SI
	MOVL 4(R10), AX
	MOVQ AX, X5
	PSHUFD $0, X5, X5
	POR  X6, X5
	MOVOU (SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	SHUFPS $0xdd, X1, X0 // the upper halves of four entries
	SHUFPS $0xdd, X3, X2
	PXOR X5, X0
	PXOR X5, X2
	PAND X7, X0
	PAND X7, X2
	PXOR X4, X4
	PCMPEQL X4, X0
	PCMPEQL X4, X2
	PACKSSLW X2, X0 // eight words of all ones or zeros
	PACKSSWB X0, X0
	PMOVMSKB X0, AX
	MOVB AX, (DI)
	INCQ DI
	ADDQ $8, R9
	ADDQ $8, R10
	DECQ CX
	JNZ  bucket

matched:
	RET
