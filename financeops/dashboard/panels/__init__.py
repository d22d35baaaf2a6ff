"""The parts of the screen, a module each."""
