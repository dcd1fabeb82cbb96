"""Peaks of the past in a profile: by day, oldest first, kept as they were given."""

from __future__ import annotations

from typing import Any

import pytest

from assessments.claims import read_answers
from assessments.growth_profiles import with_declared
from assessments.profile import read_profile
from probes.errors import UsageError


def test_peaks_stand_in_order_and_come_back_as_they_were() -> None:
    found = read_profile({"peaks": {"2026-06-01": 195, "2026-05-01": 180.5}})
    assert list(found.peaks.items()) == [("2026-05-01", 180.5), ("2026-06-01", 195.0)]
    assert read_profile(found.to_json()) == found


def test_a_file_may_write_days_without_quotes() -> None:
    text = "schema: loadstone.answers/1\nprofile: {peaks: {2026-05-01: 180, 2026-06-01: 195}}\nanswers: {}\n"
    assert dict(read_answers(text.encode(), "a.yaml").profile.peaks) == {
        "2026-05-01": 180.0,
        "2026-06-01": 195.0,
    }


def test_a_growth_profile_keeps_them() -> None:
    text = "schema: loadstone.answers/1\nanswers: {}\n"
    text += "profile: {growth_profile: retail-campaign, peaks: {2026-05-01: 180}}\n"
    whole = with_declared(read_answers(text.encode(), "a.yaml").profile)
    assert dict(whole.peaks) == {"2026-05-01": 180.0}


@pytest.mark.parametrize(
    ("peaks", "said"),
    [
        ([1, 2], "peaks is a mapping of days"),
        ({"May": 3}, "peaks are given by day, such as 2026-06-01, not 'May'"),
        ({"2026-13-01": 3}, "not '2026-13-01'"),
        ({"2026-05-01": "many"}, "the peak of 2026-05-01 is a number"),
        ({"2026-05-01": -1}, "0 or more"),
        ({"2026-05-01": float("nan")}, "0 or more"),
        ({"2026-05-01": True}, "is a number"),
    ],
)
def test_what_is_no_peak_is_refused(peaks: Any, said: str) -> None:
    with pytest.raises(UsageError, match="profile: ") as refused:
        read_profile({"peaks": peaks})
    assert said in str(refused.value)
