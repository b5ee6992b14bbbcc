//go:build !linux

package auto

import "time"

// threadTime returns the time on the wall.
func threadTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
