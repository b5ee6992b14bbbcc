# Times the ALS of the library implicit (benfred/implicit, implicit/cpu/_als.pyx) on a matrix
# that this program's -write made, on one thread. The folder of the compiled module _als must
# be in PYTHONPATH.
#
#   usage: implicit.py DIR FACTORS EPOCHS exact|cg ALPHA LAMBDA
import json
import sys
import time

import numpy as np
import scipy.sparse as sp

import _als

folder, factors, epochs, solver = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
alpha, reg = float(sys.argv[5]), float(sys.argv[6])
users, items, cells = map(int, open(folder + '/meta.txt').read().split())
start, index = (np.fromfile(folder + '/' + name, 'i4') for name in ('indptr.i32', 'indices.i32'))
m = sp.csr_matrix((np.full(cells, 1 + alpha, 'f4'), index, start), shape=(users, items))
rng = np.random.RandomState(42)
x, y = ((rng.rand(n, factors) * 0.01).astype('f4') for n in (users, items))
solve = {'exact': _als.least_squares, 'cg': _als.least_squares_cg}[solver]
cpu, wall = time.process_time(), time.perf_counter()
t = m.T.tocsr()
for _ in range(epochs):
    solve(m, x, y, reg, num_threads=1)
    solve(t, y, x, reg, num_threads=1)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({'cpu_s': cpu, 'wall_s': wall, 'loss': float(_als.calculate_loss(m, x, y, reg, num_threads=1))}))
