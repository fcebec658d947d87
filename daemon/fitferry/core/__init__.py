"""Values and decisions, pure: no input or output, no clock, no library but the standard one.

Times are seconds since 1970 in UTC (`float`), wherever they are kept or compared.
"""
