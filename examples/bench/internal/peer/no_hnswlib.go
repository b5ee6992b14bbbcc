//go:build !hnswlib

package peer

func hnswlibKinds() []Kind { return nil }
