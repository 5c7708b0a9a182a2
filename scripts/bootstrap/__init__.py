"""Set-up: from a bare python3 to an environment in which everything runs.

Only the standard library, any Python from 3.9 on. Each module holds one idea:

    interpreter   the ladder: which free-threaded Python to use
    probe         what a given interpreter really is, asked by running it
    uv            finding or installing uv, and letting it install a Python
    pip           a pip that runs, also where the distribution has left it out
    registry      the package registry's settings, which pip has and uv does not read
    apt           the distribution's mirror and packages, with or without root
    headers       what a compiler needs for that, and where to get it
    source        building CPython from the distribution's tarball
    environment   a virtual environment that holds exactly one lock
    side          environments of their own, most with a GIL, for load tests and benchmark peers
    cache         ~/.cache/braid, and locks between set-ups that run at once
    commands      running other programs
    console       what set-up says, and how it shows that something long goes on
"""
