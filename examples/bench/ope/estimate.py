"""Off-policy estimates with numpy: the peer of the program in this folder, which starts it with rows, actions and a file of float64
(rewards, propensities, actions, then rows x actions of the target policy and of the reward model), and then asks for rounds: each
line of standard input is a lane; the answer is the seconds of CPU time and the estimates.

    ips         IPS and SNIPS, the formulas alone
    ips+se      the same with standard errors, effective sample size and largest weight, as ours has them too
    dr          DR as it is written down: the sum over actions of the product of two matrices
    dr+se       the same with its standard error, effective sample size and largest weight
    dr-einsum   DR with einsum, which makes no matrix of products
    ips-obp     IPS, then SNIPS, as Open Bandit Pipeline 0.5.5 writes them, with clipping at infinity and a position for each row
    dr-obp      DR in the same way
"""
import sys
import time

import numpy as np

n, actions = map(int, sys.argv[1:3])
data = np.fromfile(sys.argv[3], np.float64)
reward, propensity, action = data[:n].copy(), data[n:2 * n].copy(), data[2 * n:3 * n].astype(np.int64)
target = data[3 * n:3 * n + n * actions].reshape(n, actions).copy()
model = data[3 * n + n * actions:].reshape(n, actions).copy()
del data
rows = np.arange(n)


def weights():
    return target[rows, action] / propensity


def tails(w):
    return w.sum() ** 2 / np.square(w).sum(), w.max()


def ips():
    w = weights()
    s = (w * reward).sum()
    return s / n, s / w.sum()


def ips_se():
    w = weights()
    v = w * reward
    snips = v.sum() / w.sum()
    residual = w * (reward - snips)
    tails(w)
    v.std(ddof=1), np.sqrt(np.square(residual).sum()) / w.sum()
    return v.mean(), snips


def dr_of(direct):
    return direct + weights() * (reward - model[rows, action])


def dr():
    return (dr_of((target * model).sum(axis=1)).mean(),)


def dr_se():
    w = weights()
    v = (target * model).sum(axis=1) + w * (reward - model[rows, action])
    tails(w)
    v.std(ddof=1)
    return (v.mean(),)


def dr_einsum():
    return (dr_of(np.einsum("ij,ij->i", target, model)).mean(),)


def obp_weights():
    iw = target3[np.arange(n), action, position] / propensity
    iw[iw > np.inf] = np.inf
    return iw


def ips_obp():
    ips = (reward * obp_weights()).mean()
    iw = obp_weights()
    return ips, (reward * iw / iw.mean()).mean()


def dr_obp():
    iw = obp_weights()
    q = model3[np.arange(n), :, position]
    factual = model3[np.arange(n), action, position]
    pi = target3[np.arange(n), :, position]
    rewards = np.average(q, weights=pi, axis=1)
    rewards += iw * (reward - factual)
    return (rewards.mean(),)


target3, model3, position = target[:, :, None], model[:, :, None], np.zeros(n, int)
lanes = {"ips-obp": ips_obp, "dr-obp": dr_obp, "ips": ips, "ips+se": ips_se, "dr": dr, "dr+se": dr_se, "dr-einsum": dr_einsum}
for line in sys.stdin:
    run = lanes[line.strip()]
    clock = time.process_time()
    values = run()
    print(time.process_time() - clock, *values, flush=True)
