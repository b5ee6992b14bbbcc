//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package envelope

import (
	"os"
	"syscall"
)

// mapFile maps n bytes of a file, privately and writable.
func mapFile(f *os.File, n int) ([]byte, error) {
	return syscall.Mmap(int(f.Fd()), 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|noReserve)
}

func unmapFile(b []byte) error { return syscall.Munmap(b) }
