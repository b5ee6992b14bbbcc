"""The training step of a two-tower model with numpy, scipy.sparse and their BLAS: the peer of
the program in this folder, which starts it with users, items, length, dim, hidden, batch and
negatives, and then asks for epochs. It must run on one thread: OPENBLAS_NUM_THREADS=1, and
OPENBLAS_CORETYPE=SkylakeX where OpenBLAS does not know the processor.

    user = id + mean(history) + W2 relu(W1 [id, mean(history)] + b1) + b2
    item = id + V2 relu(V1 id + c1) + c2

both of length 1; the loss is the softmax cross-entropy of user·item / T - log Q over the items of
the batch and even draws, each once. Adam updates the rows of the tables that a step has
touched, and all dense weights. Batches are drawn outside of the time that counts.
"""
import sys
import time

import numpy as np
from scipy import sparse

users, items, length, dim, hidden, batch, negatives = map(int, sys.argv[1:])
T, rate, b1, b2, eps = np.float32(0.1), 0.003, np.float32(0.9), np.float32(0.999), np.float32(1e-8)
rng = np.random.default_rng(1)
lists = np.stack([rng.permutation(items // 40)[:length] * 40 + u % 40 for u in range(users)]).astype(np.int32)
f32 = np.float32


class Param:
    def __init__(self, value):
        self.w = value.astype(f32)
        self.m = np.zeros_like(self.w)
        self.v = np.zeros_like(self.w)

    def dense(self, g, t):
        c1, c2 = 1 - float(b1) ** t, 1 - float(b2) ** t
        self.m *= b1
        self.m += (1 - b1) * g
        self.v *= b2
        self.v += (1 - b2) * (g * g)
        self.w -= f32(rate / c1) * self.m / (np.sqrt(self.v) * f32(1 / np.sqrt(c2)) + eps)

    def rows(self, at, g, t):
        c1, c2 = 1 - float(b1) ** t, 1 - float(b2) ** t
        m = self.m[at]
        m *= b1
        g1 = g * (1 - b1)
        m += g1
        self.m[at] = m
        v = self.v[at]
        v *= b2
        np.multiply(g, g, out=g)
        g *= 1 - b2
        v += g
        self.v[at] = v
        np.sqrt(v, out=v)
        v *= f32(1 / np.sqrt(c2))
        v += eps
        m *= f32(rate / c1)
        m /= v
        self.w[at] -= m


def table(n, scale=1.0):
    return Param(rng.uniform(-scale, scale, (n, dim)) / np.sqrt(dim))


def layers(width):
    bound = np.sqrt(6 / (width + hidden))
    return [Param(rng.uniform(-bound, bound, (width, hidden))), Param(np.zeros(hidden)),
            Param(np.zeros((hidden, dim))), Param(np.zeros(dim))]


user_table, item_table = table(users, 0.1), table(items)
user_mlp = layers(2 * dim) if hidden else None
item_mlp = layers(dim) if hidden else None
slot = np.zeros(items, np.int32)
count = np.bincount(lists.ravel(), minlength=items)
interval = (1 / (1 - (1 - np.maximum(count, 1) / lists.size) ** batch)).astype(f32)
last = np.zeros(items, np.int32)
step = 0


def forward(mlp, x, base):
    """Returns the vectors of length 1, and what backward takes."""
    out, h = base, None
    if mlp:
        h = x @ mlp[0].w
        h += mlp[1].w
        np.maximum(h, 0, out=h)
        out = h @ mlp[2].w
        out += mlp[3].w
        out += base
    norm = np.sqrt(np.einsum("ij,ij->i", out, out))[:, None]
    return out / norm, (mlp, x, h, norm)


def backward(saved, y, dy):
    """Returns the gradient of base, that of x or None, and those of the layers."""
    mlp, x, h, norm = saved
    dy -= np.einsum("ij,ij->i", dy, y)[:, None] * y
    dy /= norm
    if not mlp:
        return dy, None, []
    dh = dy @ mlp[2].w.T
    dh *= h > 0
    grads = [x.T @ dh, dh.sum(0), h.T @ dy, dy.sum(0)]
    return dy, dh @ mlp[0].w.T, grads


def train(u, hist, target, draws):
    """One step; hist has a row per example."""
    global step
    step += 1
    n = len(u)
    # Candidates, each once, and the place of each target among them.
    mark = np.zeros(items, bool)
    mark[target] = True
    seen = np.flatnonzero(mark)
    gap = np.where(last[seen] == 0, interval[seen], step - last[seen])
    interval[seen] += f32(0.01) * (gap - interval[seen])
    last[seen] = step
    mark[draws] = True
    cand = np.flatnonzero(mark)
    slot[cand] = np.arange(len(cand), dtype=np.int32)
    place = slot[target]
    logq = np.log(1 - (1 - 1 / np.maximum(interval[cand], 1)) * (1 - 1 / items) ** negatives).astype(f32)

    L = hist.shape[1]
    pool = item_table.w[hist.ravel()].reshape(n, L, dim).sum(1)
    pool *= f32(1 / L)
    uid = user_table.w[u]
    ux, usaved = forward(user_mlp, np.concatenate([uid, pool], 1) if user_mlp else None, uid + pool)
    iid = item_table.w[cand]
    ix, isaved = forward(item_mlp, iid, iid)

    scaled = ix * (1 / T)
    logits = ux @ scaled.T
    logits -= logq
    logits -= logits.max(1, keepdims=True)
    lead = logits[np.arange(n), place].copy()
    np.exp(logits, out=logits)
    total = logits.sum(1, keepdims=True)
    loss = float((np.log(total[:, 0]) - lead).sum())
    logits /= total
    logits[np.arange(n), place] -= 1
    logits *= f32(1 / n)
    dux = logits @ scaled
    dix = logits.T @ (ux * (1 / T))

    dbase, dx, ugrads = backward(usaved, ux, dux)
    duid, dpool = dbase, dbase
    if dx is not None:
        duid, dpool = dbase + dx[:, :dim], dbase + dx[:, dim:]
    diid, dx, igrads = backward(isaved, ix, dix)
    if dx is not None:
        diid = diid + dx
    for p, g in zip((user_mlp or []) + (item_mlp or []), ugrads + igrads):
        p.dense(g, step)

    # Rows of the table of users: the sum over the examples of each.
    mark_u = np.zeros(users, bool)
    mark_u[u] = True
    rows = np.flatnonzero(mark_u)
    at = np.zeros(users, np.int32)
    at[rows] = np.arange(len(rows), dtype=np.int32)
    sums = sparse.csr_matrix((np.ones(n, f32), (at[u], np.arange(n, dtype=np.int32))), shape=(len(rows), n))
    user_table.rows(rows, sums @ duid, step)

    # Rows of the table of items: as candidates, and in histories.
    flat = hist.ravel()
    mark[flat] = True
    rows = np.flatnonzero(mark)
    slot[rows] = np.arange(len(rows), dtype=np.int32)
    sums = sparse.csr_matrix((np.full(flat.size, 1 / L, f32), (slot[flat], np.repeat(np.arange(n, dtype=np.int32), L))), shape=(len(rows), n))
    grad = sums @ dpool
    grad[slot[cand]] += diid
    item_table.rows(rows, grad, step)
    return loss


others = np.array([[j for j in range(length) if j != i] for i in range(length)])
for line in sys.stdin:
    order = rng.permutation(users * length)
    seconds = loss = 0.0
    for start in range(0, len(order), batch):
        e = order[start:start + batch]
        u, p = e // length, e % length
        hist = lists[u[:, None], others[p]]
        target, draws = lists[u, p], rng.integers(0, items, negatives)
        clock = time.thread_time()
        loss += train(u, hist, target, draws)
        seconds += time.thread_time() - clock
    print(len(order), seconds, loss / len(order), flush=True)
