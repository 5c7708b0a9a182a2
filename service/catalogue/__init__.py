"""The catalogue as clients change it: put and retired items, kept in Redis, on every replica.

    PUT -> rows in Redis -> change log in Redis -> each replica: Changes -> a new Serving

What is served is never changed: a larger snapshot is made beside it and published. The rules, and
what wins when a model is trained anew, are in docs/catalogue.md.
"""
