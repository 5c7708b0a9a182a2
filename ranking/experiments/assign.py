"""Who is in which arm: a function of the user and the salt, the same on every replica."""

from hashlib import blake2b
from typing import Final

from ranking.experiments.settings import CONTROL, HOLDOUT, ROUNDING, Experiment

HOLDOUT_SALT: Final = "holdout"


def bucket(key: str, salt: str) -> float:
    """Return where a key falls in [0, 1): uniform, and independent of where another salt puts it.

    It is BLAKE2b (RFC 7693) of the key's UTF-8 with the salt (1-64 ASCII characters) as the hash's
    own key and 8 bytes of digest; the 53 highest of these bits, read big-endian, over 2**53. So
    other programs can compute it, and no float rounds up to 1.
    """
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=8, key=salt.encode()).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53


def assign(experiment: Experiment, key: str) -> str:
    """Return the arm that a user is in: a variant's name, `CONTROL` or `HOLDOUT`."""
    if experiment.holdout and bucket(key, HOLDOUT_SALT) < experiment.holdout:
        return HOLDOUT
    place = bucket(key, experiment.salt)
    end = 0.0
    for name, variant in experiment.variants.items():
        end += variant.share
        if place < end:
            return name
    return CONTROL


def shares_of(experiment: Experiment) -> dict[str, float]:
    """Return each arm's share of all users."""
    reached = 1 - experiment.holdout
    shares = {name: variant.share * reached for name, variant in experiment.variants.items()}
    rest = max(reached - sum(shares.values()), 0.0)
    return {CONTROL: rest if rest > ROUNDING else 0.0, **shares, HOLDOUT: experiment.holdout}
