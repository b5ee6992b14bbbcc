//go:build !glass

package peer

func glassKinds() []Kind { return nil }
