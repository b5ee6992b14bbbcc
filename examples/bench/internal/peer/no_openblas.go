//go:build !openblas

package peer

func openblasKinds() []Kind { return nil }
