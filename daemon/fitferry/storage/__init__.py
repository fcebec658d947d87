"""What does Fitferry know? One truth on disk; every write is one statement or one transaction.

`tables` owns the database, `copies` keeps it whole, the others answer one question each. Rows never leave
this package: what comes out are the values of `fitferry.core`.
"""
