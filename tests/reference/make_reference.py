#!/usr/bin/env python3
"""Writes figures.json: losses, activations, layers, optimizers and schedules by plain PyTorch in float64.

Each case of tests/TrainCases.h: its value, the loss (the value, or the sum of its squares), and every state after
one update by SGD 0.1. `optimizers` are trajectories of one small model, in kind those of trajectories.json;
`schedules` are learning rates by step. |got - figure| is at most 1e-12 (float64) or 1e-5 (float32) times
max(|figure|, 0.01). Run in this folder: python3 make_reference.py
"""
import json, math, torch, torch.nn.functional as F

torch.set_default_dtype(torch.float64)
T = torch.tensor
X = [[0.2, -1.3, 0.7], [1.5, 0.1, -0.4], [-0.6, 2.2, 0.9], [0.3, -0.8, 1.1]]
Y = T([[0.1, -1.0, 2.7], [1.5, 1.6, -2.4], [-0.7, 0.2, 0.8], [3.3, -0.9, 1.0]])
P = [[0.2, 0.3, 0.5], [0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.4, 0.4, 0.2]]
B = T([[1., 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
N = T([[0., 1, 2], [3, 0, 1], [5, 2, 0], [1, 4, 2]])
C, S, W = T([2, 0, 1, 1]), T([2, 0, -100, 1]), T([0.5, 2.0, 1.25])

cases = {}
def case(name, f, start=X, params=None, buffers=None):
    x = T(start, requires_grad=True)
    params = params or {}
    value = f(x)
    loss = value if value.dim() == 0 else (value ** 2).sum()
    loss.backward()
    states = {"x": x, **params}
    after = {n: (p - 0.1 * p.grad).tolist() for n, p in states.items()}
    after.update({n: b.tolist() for n, b in (buffers() if buffers else {}).items()})
    cases[name] = dict(value=value.tolist(), loss=loss.item(), after=after)

case("mse_sum", lambda x: F.mse_loss(x, Y, reduction="sum"))
case("mse_none", lambda x: F.mse_loss(x, Y, reduction="none"))
case("l1", lambda x: F.l1_loss(x, Y))
case("huber", lambda x: F.huber_loss(x, Y, delta=0.7))
case("smooth_l1", lambda x: F.smooth_l1_loss(x, Y, beta=0.7))
case("bce_weight", lambda x: F.binary_cross_entropy(x, B, weight=T(P)), P)
case("bce_logits_pos_weight", lambda x: F.binary_cross_entropy_with_logits(x, B, pos_weight=W))
case("bernoulli", lambda x: -torch.distributions.Bernoulli(x).log_prob(B).mean(), P)
case("ce_smoothing", lambda x: F.cross_entropy(x, C, label_smoothing=0.2))
case("ce_weights", lambda x: F.cross_entropy(x, C, weight=W))
case("ce_ignore", lambda x: F.cross_entropy(x, S))
case("ce_all", lambda x: F.cross_entropy(x, S, weight=W, label_smoothing=0.2))
case("ce_none", lambda x: F.cross_entropy(x, S, weight=W, label_smoothing=0.2, reduction="none"))
case("ce_probabilities", lambda x: F.cross_entropy(x, T(P), weight=W, label_smoothing=0.2))
case("nll_weights_ignore", lambda x: F.nll_loss(F.log_softmax(x, -1), S, weight=W))
case("gaussian_nll", lambda x: F.gaussian_nll_loss(x, Y, torch.exp(x * 0.5), full=True))
case("gaussian_nll_eps", lambda x: F.gaussian_nll_loss(x, Y, torch.exp(x), eps=0.5))
case("poisson_log", lambda x: F.poisson_nll_loss(x, N, full=True))
case("poisson_rates", lambda x: F.poisson_nll_loss(x, N, log_input=False), P)
case("kl", lambda x: F.kl_div(F.log_softmax(x, -1), F.softmax(Y, -1) * B, reduction="batchmean"))
case("kl_log_target", lambda x: F.kl_div(F.log_softmax(x, -1), F.log_softmax(Y, -1), log_target=True, reduction="mean"))
case("penalties", lambda x: 0.3 * x.abs().sum() + 0.2 * 2 * (x ** 2).sum())
case("gelu", F.gelu)
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"))
case("silu", F.silu)
case("leaky_relu", lambda x: F.leaky_relu(x, 0.1))
case("elu", lambda x: F.elu(x, 1.5))
w = T([[1., 2, 3], [4, 5, 6], [7, 8, 9], [0, 1, 0], [2, 2, 2]], requires_grad=True)
case("embedding", lambda x: F.embedding(T([1, 4, 1, 0]), w) * x, params={"e/w": w})
for name, options in (("batch_norm", {}), ("batch_norm_rank_3", dict(momentum=0.3, eps=1e-2))):
    bn = torch.nn.BatchNorm1d(3, **options)
    case(name, lambda x: bn(x) * Y, params={"bn/w": bn.weight, "bn/b": bn.bias},
         buffers=lambda: {"bn/mean": bn.running_mean, "bn/var": bn.running_var})
ln = torch.nn.LayerNorm(3)
case("layer_norm", lambda x: ln(x) * Y, params={"ln/w": ln.weight, "ln/b": ln.bias})

optimizers = {}
def trajectory(name, make, clip=None, updates=60):
    """h = x w + b on three inputs, mean squared error, w and b from the values below."""
    w, b = T([[0.5], [-0.25], [0.75]], requires_grad=True), T([0.1], requires_grad=True)
    rows, target = T(X), T([[1.], [-2.], [0.5], [3.]])
    optimizer = make(w, b)
    losses = []
    for _ in range(updates):
        loss = F.mse_loss(rows @ w + b, target)
        losses.append(loss.item())
        optimizer.zero_grad(); loss.backward()
        if clip: clip([w, b])
        optimizer.step()
    optimizers[name] = dict(loss=losses, w=w.tolist(), b=b.tolist())

O = torch.optim
trajectory("adagrad_all", lambda w, b: O.Adagrad([w, b], lr=0.1, lr_decay=0.05, weight_decay=0.02, initial_accumulator_value=0.1))
trajectory("rmsprop_momentum", lambda w, b: O.RMSprop([w, b], lr=0.01, momentum=0.9, weight_decay=0.02))
trajectory("rmsprop_centered", lambda w, b: O.RMSprop([w, b], lr=0.01, centered=True))
trajectory("adam_decay", lambda w, b: O.Adam([w, b], lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1))
trajectory("adamw_groups", lambda w, b: O.AdamW([dict(params=[w]), dict(params=[b], weight_decay=0.0, lr=0.02)], lr=0.05, weight_decay=0.3))
trajectory("clip_norm", lambda w, b: O.SGD([w, b], lr=0.1), lambda p: torch.nn.utils.clip_grad_norm_(p, 0.5))
trajectory("clip_value", lambda w, b: O.SGD([w, b], lr=0.1), lambda p: torch.nn.utils.clip_grad_value_(p, 0.25))

class TensorFlowRMSprop(O.Optimizer):
    """tf.compat.v1.train.RMSPropOptimizer: s from 1, epsilon inside the root, the rate inside the momentum."""
    def __init__(self, params): super().__init__(params, {})
    @torch.no_grad()
    def step(self):
        for p in self.param_groups[0]["params"]:
            s = self.state[p]
            if not s: s["s"], s["b"] = torch.ones_like(p), torch.zeros_like(p)
            s["s"] = 0.9 * s["s"] + 0.1 * p.grad ** 2
            s["b"] = 0.5 * s["b"] + 0.02 * p.grad / torch.sqrt(s["s"] + 1e-10)
            p -= s["b"]
trajectory("rmsprop_tensorflow", lambda w, b: TensorFlowRMSprop([w, b]))

schedules = {}
def schedule(name, make, steps=25):
    optimizer = O.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    s, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step(); s.step()
    schedules[name] = rates
L = O.lr_scheduler
schedule("step", lambda o: L.StepLR(o, 7, 0.3))
schedule("exponential", lambda o: L.ExponentialLR(o, 0.9))
schedule("cosine", lambda o: L.CosineAnnealingLR(o, 24, 0.01))
schedule("warmup", lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.25, total_iters=5), L.ExponentialLR(o, 0.9)], [5]))
metrics = [1, .9, .95, .94, .93, .8, .8, .8, .8, .8, .8, .8, .8, .7, .7, .7, .7, .7, .7, .7, .7, .7, .7, .7, .7]
optimizer = O.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
plateau = L.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, cooldown=1, min_lr=0.02)
schedules["plateau"] = []
for metric in metrics:
    plateau.step(metric)
    schedules["plateau"].append(optimizer.param_groups[0]["lr"])
schedules["plateau_metrics"] = metrics

with open("figures.json", "w") as f:
    json.dump(dict(cases=cases, optimizers=optimizers, schedules=schedules), f, indent=1)
print(len(cases), "cases,", len(optimizers), "trajectories, torch", torch.__version__)
