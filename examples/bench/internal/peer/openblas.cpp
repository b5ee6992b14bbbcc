//go:build openblas

#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "shim.h"

extern "C" void openblas_set_num_threads(int);

namespace {

// openblas_peer is all products by gemv or gemm, then the best k by a sorted list.
struct openblas_peer : peer {
	size_t n;
	int dim, batch;
	std::vector<float> rows, products;

	openblas_peer(const peer_input &in, int batch)
		: n(in.n), dim(in.dim), batch(batch), rows(in.rows, in.rows + in.n * in.dim), products(in.n * batch) {
		if (in.metric != PEER_IP)
			throw std::runtime_error("openblas: inner products only");
		openblas_set_num_threads(1);
	}

	void best(const float *scores, int k, int32_t *ids, std::vector<float> &top) {
		int have = 0;
		for (size_t i = 0; i < n; i++) {
			float s = scores[i];
			if (have == k && s <= top[k - 1])
				continue;
			int at = have < k ? have++ : k - 1;
			for (; at > 0 && top[at - 1] < s; at--) {
				top[at] = top[at - 1];
				ids[at] = ids[at - 1];
			}
			top[at] = s;
			ids[at] = (int32_t)i;
		}
		std::fill(ids + have, ids + k, -1);
	}

	void search(const float *queries, size_t nq, int k, int, int32_t *ids) override {
		std::vector<float> top(k);
		for (size_t q = 0; q < nq; q += batch) {
			int m = (int)std::min<size_t>(batch, nq - q);
			if (batch == 1)
				cblas_sgemv(CblasRowMajor, CblasNoTrans, n, dim, 1, rows.data(), dim, queries + q * dim, 1, 0, products.data(), 1);
			else
				cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, dim, 1, queries + q * dim, dim, rows.data(), dim, 0,
					products.data(), n);
			for (int i = 0; i < m; i++)
				best(products.data() + i * n, k, ids + (q + i) * k, top);
		}
	}
};

} // namespace

peer *openblas_build(const peer_input *in, int batch, char *message, size_t size) {
	return guarded([&]() -> peer * { return new openblas_peer(*in, batch); }, message, size);
}
