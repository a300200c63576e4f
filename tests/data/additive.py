"""The values of tests/unit/test_additive.c, with numpy: python3 tests/data/additive.py

The covariance of server/model/theta.h and the polynomial of server/model/polynomial.h written down
once more, each as the paper has it; gradients by central differences of fourth order."""
import numpy as np

NUM = np.array([[.10, .80, .35], [.42, .15, .90], [.77, .55, .05], [.23, .98, .61], [.64, .30, .48],
                [.91, .70, .27]])
CAT = np.array([0, 1, 2, 0, 1, 1])
# A branch: the second number belongs to the category 1 alone.
BRANCH = np.where((CAT == 1)[:, None] | (np.arange(3) != 1), NUM, .5)
Y = np.array([.3, -1.2, .8, .1, -.4, 1.1])
THETA = np.array([-.5, .2, .4, -.1, .3, -3.0, .7, -.9])
QUERY, QUERY_CAT = np.array([.5, .5, .2]), 1


def m52(r):
    return (1 + np.sqrt(5) * r + 5 * r * r / 3) * np.exp(-np.sqrt(5) * r)


def covariance(theta, xa, ca, xb, cb):
    length = np.exp(theta[:4])
    signal, share = np.exp(theta[4]), 1 / (1 + np.exp(-theta[6]))
    own = np.exp(theta[7])
    d = np.abs(xa[:, None] - xb[None])
    differs = (ca[:, None] != cb[None]).astype(float)
    r = np.sqrt(((d / length[:3]) ** 2).sum(2) + differs / length[3] ** 2)
    additive = (m52(d / own).sum(2) + m52(differs / own)) / 4
    return signal * ((1 - share) * m52(r) + share * additive)


def polynomial(xa, xb):
    def features(x):
        c = x - .5
        return np.sqrt(.3 / 3) * np.hstack([np.sqrt(12) * c, 3 * np.sqrt(5) * c * c])
    return features(xa) @ features(xb).T


def observed(theta):
    return (covariance(theta, NUM, CAT, NUM, CAT) + polynomial(NUM, NUM)
            + np.exp(theta[5]) * np.eye(6))


def mean(K):
    ones = np.linalg.solve(K, np.ones(6))
    return ones @ Y / ones.sum()


def log_p(theta):
    K = observed(theta)
    e = Y - mean(K)
    return (-.5 * e @ np.linalg.solve(K, e) - .5 * np.linalg.slogdet(K)[1]
            - 3 * np.log(2 * np.pi))


def slope(f, x, i, h=1e-3):
    def at(t):
        moved = np.array(x, float)
        moved[i] += t
        return f(moved)
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def posterior(q):
    x, c = np.atleast_2d(q), np.array([QUERY_CAT])
    K = observed(THETA)
    k = covariance(THETA, NUM, CAT, x, c)[:, 0] + polynomial(NUM, x)[:, 0]
    m = mean(K)
    prior = np.exp(THETA[4]) + polynomial(x, x)[0, 0]
    return m + k @ np.linalg.solve(K, Y - m), prior - k @ np.linalg.solve(K, k)


np.set_printoptions(precision=17, floatmode="unique")
own = THETA.copy()
own[4], own[6] = 0, 800  # signal 1, share 1: the additive part alone
def branches(own):
    """k_a of the first three points and the others, with the second number inactive in places."""
    K = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            a, b = CAT[i], CAT[3 + j]
            terms = [(abs(x - y), k) for k, (x, y) in enumerate(zip(BRANCH[i], BRANCH[3 + j]))]
            terms = [d for d, k in terms if k != 1 or (a == 1 and b == 1)] + [float(a != b)]
            size = [4 if c == 1 else 3 for c in (a, b)]
            K[i, j] = sum(m52(d / own) for d in terms) / np.sqrt(size[0] * size[1])
    return K


print("k_a:", repr(covariance(own, NUM[:3], CAT[:3], NUM[3:], CAT[3:]).T.ravel()))
print("k_a of branches:", repr(branches(np.exp(THETA[7])).T.ravel()))
print("log p:", repr(log_p(THETA)))
print("gradient:", repr(np.array([slope(log_p, THETA, i) for i in range(8)])))
print("mean, var:", repr(np.array(posterior(QUERY))))
print("gradient of the mean:", repr(np.array([slope(lambda q: posterior(q)[0], QUERY, i)
                                              for i in range(3)])))
print("gradient of the var:", repr(np.array([slope(lambda q: posterior(q)[1], QUERY, i)
                                             for i in range(3)])))
