from hypothesis import settings

# How long an example takes depends on the machine; what it shows does not.
settings.register_profile("any-machine", parent=settings.default, deadline=None)
settings.load_profile("any-machine")
