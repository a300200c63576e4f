"""The values of tests/unit/test_recommendation.c, with numpy: python3 tests/data/recommendation.py

The transform of costs (server/model/transform.h), the covariance (server/model/theta.h) and the
polynomial (server/model/polynomial.h) written down once more, and the posterior of the latent
function at each trial, in the units of the objective."""
import numpy as np

NUM = np.array([[.10, .80], [.42, .15], [.77, .55], [.23, .98], [.64, .30], [.91, .70], [.43, .17],
                [.40, .13], [.05, .05], [.95, .95], [.44, .16], [.60, .60]])
CAT = np.array([0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1])
VALUES = np.array([.61, .12, .55, .82, .25, .74, .21, .19, .93, 60., .20, .42])
THETA = np.array([-.5, .2, .4, -.1, np.log(.05), -1.0, -.9])


def m52(r):
    return (1 + np.sqrt(5) * r + 5 * r * r / 3) * np.exp(-np.sqrt(5) * r)


def covariance():
    length = np.exp(THETA[:3])
    signal, share, own = np.exp(THETA[3]), 1 / (1 + np.exp(-THETA[5])), np.exp(THETA[6])
    d = np.abs(NUM[:, None] - NUM[None])
    differs = (CAT[:, None] != CAT[None]).astype(float)
    r = np.sqrt(((d / length[:2]) ** 2).sum(2) + differs / length[2] ** 2)
    additive = (m52(d / own).sum(2) + m52(differs / own)) / 3
    c = NUM - .5
    phi = np.sqrt(.3 / 2) * np.hstack([np.sqrt(12) * c, 3 * np.sqrt(5) * c * c])
    return signal * ((1 - share) * m52(r) + share * additive) + phi @ phi.T


def posterior(values):
    """Expected value and deviation at each trial, the least cost being the best."""
    median, best = np.median(values[:20]), values.min()
    reach = 3 * (median - best)
    knee = median + reach
    with np.errstate(invalid="ignore"):
        cost = np.where(values > knee, knee + reach * np.log1p((values - knee) / reach), values)
    mean, sd = cost.mean(), cost.std()
    y = (cost - mean) / sd
    latent = covariance()
    K = latent + np.exp(THETA[4]) * np.eye(len(y))
    ones = np.linalg.solve(K, np.ones(len(y)))
    m = ones @ y / ones.sum()
    f = m + latent @ np.linalg.solve(K, y - m)
    var = np.diag(latent - latent @ np.linalg.solve(K, latent))
    expected = mean + sd * f
    slope = np.where(expected > knee, np.exp((expected - knee) / reach), 1)
    expected = np.where(expected > knee, knee + reach * np.expm1((expected - knee) / reach),
                        expected)
    return expected, np.sqrt(var) * sd * slope, np.sqrt(np.exp(THETA[4])) * sd


np.set_printoptions(precision=17, floatmode="unique")
for name, values, sign in (("minimise", VALUES, 1), ("the same, three times as large", 3 * VALUES - 7, 1)):
    expected, deviation, noise = posterior(values)
    i, j = expected.argmin(), values.argmin()
    print(f"{name}: trial {i + 1} {expected[i]!r} {deviation[i]!r}, observed best {j + 1} "
          f"{expected[j]!r} {deviation[j]!r}, noise {noise!r}; trial 10 {expected[9]!r} {deviation[9]!r}")
