package main

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
)

// resetPeak makes the resident set as small as it gets, and forgets its peak.
func resetPeak() {
	debug.FreeOSMemory()
	// On another system, or when it is not allowed, the peak is that of the process.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200)
}

// peakBytes returns the largest resident set since, 0 where the system does not tell.
func peakBytes() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0
	}
	fields := bytes.Fields(after)
	kib, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10
}
