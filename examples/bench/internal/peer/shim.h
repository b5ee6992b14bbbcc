// The face of every C++ peer: an index that answers many queries in one call.
#ifndef RECSYS_PEER_SHIM_H
#define RECSYS_PEER_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
struct peer {
	virtual ~peer() {}
	// search fills ids, k per query, with -1 where fewer were found.
	virtual void search(const float *queries, size_t nq, int k, int effort, int32_t *ids) = 0;
};
extern "C" {
#else
typedef struct peer peer;
#endif

enum { PEER_IP = 0, PEER_L2 = 1 };

typedef struct {
	const float *rows; // n × dim
	size_t n;
	int dim, metric, m, pool;
} peer_input;

// The builders return NULL after a failure, with its reason in message. They copy rows.
peer *hnswlib_build(const peer_input *in, char *message, size_t size);
peer *glass_build(const peer_input *in, const char *codes, const char *refine, char *message, size_t size);
peer *faiss_build(const peer_input *in, const char *kind, char *message, size_t size);
peer *openblas_build(const peer_input *in, int batch, char *message, size_t size);

void peer_search(peer *p, const float *queries, size_t nq, int k, int effort, int32_t *ids);
void peer_free(peer *p);

#ifdef __cplusplus
}

#include <cstdio>
#include <exception>

// guarded calls make and turns an exception into a message.
template <class F> peer *guarded(F make, char *message, size_t size) {
	try {
		return make();
	} catch (const std::exception &e) {
		snprintf(message, size, "%s", e.what());
	}
	return nullptr;
}
#endif
#endif
