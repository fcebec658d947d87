"""The ledger: one truth on disk; every write is one statement or one transaction.

`database` owns the connection and `models` the tables; `schema_update`, `database_file`, `backups`, `recovery` and `mark`
keep them whole; the others answer one question each. Rows never leave this package: what comes out are the values of
`fitferry.core`.
"""
