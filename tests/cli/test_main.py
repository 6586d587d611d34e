"""The command line as a whole."""

from __future__ import annotations

import pytest

from ckssd.cli.main import main


def test_an_unknown_option_is_told_with_the_command_whose_help_lists_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", "--min-score", "0.5"])
    assert ended.value.code == 2
    assert "ckssd benchmark does not know --min-score 0.5; ckssd benchmark --help" in capsys.readouterr().err
