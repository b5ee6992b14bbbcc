// Package redis is an online feature store in Redis, for services of more than one process: the rows of one
// [features.View], written by a feed and read by the hundred, straight into the candidate table of a pipeline. It works with a single server, with
// Sentinel and with Redis Cluster.
//
//	store, err := redis.Open(redis.Config{
//		Client: rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}},
//		View:   view,
//		Near:   redis.Near{Bytes: 64 << 20},
//	})
//	…
//	w, err := store.PutBatch(ctx, rows)
//	…
//	p, err := recsys.NewPipeline(
//		recsys.Retrieve("als", als),
//		recsys.Features(store, recsys.Remote(10*time.Millisecond)),
//		recsys.Rank(model),
//	).Build()
//
// # What is stored
//
// One string for each row, under the key prefix name@hhhhhhhh:key, where hhhhhhhh is the upper half of the hash of the view. It is packed:
// 20 bytes with the hash and the event time, 8 for an ID, 4 for a float or vector element, or 2 with Config.Half. A view that has changed has other
// keys, so its rows are filled while those of the old version serve.
//
// # What is promised
//
//   - A write never replaces a row of later event time, whoever else writes: a script compares in Redis, in the round trip of the write.
//   - When PutBatch has returned, the rows are in the memory of the master. A single server with appendfsync always loses none of them, also
//     after SIGKILL.
//   - A row is read whole. What lies under a key of the view and is no row of it (foreign bytes, a damaged row, one of another
//     version) is counted, reported and read as missing. A key of another type, a hash for example, reads as missing without being counted,
//     as MGET answers so. Neither is overwritten, but for rows of another version.
//   - Ages, TTL and staleness are taken at the query's Now; Redis removes a row somewhat later, to have its memory back.
//   - A call ends with its context, also while a connection is being made. While Redis does not answer, the [Breaker] refuses calls
//     at once; in a pipeline the columns then have their defaults and Result.Degraded names the source. Connections come back
//     by themselves; with Config.Lazy the first one too, so a service can start before its Redis.
//   - The near-cache serves no row after its invalidation has arrived; see [Near]. A store reads what it has written.
//
// # What is not promised
//
// A failover, or a restart without persistence, may lose writes that were acknowledged: replication does not wait, and Redis tells
// nobody. What this package sees is that connections end, which [Store.Losses] counts. Package features/materialize compares
// after each of them and writes again what is gone; without it, feed the rows since then again: what is there is refused as late, or is
// written once more without effect. Memory is that of Redis: with an eviction policy rows disappear and read as missing, with
// noeviction writes fail with a [WriteError] and reads go on. A batch is not a transaction: after an error of the connection some of its rows
// may be stored; one whose deadline is over may still be. Replicas are not read: they may not have what was just written.
//
// # Cost
//
// A batch of 500 rows of 50 floats from a server on the same two cores takes 0.4 ms, 0.3 ms in half precision; Feast's layout takes 8 ms
// (go run ./redis in examples/bench; Redis 7.0, AMD EPYC). Decoding is 35 µs of it; half of the server's time goes
// into finding and copying the values, and the client makes one string of each row. What the near-cache has takes 18 µs and allocates nothing. One MGET was no slower than
// several in a pipeline or on several connections, and a script that joins the values into one string was three times slower.
//
// # Sources
//
//	source  what it reads                         cost of n rows
//	Store   what this package has written         one MGET, or one for each slot of a cluster
//	Feast   Feast's hashes (HSET by features)     n HMGETs in one pipeline
package redis
