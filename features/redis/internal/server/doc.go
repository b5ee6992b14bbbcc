// Package server starts real Redis servers for tests: a single one, a cluster, a master with its Sentinel.
// Each has a folder and free ports of its own on the loopback interface, and ends with the test, or with the
// process of the test however that ends.
//
// Where redis-server is not installed tests skip, and say so; with RECSYS_REQUIRE_REDIS=1 they fail instead.
package server
