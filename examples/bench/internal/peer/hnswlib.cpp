//go:build hnswlib

#include <algorithm>
#include <memory>

#include <hnswlib/hnswlib.h>

#include "shim.h"

namespace {

struct hnswlib_peer : peer {
	int dim;
	std::unique_ptr<hnswlib::SpaceInterface<float>> space;
	std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;

	explicit hnswlib_peer(const peer_input &in) : dim(in.dim) {
		if (in.metric == PEER_L2)
			space.reset(new hnswlib::L2Space(in.dim));
		else
			space.reset(new hnswlib::InnerProductSpace(in.dim));
		graph.reset(new hnswlib::HierarchicalNSW<float>(space.get(), in.n, in.m, in.pool));
		for (size_t i = 0; i < in.n; i++)
			graph->addPoint(in.rows + i * in.dim, i);
	}

	void search(const float *queries, size_t nq, int k, int effort, int32_t *ids) override {
		graph->setEf(effort);
		for (size_t q = 0; q < nq; q++) {
			auto found = graph->searchKnn(queries + q * dim, k);
			std::fill(ids + q * k, ids + (q + 1) * k, -1);
			for (size_t i = found.size(); i > 0; i--) {
				ids[q * k + i - 1] = (int32_t)found.top().second;
				found.pop();
			}
		}
	}
};

} // namespace

peer *hnswlib_build(const peer_input *in, char *message, size_t size) {
	return guarded([&]() -> peer * { return new hnswlib_peer(*in); }, message, size);
}
