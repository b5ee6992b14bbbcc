//go:build faiss

#include <algorithm>
#include <memory>
#include <omp.h>
#include <stdexcept>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/IndexRefine.h>
#include <faiss/IndexScalarQuantizer.h>

#include "shim.h"

extern "C" void openblas_set_num_threads(int);

namespace {

// single keeps the library on the calling thread, whose clock is read.
void single() {
	omp_set_num_threads(1);
	openblas_set_num_threads(1);
}

struct faiss_peer : peer {
	std::unique_ptr<faiss::Index> quantizer, index;
	int dim;
	size_t batch = 1;

	faiss_peer(const peer_input &in, const std::string &kind) : dim(in.dim) {
		using namespace faiss;
		single();
		MetricType metric = in.metric == PEER_L2 ? METRIC_L2 : METRIC_INNER_PRODUCT;
		size_t lists = in.n >= 500000 ? 2048 : 1024;
		if (kind.rfind("ivf", 0) == 0) {
			if (metric == METRIC_L2)
				quantizer.reset(new IndexFlatL2(dim));
			else
				quantizer.reset(new IndexFlatIP(dim));
		}
		if (kind == "flat" || kind == "flat64") {
			index.reset(new IndexFlat(dim, metric));
			batch = kind == "flat64" ? 64 : 1;
		} else if (kind == "hnsw") {
			auto h = new IndexHNSWFlat(dim, in.m, metric);
			h->hnsw.efConstruction = in.pool;
			index.reset(h);
		} else if (kind == "ivf") {
			index.reset(new IndexIVFFlat(quantizer.get(), dim, lists, metric));
		} else if (kind == "ivfsq8") {
			index.reset(new IndexIVFScalarQuantizer(quantizer.get(), dim, lists, ScalarQuantizer::QT_8bit, metric));
		} else if (kind == "ivfpqfs") {
			auto refined = new IndexRefineFlat(new IndexIVFPQFastScan(quantizer.get(), dim, lists, dim / 2, 4, metric));
			refined->own_fields = true;
			refined->k_factor = 20;
			index.reset(refined);
		} else {
			throw std::runtime_error("faiss: no such kind");
		}
		index->train(in.n, in.rows);
		index->add(in.n, in.rows);
	}

	void set(int effort) {
		if (auto h = dynamic_cast<faiss::IndexHNSW *>(index.get()))
			h->hnsw.efSearch = effort;
		else if (auto v = dynamic_cast<faiss::IndexIVF *>(index.get()))
			v->nprobe = effort;
		else if (auto r = dynamic_cast<faiss::IndexRefine *>(index.get()))
			dynamic_cast<faiss::IndexIVF *>(r->base_index)->nprobe = effort;
	}

	void search(const float *queries, size_t nq, int k, int effort, int32_t *ids) override {
		single();
		set(effort);
		std::vector<float> scores(batch * k);
		std::vector<faiss::idx_t> found(batch * k);
		for (size_t q = 0; q < nq; q += batch) {
			size_t m = std::min(batch, nq - q);
			index->search(m, queries + q * dim, k, scores.data(), found.data());
			std::copy(found.begin(), found.begin() + m * k, ids + q * k);
		}
	}
};

} // namespace

peer *faiss_build(const peer_input *in, const char *kind, char *message, size_t size) {
	return guarded([&]() -> peer * { return new faiss_peer(*in, kind); }, message, size);
}
