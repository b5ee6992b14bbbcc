//go:build !linux

package features

func preferHugePages([]uint64) {}
