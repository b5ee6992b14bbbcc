//go:build hnswlib || glass || faiss || openblas

#include "shim.h"

void peer_search(peer *p, const float *queries, size_t nq, int k, int effort, int32_t *ids) {
	p->search(queries, nq, k, effort, ids);
}

void peer_free(peer *p) { delete p; }
