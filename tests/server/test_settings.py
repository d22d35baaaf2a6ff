"""Settings are described, read and checked."""

import pytest

from financeops.core.errors import Misconfigured
from server.settings import Settings, read_settings, settings_table


@pytest.fixture
def no_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FINANCEOPS_{name.upper()}", raising=False)


def test_every_setting_is_described():
    assert all(field.description for field in Settings.model_fields.values())


def test_the_table_has_every_setting_and_its_default():
    table = settings_table()
    assert "| `FINANCEOPS_PORT` | `3001` |" in table
    assert "| `FINANCEOPS_MONGODB_URI` | (required) |" in table
    assert "| `FINANCEOPS_SIMULATE` | `true` |" in table
    for name in Settings.model_fields:
        assert f"`FINANCEOPS_{name.upper()}`" in table


def test_defaults(no_environment):
    settings = read_settings(mongodb_uri="mongodb://localhost/")
    assert (settings.host, settings.port) == ("127.0.0.1", 3001)
    assert (settings.simulate, settings.simulate_interval) == (True, 2)
    assert settings.simulate_success_rate == 0.8
    assert settings.methods == ("card", "bank_transfer", "crypto", "paypal")
    assert settings.configured_tenants() == []
    assert settings.tenant("new").currency == "USD"


def test_lists_are_separated_by_commas_or_are_json(no_environment, monkeypatch):
    for text in ("card, cash", '["card", "cash"]'):
        monkeypatch.setenv("FINANCEOPS_METHODS", text)
        assert read_settings(mongodb_uri="mongodb://x/").methods == ("card", "cash")


def test_the_environment_wins_over_the_env_file(no_environment, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("FINANCEOPS_PORT=1\nFINANCEOPS_HOST=0.0.0.0\n")
    monkeypatch.setenv("FINANCEOPS_PORT", "2")
    settings = read_settings(mongodb_uri="mongodb://x/")
    assert (settings.port, settings.host) == (2, "0.0.0.0")


def test_the_uri_is_not_shown(no_environment):
    settings = read_settings(
        mongodb_uri="mongodb://user:hunter2@x/",
        webhook_secrets={"shop": {"stripe": "whsec_hunter2"}},
    )
    assert "hunter2" not in repr(settings)


def test_a_missing_setting_is_named(no_environment):
    with pytest.raises(Misconfigured, match="FINANCEOPS_MONGODB_URI"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "70000"),
        ("methods", ""),
        ("methods", "Card Payments"),
        ("methods", '["card"'),
        ("tenants", "tenant_2"),
        ("tenants", "[]"),
        ("tenants", '{"tenant_2": 3}'),
        ("mongodb_uri", "user:secret@localhost"),
        ("mongodb_uri", "mongodb://"),
        ("mongodb_uri", "http://localhost:27017"),
        ("dashboard_url", "localhost:8866"),
        ("dashboard_url", "http://["),
        ("tenants", '{"tenant 2": {}}'),
        ("tenants", '{"tenant_2": {"currency": "Euro"}}'),
        ("tenants", '{"tenant_2": {"timezone": "Berlin"}}'),
        ("tenants", '{"tenant_2": {"colour": "red"}}'),
        ("simulate", "perhaps"),
        ("simulate_interval", "0"),
        ("simulate_success_rate", "80"),
        ("simulate_seed", "-1"),
        ("heartbeat_seconds", "never"),
        ("allowed_origins", "app.example.com"),
        ("allowed_origins", "https://app.example.com/"),
        ("log_level", "loud"),
        ("simulate_interval", "nan"),
        ("allowed_origins", "http://["),
        ("allowed_hosts", "["),
    ],
)
def test_a_wrong_setting_is_named(no_environment, monkeypatch, name, value):
    monkeypatch.setenv("FINANCEOPS_MONGODB_URI", "mongodb://x/")
    monkeypatch.setenv(f"FINANCEOPS_{name.upper()}", value)
    with pytest.raises(Misconfigured, match=f"^FINANCEOPS_{name.upper()}") as error:
        read_settings()
    assert "Input" not in str(error.value)
    assert "Invalid" not in str(error.value)
    assert "TenantSettings" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_number_beyond_its_bounds_is_repeated(no_environment, monkeypatch):
    monkeypatch.setenv("FINANCEOPS_MONGODB_URI", "mongodb://x/")
    monkeypatch.setenv("FINANCEOPS_SIMULATE_SUCCESS_RATE", "80")
    with pytest.raises(Misconfigured, match="must be less than or equal to 1, not 80"):
        read_settings()
