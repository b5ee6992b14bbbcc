module github.com/recsyskit/recsys

go 1.26
