//go:build !linux

package envelope

const noReserve = 0

func advise([]byte, Hint) {}
