from hypothesis import settings

# How long an example takes depends on the machine; what it shows does not.
settings.register_profile("any-machine", parent=settings.default, deadline=None)
settings.load_profile("any-machine")


def pytest_configure(config):
    # bqscales 0.3.7 gives its traits metadata in a way that traitlets calls deprecated, on import.
    config.addinivalue_line(
        "filterwarnings",
        "ignore:metadata .* was set from the constructor:DeprecationWarning",
    )
