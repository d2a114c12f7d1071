import pytest

from harena_demo.bulk import shares


@pytest.mark.parametrize(("users", "rows"), [(1, 1), (3, 100), (1000, 1_000_000), (997, 12_345)])
def test_every_row_is_given_to_somebody(users: int, rows: int) -> None:
    sizes = shares(users, rows)
    assert len(sizes) == users
    assert sum(sizes) == rows
    assert min(sizes) >= 1


def test_few_users_have_most_rows() -> None:
    sizes = shares(1000, 1_000_000)
    assert sum(sizes[:250]) > 0.45 * sum(sizes)
    assert sizes[0] > 10 * sizes[-1]


def test_the_largest_user_is_as_large_as_asked() -> None:
    sizes = shares(1000, 1_000_000, largest=50_000)
    assert sizes[0] == 50_000
    assert sum(sizes) == 1_000_000
    assert max(sizes[1:]) < 50_000


@pytest.mark.parametrize(("users", "rows", "largest"), [(10, 5, None), (1, 10, 5), (2, 10, 10)])
def test_nobody_may_be_left_without_rows(users: int, rows: int, largest: int | None) -> None:
    with pytest.raises(ValueError, match="cannot be shared"):
        shares(users, rows, largest)
