// Ann measures vector indexes: recall against queries per second, with exact
// answers to compare with, on a set of yours or on a synthetic one.
//
//	go run ./examples/ann -base base.fvecs -query query.fvecs -index hnsw -ef 16,32,64
//	go run ./examples/ann -base items.f32 -query users.f32 -raw 64 -truth truth.i32 -rows 1:12102 -index flat,hnsw
//	go run ./examples/ann -synthetic 100000x64 -index flat,hnsw,ivf,auto -report page.html
//
// Files are fvecs and ivecs or, with -raw D, rows of D float32 and, for the
// truth, lists of int32, as many as there are queries; plain or gzip, little
// endian. The id of an item is its row in the file, also where -rows takes a
// part. Without -truth, and under a filter, the truth is found by comparing all
// pairs.
//
// The codes of an index are those of -quant; flat and auto have no effort to
// set, so they are measured once whatever -ef says. What auto has chosen, and
// why, is printed when it is built; -recall is its target, -maxbytes its bound of
// memory, and -holdout gives it real queries, without which it takes the worst
// of three kinds that it makes up.
//
// Each index is built once. Then, in -rounds rounds, all indexes answer all
// queries at every -ef in turn, so that a disturbance of the machine hits them
// alike; the median of the rounds counts. Rates come from the CPU time of the
// searching threads, not from the clock on the wall.
//
// With -filter the search is narrowed to a random share of the items, given by
// their ids and -seed. With -save the index is written to a file and mapped
// back, and must then give the same answers to the bit. With -churn the items
// of an index are replaced, all of them so many times, then half of them is
// deleted; each state is compared with a fresh index of the same items. With -live
// searches go on while half of the items are inserted.
package main
