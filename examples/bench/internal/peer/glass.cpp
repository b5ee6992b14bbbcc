//go:build glass

#include <algorithm>
#include <memory>
#include <omp.h>
#include <string>
#include <unistd.h>

// Glass has headers of an hnswlib of its own, in the namespace of the real one.
#define hnswlib glass_hnswlib
#include <glass/hnsw/hnsw.hpp>
#include <glass/searcher/graph_searcher.hpp>
#undef hnswlib

#include "shim.h"

namespace {

// quiet sends what a library prints to the standard error, which is where progress belongs.
struct quiet {
	int saved;
	quiet() {
		fflush(stdout);
		saved = dup(1);
		dup2(2, 1);
	}
	~quiet() {
		fflush(stdout);
		dup2(saved, 1);
		close(saved);
	}
};

struct glass_peer : peer {
	int dim;
	std::unique_ptr<glass::GraphSearcherBase> searcher;

	glass_peer(const peer_input &in, const char *codes, const char *refine) : dim(in.dim) {
		quiet q;
		omp_set_num_threads(1);
		std::string metric = in.metric == PEER_L2 ? "L2" : "IP";
		auto graph = glass::create_hnsw(metric, "FP32", 2 * in.m, in.pool)->Build(in.rows, in.n, in.dim);
		searcher = glass::create_searcher(std::move(graph), metric, codes, refine);
		searcher->SetData(in.rows, in.n, in.dim);
		searcher->SetEf(32);
		searcher->Optimize(1);
	}

	void search(const float *queries, size_t nq, int k, int effort, int32_t *ids) override {
		omp_set_num_threads(1);
		searcher->SetEf(effort);
		std::fill(ids, ids + nq * k, -1);
		for (size_t q = 0; q < nq; q++)
			searcher->Search(queries + q * dim, k, ids + q * k, nullptr);
	}
};

} // namespace

peer *glass_build(const peer_input *in, const char *codes, const char *refine, char *message, size_t size) {
	return guarded([&]() -> peer * { return new glass_peer(*in, codes, refine); }, message, size);
}
