"""The ledger: one truth on disk; every write is one statement or one transaction.

`database` owns the connection, `database_file`, `backups`, `recovery` and `mark` keep it whole, the others answer
one question each. Rows never leave
this package: what comes out are the values of `fitferry.core`.
"""
