from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harena_user.service import merged

Json = dict[str, Any]
objects = st.recursive(
    st.dictionaries(st.text("abc", max_size=1), st.integers() | st.lists(st.integers())),
    lambda inner: st.dictionaries(st.text("abc", max_size=1), inner),
    max_leaves=8,
)


class TestMerged:
    @pytest.mark.parametrize(
        ("stored", "change", "result"),
        [
            ({}, {}, {}),
            ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
            ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
            ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
            ({"a": [{"x": 1}]}, {"a": [{"y": 2}]}, {"a": [{"y": 2}]}),
            ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
            ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
            ({"a": {"x": 1}}, {"a": None}, {"a": None}),
            ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
        ],
    )
    def test_objects_key_by_key_anything_else_replaced(
        self, stored: Json, change: Json, result: Json
    ) -> None:
        assert merged(stored, change) == result

    @settings(deadline=None, derandomize=True, database=None)
    @given(objects, objects)
    def test_a_second_time_changes_nothing_and_no_key_is_lost(
        self, stored: Json, change: Json
    ) -> None:
        once = merged(stored, change)

        assert merged(once, change) == once
        assert set(once) == set(stored) | set(change)
