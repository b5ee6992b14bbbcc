package window

// Dump returns the words of a shard of an aggregator, as a checkpoint has them.
func Dump(a *Aggregator, shard int) (sizes []uint32, words []uint64) {
	return a.shards[shard].dump(a.plan, nil, nil)
}

// Restore makes an aggregator of the words of a shard, whose checksums were found good.
func Restore(config Config, newest int64, shard int, sizes []uint32, words []uint64) (*Aggregator, error) {
	a, err := New(config)
	if err != nil {
		return nil, err
	}
	a.newest.Store(newest)
	return a, a.shards[shard].restore(a.plan, uint64(shard), newest, sizes, words)
}

// ShardOf returns the shard of a key.
func ShardOf(key uint64) int { return int(hashOf(key) >> 60) }

// Cardinality is the estimate of a HyperLogLog.
var Cardinality = cardinality
