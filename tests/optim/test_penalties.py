"""Penalized least squares by the optimizers, against scikit-learn's Ridge and Lasso.

scikit-learn minimizes |y - x w - b|^2 + alpha sum w^2 (Ridge) and |y - x w - b|^2 / (2 n) + alpha sum |w|
(Lasso) over n examples, with the intercept b free. A cost of half the mean squared error under
weight_decay = gamma is 1 / (2 n) of the first with alpha = n gamma; the mean without the half has
alpha = n gamma / 2. In half the mean, a penalty lam sum |w| is the second with alpha = lam, and in the plain
mean with alpha = lam / 2.
"""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, LinearRegression, Ridge

from course_lib import optim

N, D = 50, 6
HALF = {"half the mean": 0.5, "the mean": 1.0}  # factor of the mean squared error in the cost


def problem(seed):
    """Correlated inputs x (n, d) off their centre; y (n,), which two of them do not enter, far from 0."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, D)) @ (np.eye(D) + 0.1 * rng.normal(size=(D, D))) + 0.3 * rng.normal(size=D)
    w = np.array([2.0, -1.5, 1.0, 0.0, 0.0, 0.3])
    return x, x @ w + 1 + rng.normal(size=N)


def descend(cls, x, y, half, steps, weight_decay=0.0, l1=0.0, intercept=True, shrink_lr=1.0, **options):
    """Full gradient steps from random weights, each followed by a soft threshold if l1 > 0 -> w (d,), b."""
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    w = torch.nn.Parameter(torch.randn(D, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    b = torch.nn.Parameter(torch.zeros((), dtype=torch.float64), requires_grad=intercept)
    groups = [{"params": [w], "weight_decay": weight_decay}, {"params": [b], "weight_decay": 0.0}]
    optimizer = cls(groups, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        (half * ((x @ w + b - y) ** 2).mean()).backward()
        optimizer.step()
        if l1:
            with torch.no_grad():
                w.copy_(w.sign() * (w.abs() - options["lr"] * l1).clamp(min=0))
        for group in optimizer.param_groups:
            group["lr"] *= shrink_lr
    return w.detach().numpy(), b.item()


@pytest.mark.parametrize("cost", HALF)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("gamma", [0.01, 0.3, 3.0])
def test_sgd_with_weight_decay_reaches_ridge(gamma, intercept, momentum, cost):
    x, y = problem(1)
    half = HALF[cost]
    w, b = descend(optim.SGD, x, y, half, 500, gamma, lr=0.2, momentum=momentum, intercept=intercept)
    theirs = Ridge(alpha=N * gamma / (2 * half), fit_intercept=intercept, solver="svd").fit(x, y)
    case = f"SGD(weight_decay={gamma}, {momentum=}), {cost}, {intercept=}"
    np.testing.assert_allclose(w, theirs.coef_, atol=1e-8, err_msg=f"{case}: weights are not Ridge's")
    np.testing.assert_allclose(b, theirs.intercept_, atol=1e-8, err_msg=f"{case}: bias is not Ridge's")
    plain = LinearRegression(fit_intercept=intercept).fit(x, y).coef_
    assert np.abs(w - plain).max() > 1e-3, f"{case}: the penalty changes nothing, so this shows nothing"


@pytest.mark.parametrize("cost", HALF)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("lam", [0.01, 0.3, 1.0])
def test_proximal_sgd_steps_reach_lasso(lam, intercept, cost):
    x, y = problem(2)
    half = HALF[cost]
    w, b = descend(optim.SGD, x, y, half, 500, l1=lam, lr=0.2, intercept=intercept)
    theirs = Lasso(alpha=lam / (2 * half), fit_intercept=intercept, tol=1e-14, max_iter=100_000).fit(x, y)
    case = f"SGD and soft threshold, {lam=}, {cost}, {intercept=}"
    np.testing.assert_allclose(w, theirs.coef_, atol=1e-7, err_msg=f"{case}: weights are not Lasso's")
    np.testing.assert_allclose(b, theirs.intercept_, atol=1e-7, err_msg=f"{case}: bias is not Lasso's")
    assert np.array_equal(w == 0, theirs.coef_ == 0), f"{case}: other weights are exactly zero than Lasso's"
    assert lam < 1 or (w == 0).any(), f"{case}: no weight is zero, so this shows nothing"


def test_a_large_l1_penalty_leaves_no_weight():
    x, y = problem(3)
    largest = np.abs((x - x.mean(axis=0)).T @ (y - y.mean())).max() / N  # the steepest slope at w = 0
    for share, some in ((1.001, False), (0.98, True)):
        w, b = descend(optim.SGD, x, y, 0.5, 500, l1=share * largest, lr=0.2)
        assert (w != 0).any() == some, f"lam = {share} of the largest slope leaves {w}"
        assert some or np.isclose(b, y.mean()), "without weights the bias is the mean of y"


def test_adam_with_l2_reaches_ridge_and_adamw_does_not():
    x, y = problem(4)
    gamma = 0.5
    theirs = Ridge(alpha=N * gamma, solver="svd").fit(x, y).coef_
    plain = LinearRegression().fit(x, y).coef_
    runs = {
        cls: descend(cls, x, y, 0.5, 1500, gamma, lr=0.05, shrink_lr=0.996)[0]
        for cls in (optim.Adam, optim.AdamW)
    }
    np.testing.assert_allclose(runs[optim.Adam], theirs, atol=1e-4, err_msg="Adam's L2 is not Ridge's")
    apart = np.abs(runs[optim.AdamW] - theirs).max()
    assert apart > 0.5 * np.abs(plain - theirs).max(), "AdamW reached Ridge too"
