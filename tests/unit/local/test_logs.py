"""Reading logs: the last lines, and what is added, through rotation."""

from contextlib import closing
from pathlib import Path

from harena_local.logs import Follower, last_lines


class TestLastLines:
    def test_of_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "log"
        file.write_text("".join(f"line {number}\n" for number in range(100_000)))
        assert last_lines(file, 2) == ["line 99998", "line 99999"]

    def test_of_none(self, tmp_path: Path) -> None:
        assert last_lines(tmp_path / "none", 2) == []
        (tmp_path / "empty").touch()
        assert last_lines(tmp_path / "empty", 2) == []

    def test_none_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_text("a\nb\n")
        assert last_lines(tmp_path / "log", 0) == []


class TestFollower:
    def test_tells_what_is_added_and_nothing_before(self, tmp_path: Path) -> None:
        file = tmp_path / "a.log"
        file.write_text("old\n")
        with closing(Follower({"a": file, "b": tmp_path / "b.log"})) as follower:
            assert list(follower.new_lines()) == []
            with file.open("a") as appended:
                appended.write("one\ntw")
            assert list(follower.new_lines()) == [("a", "one")]
            with file.open("a") as appended:
                appended.write("o\n")
            assert list(follower.new_lines()) == [("a", "two")]

    def test_goes_on_in_the_new_file_after_a_rotation(self, tmp_path: Path) -> None:
        file = tmp_path / "a.log"
        file.write_text("")
        with closing(Follower({"a": file})) as follower:
            with file.open("a") as appended:
                appended.write("last of the old\n")
            file.rename(tmp_path / "a.log.1")
            file.write_text("first of the new\n")
            assert [line for _, line in follower.new_lines()] == [
                "last of the old",
                "first of the new",
            ]

    def test_finds_a_file_that_appears_later(self, tmp_path: Path) -> None:
        file = tmp_path / "a.log"
        with closing(Follower({"a": file})) as follower:
            assert list(follower.new_lines()) == []
            file.write_text("hello\n")
            assert list(follower.new_lines()) == [("a", "hello")]
