package envelope

import "syscall"

// noReserve: a private writable mapping would otherwise count in full against the
// memory that the system promises, though hardly any of it is ever written to.
const noReserve = syscall.MAP_NORESERVE

// advise passes the hint on for memory that starts at a page.
func advise(b []byte, hint Hint) {
	if len(b) == 0 {
		return
	}
	how := syscall.MADV_WILLNEED
	if hint == Random {
		how = syscall.MADV_RANDOM
	}
	_ = syscall.Madvise(b, how) // a hint
}
