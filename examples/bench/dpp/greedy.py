"""Fast greedy MAP inference for determinantal point processes with numpy: the peer of the program in this folder, which starts it
with n, dim, k, alpha and a file of n relevances and n x dim vectors in float32, and then asks for rounds: each line of standard
input is a lane and how often to run it; the answer is the seconds of CPU time of one run and the items chosen. It must run on one thread:
OPENBLAS_NUM_THREADS=1, and OPENBLAS_CORETYPE=SkylakeX where OpenBLAS does not know the processor.

The loop is that of the paper's authors (github.com/laming-chen/fast-map-dpp): rows of the Cholesky factor for all items at once. Lanes:

    built    float64, the kernel built and then the loop, as the paper's authors do
    matrix   float64, the kernel given: what building it takes does not count
    rows     float64, from the vectors: a row of the kernel is made when its item is chosen, which is far less than the matrix
    rows32   the same in float32
"""
import math
import sys
import time

import numpy as np

n, dim, k = map(int, sys.argv[1:4])
alpha, name = float(sys.argv[4]), sys.argv[5]
data = np.fromfile(name, np.float32)
rel, vectors = data[:n].astype(np.float64), data[n:].reshape(n, dim)


def unit(x):
    return x / np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]


def greedy(row, diagonal, k, epsilon=1e-10):
    cis = np.zeros((k, n), diagonal.dtype)
    di2s = np.copy(diagonal)
    j = int(np.argmax(di2s))
    chosen = [j]
    while len(chosen) < k:
        t = len(chosen) - 1
        eis = (row(j) - np.dot(cis[:t, j], cis[:t, :])) / math.sqrt(di2s[j])
        cis[t, :] = eis
        di2s -= np.square(eis)
        di2s[j] = -np.inf
        j = int(np.argmax(di2s))
        if di2s[j] < epsilon:
            break
        chosen.append(j)
    return chosen


def from_vectors(dtype):
    v = vectors.astype(dtype)  # a service has its vectors in the type that it works in

    def run():
        u, q = unit(v), np.exp(alpha * rel).astype(dtype)
        half = q * dtype(0.5)
        return greedy(lambda j: (1 + u @ u[j]) * (half * q[j]), q * q, k)
    return run


wide = vectors.astype(np.float64)


def build():
    u, q = unit(wide), np.exp(alpha * rel)
    kernel = u @ u.T
    kernel += 1
    kernel *= q / 2
    kernel *= q[:, None]
    return kernel


def from_matrix(matrix):
    def run():
        kernel = matrix()
        return greedy(lambda j: kernel[j, :], np.copy(np.diag(kernel)), k)
    return run


given = build()
lanes = {"built": from_matrix(build), "matrix": from_matrix(lambda: given), "rows": from_vectors(np.float64), "rows32": from_vectors(np.float32)}
for line in sys.stdin:
    lane, times = line.split()
    run, times = lanes[lane], int(times)
    clock = time.thread_time()
    for _ in range(times):
        chosen = run()
    print((time.thread_time() - clock) / times, *chosen, flush=True)
