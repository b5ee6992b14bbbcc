// Package filelock keeps a second process out of a folder.
package filelock

import "errors"

// ErrLocked says that another process, or another opening of the file in this one, has the lock.
var ErrLocked = errors.New("locked")
