"""What `training.pipeline` made, taken up here: its files are all that the two have in common.

tables     its Parquet files, with the data set's ordinals in place of its own
prepared   data set, interactions, features and what retrieval needs, from those
examples   the rows that the service would have ranked, from its requests and their features
learn      from a folder to a snapshot and its model text
"""

from training.offline.learn import learn_from

__all__ = ["learn_from"]
