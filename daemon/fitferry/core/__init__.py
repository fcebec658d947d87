"""Which values and states exist? No input or output, no decisions.

Those of `files`, of `jobs`, and those that `strava` gives. Times are seconds since 1970 in UTC (`float`), wherever
they are kept or compared.
"""
