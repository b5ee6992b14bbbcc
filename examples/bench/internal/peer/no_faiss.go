//go:build !faiss

package peer

func faissKinds() []Kind { return nil }
