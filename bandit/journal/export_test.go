package journal

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
