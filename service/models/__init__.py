"""Which model is served: versions, the gate before them, the switch, the pointer all follow.

pointer (Redis)  ->  follower  ->  switch  ->  preparation  ->  gate
what is wanted       a thread      one change   read, verify    golden
                     a replica     at a time    derive, warm    requests
"""
