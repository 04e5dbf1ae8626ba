from pathlib import Path

import pytest

from onread.config import ConfigurationError, Endpoint, Settings, environment_name, load_settings


def problems_of(flags=None, environment=None, file=None):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(flags or {}, environment or {}, file)
    return caught.value.problems


def test_nothing_set_gives_the_promised_defaults():
    assert load_settings({}, {}) == Settings()
    assert str(Settings().listen) == "127.0.0.1:9000"
    assert str(Settings().admin_listen) == "127.0.0.1:9001"
    assert Settings().transform_timeout_seconds == 60


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path):
    file = tmp_path / "onread.toml"
    file.write_text('region = "eu-west-1"\naccount_id = "111111111111"\nlisten = "127.0.0.1:1"\n')
    environment = {"ONREAD_ACCOUNT_ID": "222222222222", "ONREAD_LISTEN": "127.0.0.1:2"}
    settings = load_settings({"listen": "127.0.0.1:3"}, environment, file)
    assert settings.region == "eu-west-1"
    assert settings.account_id == "222222222222"
    assert settings.listen == Endpoint("127.0.0.1", 3)


def test_every_mistake_is_reported_at_once_with_the_name_of_its_setting():
    found = problems_of({"listen": "here"}, {"ONREAD_ACCOUNT_ID": "12", "ONREAD_WORKERS": "65"})
    assert [problem.split(" ")[0] for problem in found] == ["listen", "account_id", "workers"]
    assert "from 1 to 64" in found[2]


@pytest.mark.parametrize("name", ["required_isolation"])
def test_a_promised_setting_that_is_not_built_is_refused_by_name(name):
    (problem,) = problems_of(environment={environment_name(name): "1"})
    assert problem.startswith(name)
    assert "not built yet" in problem


def test_what_is_wrong_with_a_store_is_told_with_the_rest(tmp_path):
    file = tmp_path / "onread.toml"
    file.write_text('workers = 0\n[[stores]]\nname = "a"\ntype = "gcs"\nendpoint = "ftp://x"\n')
    problems = problems_of(file=file)
    assert any(problem.startswith("workers") for problem in problems)
    assert 'stores.a.type: write "s3"' in problems
    assert "stores.a.endpoint: write http(s)://HOST or http(s)://HOST:PORT, without a path" in problems
    assert "stores.a.buckets: is missing" in problems


def test_an_unknown_setting_in_the_file_is_refused(tmp_path):
    file = tmp_path / "onread.toml"
    file.write_text('data_dri = "x"\n')
    assert problems_of(file=file) == [f"data_dri ({file}): no such setting"]


@pytest.mark.parametrize("content", ["listen = ", "\xff"])
def test_a_file_that_is_not_toml_is_refused(tmp_path, content):
    file = tmp_path / "onread.toml"
    file.write_bytes(content.encode("latin-1"))
    assert "not TOML" in problems_of(file=file)[0]


def test_a_file_that_is_not_there_is_refused():
    assert "No such file" in problems_of(file=Path("/nonexistent.toml"))[0]


@pytest.mark.parametrize("pair", [("minioadmin", "minioadmin"), ("admin", "admin"), ("test", "test")])
def test_T019_well_known_credentials_are_refused(pair):
    environment = {"ONREAD_ROOT_ACCESS_KEY_ID": pair[0], "ONREAD_ROOT_SECRET_ACCESS_KEY": pair[1]}
    assert "known to everybody" in problems_of(environment=environment)[0]


def test_half_of_the_root_credentials_is_refused():
    assert "both or neither" in problems_of(environment={"ONREAD_ROOT_ACCESS_KEY_ID": "AKIA"})[0]


def test_secrets_do_not_show_in_the_settings():
    environment = {"ONREAD_ROOT_ACCESS_KEY_ID": "AKIDAKID", "ONREAD_ROOT_SECRET_ACCESS_KEY": "c4n4ry-secret"}
    settings = load_settings({}, {**environment, "ONREAD_MASTER_KEY": "c4n4ry" * 8})
    assert "c4n4ry" not in f"{settings} {settings!r} {settings.master_key}"
    assert settings.root_secret_access_key.reveal() == "c4n4ry-secret"


def test_T290_the_database_url_does_not_show_itself():
    settings = load_settings({}, {"ONREAD_DATABASE_URL": "postgresql://u:c4n4ry@db/onread"})
    assert "c4n4ry" not in f"{settings} {settings!r} {settings.database_url}"
    (problem,) = problems_of(environment={"ONREAD_DATABASE_URL": "postgres:/u:c4n4ry@db/onread"})
    assert "c4n4ry" not in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("domains", "*.example.com"),
        ("region", "moon"),
        ("transform_timeout_seconds", "0"),
        ("transform_timeout_seconds", "soon"),
        ("max_connections", "0"),
        ("max_in_flight", "many"),
        ("max_request_memory_bytes", "-1"),
        ("strict", "perhaps"),
        ("isolation", "full"),
        ("database_url", "mysql://db"),
        ("log_level", "loud"),
        ("master_key", "short"),
        ("listen", "127.0.0.1:65536"),
        ("workers", "0"),
        ("public_url", "s3.example.com"),
        ("public_url", "https://s3.example.com/path"),
        ("trusted_proxies", "proxy.example.com"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("drain_seconds", "0"),
        ("drain_seconds", "nan"),
        ("drain_grace_seconds", "-1"),
        ("loop", "libev"),
    ],
)
def test_a_bad_value_is_refused(name, value):
    assert problems_of(environment={environment_name(name): value})[0].startswith(name)


def test_domains_are_lower_case_names():
    assert load_settings({"domains": "S3.Example.com., localhost"}, {}).domains == (
        "s3.example.com",
        "localhost",
    )


def test_an_ipv6_endpoint_keeps_its_brackets():
    assert str(load_settings({"listen": "[::1]:9000"}, {}).listen) == "[::1]:9000"


@pytest.mark.parametrize("name", ["tls_cert", "tls_key"])
def test_R052_half_of_a_certificate_and_its_key_is_refused(name):
    assert problems_of(environment={environment_name(name): "a.pem"}) == [
        "tls_cert, tls_key: give both or neither"
    ]


def test_R052_client_certificates_cannot_be_demanded_without_tls():
    assert "needs tls_cert and tls_key" in problems_of(environment={"ONREAD_ADMIN_CLIENT_CA": "ca.pem"})[0]


def test_trusted_proxies_are_addresses_and_networks():
    networks = load_settings({}, {"ONREAD_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies
    assert [str(network) for network in networks] == ["10.0.0.0/8", "::1/128"]


def test_a_drain_may_begin_without_grace():
    assert load_settings({}, {"ONREAD_DRAIN_GRACE_SECONDS": "0"}).drain_grace_seconds == 0
