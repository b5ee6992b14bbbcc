module github.com/recsyskit/recsys/features/redis

go 1.26

replace github.com/recsyskit/recsys => ../..

require (
	github.com/recsyskit/recsys v0.0.0-00010101000000-000000000000 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
