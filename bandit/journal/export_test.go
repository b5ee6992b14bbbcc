package journal

import "github.com/recsyskit/recsys/bandit"

// Disk, File and OSDisk let tests stand in for the operating system.
type (
	Disk   = disk
	File   = file
	OSDisk = osDisk
)

// On returns o on another disk.
func (o Options) On(d Disk) Options {
	o.disk = d
	return o
}

// Append and Decode are a record's payload.
var Append = appendChange

func Decode(payload []byte) (*bandit.Change, error) {
	c := new(bandit.Change)
	return c, decodeChange(c, payload)
}
