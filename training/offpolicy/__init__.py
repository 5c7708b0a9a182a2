"""What a policy would earn, told from the log of another: estimators, and a check of them.

estimators   inverse propensity, self-normalised, doubly robust: arrays in, a ratio of means out
bandit       logs of a real experiment with known propensities
check        one policy's log says what the other earned; what did it really earn?
"""
