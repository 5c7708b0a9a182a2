"""The scorer of W3: business rules in plain Python, a loop with dicts, about 0.6 us a candidate."""

BOOSTS = {0: 1.0, 1: 1.15, 2: 0.9, 3: 1.05}


def score(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Weigh clicks, ratio and likeness; boost by stock class, damp what is too cheap or dear."""
    age = user.get("user.age", 40.0)
    boosts, scores = BOOSTS, list[float]()
    columns = (items["item.f00"], items["item.f01"], items["item.f02"], items["item.f03"])
    for clicks, ratio, flag, likeness in zip(*columns, strict=True):
        worth = 0.3 * clicks / (1.0 + clicks) + ratio
        worth *= boosts.get(int(clicks) & 3, 1.0)
        if flag:
            worth += 0.05 * likeness
        if age < 30.0 and ratio > 0.8:
            worth -= 0.1 * (ratio - 0.8) * abs(likeness)
        elif likeness < -1.0:
            worth *= 0.7
        scores.append(worth)
    return scores
