"""What the numbers mean: kinds, scope, periods, merchants, money. Knows no database and no HTTP.

    model         the words: Account, Row, Household, Entry, Kind
    classify      classify(household, rows): what every row of a user means
    totals        totals(rows, entries, period, scope): the sums, without SQL
    periods       months, years, and the periods that may be compared
    scope         which accounts count, and what an answer says of them
    comparisons   compare and coverage: variation, colour, sentence
    categories    reference data, by id and by name
    merchants     merchant_key(row): by which corrections and marks are stored
    money, text   rounding and JSON numbers; folding

The rules that `classify` applies, each in a module of its own: lines (a row once read), duplicates,
settlements, transfers, refunds.
"""
