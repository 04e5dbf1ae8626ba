from onread.telemetry.aggregate import add_up

ONE = b"""# HELP a_total Things
# TYPE a_total counter
a_total{kind="x"} 1.0
# HELP a_created Things
# TYPE a_created gauge
a_created{kind="x"} 200.0
"""
TWO = b"""# HELP a_total Things
# TYPE a_total counter
a_total{kind="x"} 2.0
a_total{kind="y z"} 5.0
# HELP a_created Things
# TYPE a_created gauge
a_created{kind="x"} 100.0
"""


def test_samples_add_up_and_stay_with_their_family():
    assert add_up([ONE, TWO]).decode().splitlines() == [
        "# HELP a_total Things",
        "# TYPE a_total counter",
        'a_total{kind="x"} 3.0',
        'a_total{kind="y z"} 5.0',
        "# HELP a_created Things",
        "# TYPE a_created gauge",
        'a_created{kind="x"} 100.0',
    ]


def test_of_no_worker_there_is_nothing():
    assert add_up([]) == b""
