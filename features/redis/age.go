package redis

import "github.com/recsyskit/recsys"

func setAge(b *recsys.Block, i int, seconds float32) {}
