"""What the numbers mean: kinds, scope, periods, merchants, money. Knows no database and no HTTP."""
