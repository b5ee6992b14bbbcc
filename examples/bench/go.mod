module github.com/recsyskit/recsys/examples/bench

go 1.26

replace github.com/recsyskit/recsys => ../..

replace github.com/recsyskit/recsys/features/redis => ../../features/redis

require (
	github.com/coder/hnsw v0.6.1
	github.com/feast-dev/feast/sdk/go v0.9.4
	github.com/recsyskit/recsys v0.0.0-00010101000000-000000000000
	github.com/redis/go-redis/v9 v9.12.1
	github.com/viterin/vek v0.4.3
	gonum.org/v1/gonum v0.17.0
	google.golang.org/protobuf v1.36.6
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/golang/protobuf v1.5.0 // indirect
)

require (
	github.com/chewxy/math32 v1.10.1 // indirect
	github.com/google/renameio v1.0.1 // indirect
	github.com/recsyskit/recsys/features/redis v0.0.0-00010101000000-000000000000
	github.com/redis/rueidis v1.0.79
	github.com/viterin/partial v1.1.0 // indirect
	golang.org/x/exp v0.0.0-20240506185415-9bf2ced13842 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
