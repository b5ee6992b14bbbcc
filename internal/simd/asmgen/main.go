// Asmgen writes the assembly of package simd and its Go declarations.
//
//	go generate ./internal/simd
//
// Each family of kernels is one Go file here that fills one or more [File]s; emit.go holds
// what they share. Add a family to the list below.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// families lists what writes the files. The order does not matter.
var families = []func() []*File{
	distanceFamily,
	gemmFamily,
	expFamily,
	elementwiseFamily,
	solveFamily,
	halfFamily,
	meanRowsFamily,
	int8Family,
	selectFamily,
	neonFamily,
	neonGemmFamily,
	neonInt8Family,
	lookupFamily,
	fmFamily,
	forestFamily,
	forestRowFamily,
	forestLoadFamily,
	forestSetFamily,
	histogramFamily,
	bestCutFamily,
	symmetricFamily,
}

func main() {
	dir := flag.String("dir", ".", "folder of package simd")
	flag.Parse()
	for _, family := range families {
		for _, f := range family() {
			for name, text := range f.Output() {
				if err := os.WriteFile(filepath.Join(*dir, name), text, 0o644); err != nil {
					fmt.Fprintln(os.Stderr, "asmgen:", err)
					os.Exit(1)
				}
			}
		}
	}
}
