"""The data directory of a replay: ours alone, made anew, never somebody else's."""

import pytest

from clearinghouse.demo.place import PlaceError, claimed


def test_a_new_place_is_empty_and_belongs_to_one(tmp_path):
    with claimed(tmp_path / "demo" / "x") as place:
        assert not place.is_begun
        assert not place.is_settled
        with pytest.raises(PlaceError, match="already"), claimed(place.directory):
            pass
    with claimed(tmp_path / "demo" / "x") as place:
        assert not place.is_begun


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(PlaceError, match="something else"), claimed(tmp_path):
        pass
    assert (tmp_path / "thesis.tex").exists()


def test_emptying_keeps_the_lock_and_the_keys(tmp_path):
    with claimed(tmp_path) as place:
        (tmp_path / "secrets.json").write_text("{}")
        assert not place.is_begun
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "a.csv").write_text("1")
        place.summary.write_text("{}")
        assert place.is_begun
        assert place.is_settled
        place.empty()
        assert not place.is_begun
        assert sorted(p.name for p in tmp_path.iterdir()) == ["demo.lock", "secrets.json"]


def test_a_link_is_removed_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").write_text("1")
    with claimed(tmp_path / "demo") as place:
        (place.directory / "link").symlink_to(tmp_path / "elsewhere")
        place.empty()
    assert (tmp_path / "elsewhere" / "keep").exists()


def test_a_place_that_cannot_be_made_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaceError, match="cannot be used"), claimed(tmp_path / "file" / "demo"):
        pass
